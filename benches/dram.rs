//! Speed of one host channel, in bursts, refresh and counters on. Recorded speed of DRAMsim3 on the
//! same part, one channel: 338,000 requests a CPU second sequential, 88,000 random.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memwall_sim::dram::bank_queues::{BankQueues, Parameters, Tables};
use memwall_sim::dram::{
    Channel, Descriptor, Direction, NoObserver, Request, Requests, Source, Standard, Watch,
    Workload,
};
use memwall_sim::machine::Device;
use std::sync::Arc;

const BURSTS: u64 = 100_000;

fn run(standard: &Arc<Standard>, streams: &[Descriptor]) -> u64 {
    let mut channel = Channel::new(Arc::clone(standard));
    for stream in streams {
        channel.push(0, *stream, Watch::Record);
    }
    channel.advance(u64::MAX, &mut NoObserver);
    channel.counters().of(memwall_sim::dram::Command::Rd)
}

fn dram(c: &mut Criterion) {
    let Device::Npu(device) = support::machine("npu-only").device else {
        return;
    };
    let standard = device.memory;
    let mut group = c.benchmark_group("dram");
    group.throughput(Throughput::Elements(BURSTS));
    let sequential = [Descriptor::sequential(Direction::Read, 0, BURSTS)];
    group.bench_function("sequential_read", |b| {
        b.iter(|| run(&standard, &sequential));
    });
    let scattered = [Descriptor {
        direction: Direction::Read,
        start: 0,
        bursts: 1,
        // A prime number of rows: every burst opens a row, banks in changing order.
        stride: 16 * 37,
        pieces: BURSTS,
    }];
    group.bench_function("row_a_burst", |b| b.iter(|| run(&standard, &scattered)));
    group.finish();
}

/// Requests in a list: nothing is known of what follows.
struct Opaque<'a>(std::slice::Iter<'a, Request>);

impl Source for Opaque<'_> {
    fn take(&mut self) -> Option<Request> {
        self.0.next().copied()
    }
}

/// The controller of DRAMsim3 on its HBM2 part, every latency recorded.
fn bank_queues(c: &mut Criterion) {
    const REQUESTS: u64 = 1_000_000;
    let Some(standard) = support::part("dramsim3-hbm2-8gb-x128") else {
        return;
    };
    let Ok(tables) = Tables::of(&standard) else {
        return;
    };
    let channel = || BankQueues::new(tables.clone(), Parameters::of(&standard));
    let mut group = c.benchmark_group("bank_queues");
    group.sample_size(10);
    group.throughput(Throughput::Elements(REQUESTS));
    for (name, workload) in [
        ("seq_read", Workload::SeqRead),
        ("random_read", Workload::RandomRead),
        ("mixed_rw_2to1", Workload::MixedRw2to1),
        ("peak_stream", Workload::PeakStream),
    ] {
        let mut rule = Requests::new(workload, &standard.organisation, REQUESTS);
        let list: Vec<_> = std::iter::from_fn(|| rule.take()).collect();
        group.bench_function(name, |b| {
            b.iter(|| {
                channel()
                    .run(&mut Opaque(list.iter()), &mut NoObserver)
                    .cycles
            });
        });
    }
    // Cycles, not requests: a probe each 1,000 of them, refresh between.
    let mut rule = Requests::new(Workload::ProbeRowHit, &standard.organisation, 100_000);
    let list: Vec<_> = std::iter::from_fn(|| rule.take()).collect();
    group.throughput(Throughput::Elements(1000 * list.len() as u64));
    group.bench_function("idle_cycles", |b| {
        b.iter(|| {
            channel()
                .run(&mut Opaque(list.iter()), &mut NoObserver)
                .cycles
        });
    });
    let described = Requests::new(Workload::SeqRead, &standard.organisation, 10 * REQUESTS);
    group.throughput(Throughput::Elements(10 * REQUESTS));
    group.bench_function("seq_read_described", |b| {
        b.iter(|| {
            channel()
                .run(&mut described.clone(), &mut NoObserver)
                .cycles
        });
    });
    group.finish();
}

criterion_group!(benches, dram, bank_queues);
criterion_main!(benches);
