//! Speed of the event queue in the hold model: take the earliest, schedule it again.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memwall_sim::engine::EventQueue;
use memwall_sim::time::Ps;

const EVENTS: u64 = 100_000;
/// A mix of DRAM delays, in ticks of a nanosecond.
const DELAYS: [u64; 8] = [4, 2, 14, 33, 47, 16, 350, 3900];

fn hold(c: &mut Criterion) {
    let mut group = c.benchmark_group("event_queue");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("hold_1024", |b| {
        b.iter(|| {
            let mut queue = EventQueue::new();
            for component in 0..1024 {
                queue.schedule(Ps(u64::from(component)), component);
            }
            for event in 0..EVENTS {
                if let Some((at, component)) = queue.pop() {
                    let delay = DELAYS[(event % 8) as usize] * 1000;
                    queue.schedule(at + Ps(delay), component);
                }
            }
            queue
        });
    });
    group.finish();
}

criterion_group!(benches, hold);
criterion_main!(benches);
