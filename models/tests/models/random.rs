//! No input makes the reader or the graph panic.

use memwall_models::{Model, Sequence, StepGraph, registry};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Values that break one rule or another.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (1_u64..=u64::from(u32::MAX)).prop_map(Value::from),
        (0_u64..5).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,80}".prop_map(Value::from),
        Just(json!("silu")),
        Just(json!([1, { "a": [] }])),
        Just(json!({ "model_type": "opt" })),
    ]
}

/// Reads a text, and whatever it yields lays out and sums.
fn exercise(text: &str, batch: &[Sequence], degree: u64) {
    match Model::from_json("random.json", text) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(model) => {
            assert!(model.weight_bytes() < u64::MAX);
            if let Ok(graph) = StepGraph::build(&model, degree, batch) {
                assert!(graph.total_bytes().total() < u64::MAX);
            }
        }
    }
}

fn any_batch() -> impl Strategy<Value = Vec<Sequence>> {
    // Mostly plausible lengths: a batch is laid out only when all of its lengths are.
    let length = || prop_oneof![14 => 1..100_000_u64, 1 => 0..5_u64, 1 => any::<u64>()];
    let sequence = (length(), length()).prop_map(|(new_tokens, context)| Sequence {
        new_tokens,
        context,
    });
    prop::collection::vec(sequence, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        exercise(&String::from_utf8_lossy(&bytes), &[], 1);
    }

    #[test]
    fn cut_and_spliced_texts(
        index in 0_usize..18, cut in 0_usize..600, splice in ".{0,8}", keep in any::<bool>(),
    ) {
        let text = registry::names().nth(index).and_then(registry::text).unwrap();
        let cut = cut.min(text.len());
        let rest = if keep { &text[cut..] } else { "" };
        exercise(&format!("{}{splice}{rest}", &text[..cut]), &[], 1);
    }

    #[test]
    fn changed_fields(
        index in 0_usize..18,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_value()), 1..4),
        remove in any::<bool>(),
        nest in any::<bool>(),
        batch in any_batch(),
        degree in prop_oneof![4 => 1..3_u64, 1 => 0..9_u64, 1 => any::<u64>()],
    ) {
        let text = registry::names().nth(index).and_then(registry::text).unwrap();
        let mut root: Value = serde_json::from_str(text).unwrap();
        let object = root.as_object_mut().unwrap();
        for (place, value) in changes {
            let keys: Vec<_> = object.keys().cloned().collect();
            let key = place.get(&keys).clone();
            if remove {
                object.remove(&key);
            } else {
                object.insert(key, value);
            }
        }
        if nest {
            root = json!({ "text_config": root });
        }
        exercise(&root.to_string(), &batch, degree);
    }
}
