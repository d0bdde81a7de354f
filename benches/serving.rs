//! A replay of the bundled arrivals at `fast`, in requests. Recorded: Vidur takes 7 ms of CPU a
//! request with table look-ups.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use memwall_models::registry;
use memwall_sim::exec::{Fidelity, Simulator};
use memwall_sim::serving::{ChannelChoice, KvManager, NoIterationObserver, Replay, ReplayLimits};
use memwall_traces::samples;

const REQUESTS: usize = 200;

fn serving(c: &mut Criterion) {
    let model = registry::get("llama-3.1-8b").expect("embedded");
    let machine = support::machine("neupims");
    let simulator = Simulator::new(&machine, &model, 4, Fidelity::Fast).expect("a valid machine");
    let limits = ReplayLimits {
        batch: 256,
        prefill_tokens: 8192,
        positions: model.max_positions,
    };
    let mut group = c.benchmark_group("serving");
    group.sample_size(20);
    group.throughput(Throughput::Elements(REQUESTS as u64));
    group.bench_function("replay_fast", |b| {
        b.iter(|| {
            let mut simulator = simulator.clone();
            let choice = ChannelChoice::new(&machine, &model, 4);
            let kv = KvManager::of(&simulator);
            let requests = samples::open_sample("azure-like-arrivals")
                .expect("bundled")
                .requests()
                .expect("arrivals")
                .take(REQUESTS);
            Replay::new(&mut simulator, choice, kv, limits)
                .run(requests, &mut NoIterationObserver)
                .expect("served")
        });
    });
    group.finish();
}

criterion_group!(benches, serving);
criterion_main!(benches);
