//! Speed of one host channel, in bursts, refresh and counters on. Recorded speed of DRAMsim3 on the
//! same part, one channel: 338,000 requests a CPU second sequential, 88,000 random.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memwall_sim::dram::policy::Policy;
use memwall_sim::dram::traffic::{Offered, Traffic};
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
    let Some(standard) = device.memory.part() else {
        return;
    };
    let mut group = c.benchmark_group("dram");
    group.throughput(Throughput::Elements(BURSTS));
    let sequential = [Descriptor::sequential(Direction::Read, 0, BURSTS)];
    group.bench_function("sequential_read", |b| {
        b.iter(|| run(standard, &sequential));
    });
    let scattered = [Descriptor {
        direction: Direction::Read,
        start: 0,
        bursts: 1,
        // A prime number of rows: every burst opens a row, banks in changing order.
        stride: 16 * 37,
        pieces: BURSTS,
    }];
    group.bench_function("row_a_burst", |b| b.iter(|| run(standard, &scattered)));
    group.finish();
}

/// Requests written out: nothing is known of what follows, so nothing is passed over.
struct Listed<'a>(std::slice::Iter<'a, Request>);

impl Source for Listed<'_> {
    fn take(&mut self) -> Option<Request> {
        self.0.next().copied()
    }
}

impl Traffic for Listed<'_> {
    fn offered(&mut self) -> Option<Offered> {
        let request = self.take()?;
        Some(Offered {
            channel: 0,
            request,
        })
    }
}

/// Single requests through the controllers, every latency recorded. Recorded speeds of the reference
/// simulators on HBM2, requests a CPU second: DRAMsim3 338,000 sequential and 88,000 random;
/// Ramulator 2.1 238,000 and 121,000; idle, 20 million cycles.
fn requests(c: &mut Criterion) {
    const REQUESTS: u64 = 1_000_000;
    let mut group = c.benchmark_group("requests");
    group.sample_size(10);
    for (policy, part) in [
        (Policy::DramSim3, "dramsim3-hbm2-8gb-x128"),
        (Policy::DramSim3, "dramsim3-ddr4-8gb-x8-3200"),
        (Policy::Ramulator, "ramulator-hbm2-2000"),
        (Policy::Ramulator, "ramulator-ddr4-3200"),
        (Policy::Default, "hbm3-6400"),
    ] {
        let standard = load_part(&support::Shipped, part, &[]).expect("a shipped part");
        for (name, workload, count, elements) in [
            ("sequential", Workload::SeqRead, REQUESTS, REQUESTS),
            ("random", Workload::RandomRead, REQUESTS, REQUESTS),
            // Cycles, not requests: a probe each 1,000 of them, refresh between.
            ("idle_cycles", Workload::ProbeRowHit, 100_000, 100_000_000),
        ] {
            let mut rule = Requests::new(workload, &standard.organisation, count);
            let list: Vec<_> = std::iter::from_fn(|| rule.take()).collect();
            group.throughput(Throughput::Elements(elements));
            group.bench_function(format!("{part}/{name}"), |b| {
                b.iter(|| {
                    let mut listed = Listed(list.iter());
                    policy.run(&standard, &mut listed, &mut [NoObserver])
                });
            });
        }
        let described = Requests::new(Workload::SeqRead, &standard.organisation, 10 * REQUESTS);
        group.throughput(Throughput::Elements(10 * REQUESTS));
        group.bench_function(format!("{part}/sequential_described"), |b| {
            b.iter(|| policy.run(&standard, &mut described.clone(), &mut [NoObserver]));
        });
    }
    group.finish();
}

criterion_group!(benches, dram, requests);
criterion_main!(benches);
