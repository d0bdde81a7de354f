//! Speed of one channel running tiles, in channel cycles. Recorded speed of NewtonSim: 930,000
//! channel cycles a CPU second.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memwall_sim::dram::{Channel, NoObserver, Standard, Stop, Watch};
use memwall_sim::machine::Device;
use memwall_sim::pim::newton::port::{Ask, Coordinates, Port, Transaction};
use memwall_sim::pim::newton::{Newton, Parameters, Tiles};
use memwall_sim::pim::{PimOp, PimProgram};
use memwall_sim::time::Tick;
use std::collections::VecDeque;
use std::sync::Arc;

fn run(standard: &Arc<Standard>, tiles: u32) -> u64 {
    let mut channel = Channel::new(Arc::clone(standard));
    let ops = (0..tiles).map(|row| PimOp::Tile {
        row,
        results: 4,
        comps: 8,
    });
    let program = PimProgram { ops: ops.collect() };
    let block = channel.push_pim(0, program, Watch::Record);
    while channel.advance(u64::MAX, &mut NoObserver) != Stop::Idle {}
    channel.completed(block).unwrap_or(0)
}

fn pim(c: &mut Criterion) {
    let Device::Npu(device) = support::machine("neupims").device else {
        return;
    };
    let Some(part) = device.memory.part() else {
        return;
    };
    let mut group = c.benchmark_group("pim");
    group.throughput(Throughput::Elements(run(part, 1000)));
    group.bench_function("logit_tiles", |b| b.iter(|| run(part, 1000)));
    group.finish();
}

/// Tiles of changing shapes, each on a row of its own.
fn tiles() -> VecDeque<Transaction> {
    let mut list = VecDeque::new();
    for row in 1..=1000_u32 {
        let at = Coordinates {
            row,
            ..Coordinates::default()
        };
        let shapes = [(4, 8), (1, 32), (2, 16), (4, 7), (3, 8), (8, 4), (1, 20)];
        let (read_outs, comps) = shapes[row as usize % shapes.len()];
        let header = Ask::Header {
            comps: 32,
            read_outs: 4,
        };
        if row % 16 == 1 {
            list.push_back((Coordinates::default(), Ask::Gwrite));
        }
        list.push_back((at, header));
        for read_out in 1..=read_outs {
            let last = read_out == read_outs;
            list.push_back((at, Ask::CompsReadres { comps, last }));
        }
    }
    let tagged = list.into_iter().zip(0..);
    tagged
        .map(|((at, ask), tag)| Transaction { ask, at, tag })
        .collect()
}

/// Reads of rows below those of the tiles, one every `spacing` ticks, in runs of four bursts.
fn reads(spacing: Tick, until: Tick) -> VecDeque<(Tick, Transaction)> {
    let read = |index: u64| {
        let run = (index / 4).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let at = Coordinates {
            rank: (run & 1) as u8,
            group: (run >> 1 & 3) as u8,
            bank: (run >> 3 & 3) as u8,
            row: 2000 + (run >> 5 & 1023) as u32,
            column: (index & 3 | (run >> 20 & 3) << 2) as u16,
        };
        let tag = index as u32;
        (
            index * spacing,
            Transaction {
                ask: Ask::Read,
                at,
                tag,
            },
        )
    };
    (0..until / spacing).map(read).collect()
}

/// Ticks that a channel takes for tiles as fast as it takes them, beside reads.
fn mixed(
    standard: &Standard,
    mut tiles: VecDeque<Transaction>,
    mut reads: VecDeque<(Tick, Transaction)>,
) -> Tick {
    let mut channel = Newton::new(standard, Parameters::default()).expect("a part of its own");
    let mut unanswered = 0;
    loop {
        while let Some(next) = tiles.pop_front_if(|next| channel.has_room(next.ask)) {
            unanswered += u32::from(!matches!(next.ask, Ask::Header { .. }));
            channel.offer(next);
        }
        while let Some((_, next)) =
            reads.pop_front_if(|(from, next)| *from <= channel.now() && channel.has_room(next.ask))
        {
            unanswered += 1;
            channel.offer(next);
        }
        let mut until = channel.next_event() + 1;
        if let Some((from, _)) = reads.front()
            && *from > channel.now()
        {
            until = (*from).min(if tiles.is_empty() { *from } else { until });
        }
        channel.advance(until, &mut NoObserver);
        while channel.answer().is_some() {
            unanswered -= 1;
        }
        if unanswered == 0 && tiles.is_empty() && reads.is_empty() {
            return channel.now();
        }
    }
}

/// The channel of NewtonSim. With tiles alone NewtonSim makes 0.93 million ticks a CPU second.
fn newton(c: &mut Criterion) {
    let standard = support::part("newtonsim-hbm2-dual").expect("a shipped part");
    let mut group = c.benchmark_group("newton");
    let logit = Tiles {
        count: 1000,
        read_outs: 4,
        comps: 8,
        same_row: false,
        gwrite: false,
    };
    let run = || {
        let mut channel = Newton::new(&standard, Parameters::default()).expect("a part of its own");
        logit
            .run(&mut channel, &mut NoObserver)
            .map_or(0, |pace| pace.total)
    };
    group.throughput(Throughput::Elements(run()));
    group.bench_function("logit_tiles", |b| b.iter(run));
    for (name, tiles, reads) in [
        ("distinct_tiles", tiles(), VecDeque::new()),
        ("tiles_and_few_reads", tiles(), reads(40, 200_000)),
        ("tiles_and_reads", tiles(), reads(4, 200_000)),
        ("reads", VecDeque::new(), reads(4, 200_000)),
    ] {
        let ticks = mixed(&standard, tiles.clone(), reads.clone());
        group.throughput(Throughput::Elements(ticks));
        group.bench_function(name, |b| {
            b.iter(|| mixed(&standard, tiles.clone(), reads.clone()));
        });
    }
    group.finish();
}

criterion_group!(benches, pim, newton);
criterion_main!(benches);
