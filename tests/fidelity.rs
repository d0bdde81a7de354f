//! The two fidelities against one another, and shared channels against channels on their own.

use crate::support::machine;
use memwall_models::{Sequence, registry};
use memwall_sim::exec::{Fidelity, Simulator, StepTiming, Usage};
use proptest::prelude::*;

fn step(
    name: &str,
    model: &str,
    fidelity: Fidelity,
    share: bool,
    batch: &[(u64, u64)],
) -> StepTiming {
    let machine = machine(name, &[]);
    let model = registry::get(model).expect("embedded");
    let mut simulator = Simulator::new(&machine, &model, 4, fidelity).expect("a valid machine");
    if !share {
        simulator = simulator.without_sharing();
    }
    let sequences: Vec<Sequence> = batch
        .iter()
        .map(|&(new_tokens, context)| Sequence {
            new_tokens,
            context,
        })
        .collect();
    let placement: Vec<u32> = (0..batch.len() as u32)
        .map(|index| index * 7 % 32)
        .collect();
    simulator
        .step(&sequences, &placement)
        .expect("a valid step")
}

/// Mostly decode, with a prompt now and then.
fn batches() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let decode = (1u64..3000).prop_map(|context| (1, context));
    let prompt = (2u64..1500).prop_map(|tokens| (tokens, 0));
    prop::collection::vec(prop_oneof![12 => decode, 1 => prompt], 1..160)
}

fn machines() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop_oneof![
        Just(("npu-only", "gpt3-6.7b")),
        Just(("npu-pim", "llama-2-7b")),
        Just(("neupims", "gpt3-6.7b")),
        Just(("neupims", "llama-3.1-8b")),
    ]
}

proptest! {
    // Every channel on its own costs tens of times as much.
    #![proptest_config(ProptestConfig { cases: 5, ..ProptestConfig::default() })]

    #[test]
    fn sharing_equal_channels_changes_nothing((name, model) in machines(), batch in batches()) {
        let shared = step(name, model, Fidelity::Command, true, &batch);
        let alone = step(name, model, Fidelity::Command, false, &batch);
        prop_assert_eq!(shared, alone);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn fast_is_near_command((name, model) in machines(), batch in batches()) {
        let command = step(name, model, Fidelity::Command, true, &batch).total.0 as f64;
        let fast = step(name, model, Fidelity::Fast, true, &batch).total.0 as f64;
        let error = (fast - command) / command;
        prop_assert!(error.abs() < 0.08, "{}: {:.3}", name, error);
    }

    #[test]
    fn both_fidelities_move_the_same_bytes((name, model) in machines(), batch in batches()) {
        let command = step(name, model, Fidelity::Command, true, &batch);
        let fast = step(name, model, Fidelity::Fast, true, &batch);
        for (a, b) in command.tasks.iter().zip(&fast.tasks) {
            // Rows and refreshes are commands, which only one of the two counts.
            let moved = Usage {
                activations: 0,
                refreshes: 0,
                ..a.usage
            };
            prop_assert_eq!((a.name, moved), (b.name, b.usage));
        }
    }
}

#[test]
fn a_shorter_batch_is_never_slower() {
    let long: Vec<(u64, u64)> = (0..64).map(|index| (1, 500 + index)).collect();
    let short: Vec<(u64, u64)> = (0..64).map(|index| (1, 200 + index)).collect();
    for name in ["gpu-a100", "npu-only", "npu-pim", "neupims"] {
        let time = |batch| step(name, "gpt3-6.7b", Fidelity::Command, true, batch).total;
        assert!(time(&short) < time(&long), "{name}");
    }
}
