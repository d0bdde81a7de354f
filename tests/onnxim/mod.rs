//! ONNXim's twin against recorded runs of ONNXim.

use crate::support::{Shipped, root};
use memwall_sim::machine::load_onnxim;
use memwall_sim::onnxim::{Activation, Machine, Report, Sequence, Shape, gemm, layer};

fn machine(name: &str) -> Machine {
    load_onnxim(&Shipped, name, &[]).expect("a shipped machine")
}

#[test]
fn products_are_the_recorded_ones() {
    let text = std::fs::read_to_string(root().join("tests/reference/onnxim.tsv")).expect("rows");
    for line in text.lines().skip(2) {
        let fields: Vec<&str> = line.split('\t').collect();
        let number = |field: usize| fields[field].parse::<u64>().expect("a number");
        let begun = std::time::Instant::now();
        let report = gemm(&machine(fields[0]), number(1), number(2), number(3)).expect("a run");
        println!(
            "{line}: {} {} {} ({:+.3} %) {:?}",
            report.cycles,
            report.channels[0].reads,
            report.channels[0].writes,
            (report.cycles as f64 / number(4) as f64 - 1.) * 100.,
            begun.elapsed()
        );
    }
}

const OPT_125M: Shape = Shape {
    hidden: 768,
    heads: 12,
    kv_heads: 12,
    ffn: 3072,
    activation: Activation::Relu,
    gated: false,
    vocabulary: 50_272,
    max_tokens: 2048,
};

fn show(report: &Report) {
    for operator in &report.operators {
        println!("{operator:?}");
    }
    println!("{} {:?}", report.cycles, report.channels[0]);
}

#[test]
fn layers_are_the_recorded_ones() {
    let machine = machine("tpuv4-4x128");
    let prompt = [Sequence {
        tokens: 512,
        cached: 0,
    }];
    show(&layer(&machine, &OPT_125M, &prompt).expect("a run"));
    let decode = [Sequence {
        tokens: 1,
        cached: 255,
    }; 8];
    show(&layer(&machine, &OPT_125M, &decode).expect("a run"));
}
