//! One decode iteration of GPT-3 6.7B, TP 4, batch 256, one layer, nothing remembered. The NeuPIMs
//! artifact takes 62 CPU seconds for such a layer.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use memwall_models::registry;
use memwall_sim::exec::{Fidelity, Simulator};
use memwall_sim::serving::run_batch;
use memwall_traces::samples;

fn iteration(c: &mut Criterion) {
    let mut model = registry::get("gpt3-6.7b").expect("embedded");
    model.layers = 1;
    let batch: Vec<_> = samples::open_sample("sharegpt-like-batch")
        .expect("bundled")
        .in_flight()
        .expect("a batch")
        .collect::<Result<_, _>>()
        .expect("whole");
    let mut group = c.benchmark_group("iteration");
    group.sample_size(20);
    for (name, fidelity) in [("command", Fidelity::Command), ("fast", Fidelity::Fast)] {
        for machine in ["npu-only", "npu-pim", "neupims"] {
            let machine = support::machine(machine);
            group.bench_function(format!("{name}/{}", machine.name), |b| {
                b.iter(|| {
                    let mut cold =
                        Simulator::new(&machine, &model, 4, fidelity).expect("a valid machine");
                    run_batch(&mut cold, &batch).expect("a valid batch")
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, iteration);
criterion_main!(benches);
