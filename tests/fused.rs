//! Element-wise operators on results as they leave the arrays, and softmax that begins with the first
//! scores, in whole steps.

use crate::support::machine;
use memwall_models::{Sequence, registry};
use memwall_sim::exec::{Fidelity, Simulator, StepTiming};
use memwall_sim::lower::Unit;

fn step(name: &str, settings: &[&str], model: &str, batch: &[Sequence]) -> StepTiming {
    let mut model = registry::get(model).expect("embedded");
    model.layers = 1;
    let machine = machine(name, settings);
    let mut simulator =
        Simulator::new(&machine, &model, 1, Fidelity::Fast).expect("a valid machine");
    let placement = vec![0; batch.len()];
    simulator.step(batch, &placement).expect("a valid step")
}

fn sequences(new_tokens: u64, context: u64, count: usize) -> Vec<Sequence> {
    vec![
        Sequence {
            new_tokens,
            context,
        };
        count
    ]
}

#[test]
fn fused_operators_take_less_time_and_do_the_same_work() {
    for machine in ["npu-only", "tpuv4-like", "npu-pim"] {
        for model in ["llama-2-7b", "gpt3-6.7b"] {
            for batch in [
                sequences(1, 512, 8),
                sequences(64, 0, 2),
                sequences(2048, 0, 1),
            ] {
                let of = |settings: &[&str]| step(machine, settings, model, &batch);
                let (apart, fused) = (of(&[]), of(&["npu.vector.fused=true"]));
                let what = format!("{machine} {model} {batch:?}");
                assert!(fused.total < apart.total, "{what}");
                assert_eq!(fused.usage.array_macs, apart.usage.array_macs, "{what}");
                assert!(fused.usage.bus_bytes <= apart.usage.bus_bytes, "{what}");
                for (fused, apart) in fused.tasks.iter().zip(&apart.tasks) {
                    assert_eq!(fused.name, apart.name);
                    // What needs whole rows runs as before.
                    let rows = fused.name.ends_with("norm") || fused.unit != Unit::Vector;
                    if rows && fused.unit != Unit::Array {
                        assert_eq!(fused.time, apart.time, "{what} {}", fused.name);
                    }
                    assert!(fused.time <= apart.time, "{what} {}", fused.name);
                }
            }
        }
    }
}

#[test]
fn online_softmax_hides_behind_the_scores() {
    // It takes nine steps an element where three passes take five, and three of them are left when
    // the last scores have come.
    let batch = sequences(1, 8192, 1);
    let of = |softmax: &str| {
        // Little room, so that values cannot all come while softmax runs.
        let settings = ["npu.scratchpad_kib=2048", "npu.vector_pipes=2", softmax];
        let step = step("npu-only", &settings, "llama-2-7b", &batch);
        let attention = step.tasks.iter().find(|task| task.name == "attention");
        attention.expect("a task").time
    };
    assert!(of("npu.vector.softmax=online") < of("npu.vector.softmax=classic"));
}
