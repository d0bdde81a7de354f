//! Speed of one host channel, in bursts, refresh and counters on. Recorded speed of DRAMsim3 on the
//! same part, one channel: 338,000 requests a CPU second sequential, 88,000 random.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memwall_sim::dram::window::{Parameters, Window};
use memwall_sim::dram::{
    Channel, Descriptor, Direction, NoObserver, Request, Requests, Source, Standard, Watch,
    Workload,
};
use memwall_sim::machine::{Device, load_part};
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

/// Single requests through the window controller, a list of them so that nothing is passed over.
/// Recorded speed of Ramulator 2.1 on HBM2: 238,000 requests a CPU second sequential, 121,000 random.
fn window(c: &mut Criterion) {
    let mut group = c.benchmark_group("dram_window");
    group.throughput(Throughput::Elements(BURSTS));
    for part in ["ramulator-hbm2-2000", "ramulator-ddr4-3200"] {
        let standard = load_part(&support::Shipped, part, &[]).expect("a part");
        for workload in [Workload::SeqRead, Workload::RandomRead] {
            let mut rule = Requests::new(workload, &standard.organisation, BURSTS);
            let listed: Vec<Request> = std::iter::from_fn(|| rule.take()).collect();
            group.bench_function(format!("{part}/{workload:?}"), |b| {
                b.iter(|| {
                    let controller = Window::of(&standard, Parameters::RAMULATOR);
                    let mut source = Listed(listed.iter());
                    let mut window = controller.expect("a controller");
                    window.run(&mut source, &mut NoObserver).cycles
                });
            });
        }
    }
    group.finish();
}

/// Requests written out.
struct Listed<'a>(std::slice::Iter<'a, Request>);

impl Source for Listed<'_> {
    fn take(&mut self) -> Option<Request> {
        self.0.next().copied()
    }
}

criterion_group!(benches, dram, window);
criterion_main!(benches);
