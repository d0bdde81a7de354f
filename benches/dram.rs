//! Speed of one host channel, in bursts, refresh and counters on. Recorded speed of DRAMsim3 on the
//! same part, one channel: 338,000 requests a CPU second sequential, 88,000 random.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memwall_sim::dram::{Channel, Descriptor, Direction, NoObserver, Standard, Watch};
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

criterion_group!(benches, dram);
criterion_main!(benches);
