//! Speed of one channel running tiles, in channel cycles. Recorded speed of NewtonSim: 930,000
//! channel cycles a CPU second.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memwall_sim::dram::{Channel, NoObserver, Standard, Stop, Watch};
use memwall_sim::machine::Device;
use memwall_sim::pim::{PimOp, PimProgram};
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
    let mut group = c.benchmark_group("pim");
    group.throughput(Throughput::Elements(run(&device.memory, 1000)));
    group.bench_function("logit_tiles", |b| b.iter(|| run(&device.memory, 1000)));
    group.finish();
}

criterion_group!(benches, pim);
criterion_main!(benches);
