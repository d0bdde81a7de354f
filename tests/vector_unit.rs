//! The vector unit of a machine: what its keys do to a step, and what they refuse.

use crate::support::{machine, try_machine};
use memwall_models::{Sequence, registry};
use memwall_sim::exec::{Fidelity, Simulator};
use memwall_sim::npu::VectorOp;

fn total(settings: &[&str]) -> u64 {
    let mut model = registry::get("llama-2-7b").expect("embedded");
    model.layers = 1;
    let sequences = vec![
        Sequence {
            context: 1023,
            new_tokens: 1
        };
        16
    ];
    let mut simulator =
        Simulator::new(&machine("npu-only", settings), &model, 1, Fidelity::Fast).expect("fits");
    simulator.step(&sequences, &[]).expect("runs").total.0
}

#[test]
fn a_slow_function_unit_slows_the_step() {
    let plain = total(&[]);
    // The arrays' attention hides its softmax behind the values that stream in; norms are exposed.
    assert_eq!(total(&["npu.vector.cycles.exp=16"]), plain);
    let slow = total(&["npu.vector.cycles.div=16"]);
    let slower = total(&["npu.vector.cycles.div=16", "npu.vector.latency.sqrt=400"]);
    // Three norms of 16 rows, two on each of eight pipes: 32 steps a row with one division each;
    // only the last row waits for its root.
    assert_eq!(slow - plain, 3 * 2 * 32 * 15 * 1000);
    assert_eq!(slower - slow, 3 * 399 * 1000);
}

#[test]
fn costs_are_read_by_name() {
    let machine = crate::support::npu("npu-only", &["npu.vector.cycles.div=8"]);
    let (div, plain) = (
        machine.npu.vector.row(VectorOp::Softmax, 256),
        crate::support::npu("npu-only", &[])
            .npu
            .vector
            .row(VectorOp::Softmax, 256),
    );
    // One division in each of two steps.
    assert_eq!(div - plain, 2 * 7);
}

#[test]
fn unknown_primitives_and_impossible_costs_are_refused() {
    let error = try_machine("npu-only", &["npu.vector.cycles.expp=4"]).expect_err("no such");
    assert_eq!(error.nearest.as_deref(), Some("exp"));
    let settings = ["npu.vector.cycles.exp=4", "npu.vector.latency.exp=3"];
    let error = try_machine("npu-only", &settings).expect_err("too short");
    assert!(
        error.rule.contains("at least the 4 cycles"),
        "{}",
        error.rule
    );
}
