//! Products on cores with DRAM at command level, nothing remembered: mapping search included. ONNXim
//! takes 86 CPU seconds for 128 x 4096 x 12288 on four cores, LLMCompass 51 for 2048 x 4096 x 4096.

// A bench that cannot set itself up should say so at once.
#![allow(clippy::expect_used, missing_docs)]

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use memwall_models::{Sequence, registry};
use memwall_sim::exec::{Fidelity, Simulator, product};
use memwall_sim::npu::{Gemm, Resident};

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("gemm");
    group.sample_size(20);
    for (name, m, k, n) in [
        ("npu-only", 2048, 4096, 4096),
        ("npu-only", 1, 4096, 4096),
        ("tpuv4-like", 2048, 4096, 4096),
        ("tpuv4-like", 128, 4096, 12288),
        ("llmcompass-a100", 2048, 4096, 4096),
    ] {
        let machine = support::machine(name);
        let gemm = Gemm {
            m,
            k,
            n,
            element: 2,
        };
        group.bench_function(format!("{name}/{m}x{k}x{n}"), |b| {
            b.iter(|| {
                product(
                    &machine,
                    &gemm,
                    Resident::default(),
                    None,
                    Fidelity::Command,
                )
                .expect("it fits")
            });
        });
    }
    group.finish();
}

/// One layer of Llama 2 7B in decode without what is around the layers.
fn layer(c: &mut Criterion) {
    let mut model = registry::get("llama-2-7b").expect("embedded");
    model.layers = 1;
    // The head is no part of a layer.
    model.vocab = 1;
    let batch = [Sequence {
        new_tokens: 1,
        context: 1024,
    }; 8];
    let mut group = c.benchmark_group("decode_layer");
    group.sample_size(20);
    for name in ["npu-only", "tpuv4-like"] {
        let machine = support::machine(name);
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut cold = Simulator::new(&machine, &model, 1, Fidelity::Command)
                    .expect("a valid machine");
                cold.step(&batch, &[0; 8]).expect("a valid step")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, products, layer);
criterion_main!(benches);
