//! Tensor parallelism, and batches that make no step.

use memwall_models::{GraphError, OperatorGraph, Sequence, StepGraph, registry};

const DECODE: Sequence = Sequence {
    new_tokens: 1,
    context: 15,
};

fn weights(graph: &OperatorGraph) -> u64 {
    graph
        .node_weights()
        .map(|operator| operator.bytes.weights)
        .sum()
}

#[test]
fn devices_share_all_but_norms_and_late_biases() {
    for (name, degree) in [("llama-3.1-8b", 8), ("opt-6.7b", 4), ("qwen2.5-7b", 2)] {
        let model = registry::get(name).unwrap();
        let one = StepGraph::build(&model, 1, &[DECODE]).unwrap();
        let split = StepGraph::build(&model, degree, &[DECODE]).unwrap();
        let replicated: u64 = one.layers[0]
            .graph
            .node_weights()
            .map(|operator| match operator.name {
                "attention_norm" | "ffn_norm" => operator.bytes.weights,
                "projection" if model.out_bias => model.hidden * model.dtype.bytes(),
                "ffn_down" if model.ffn_bias => model.hidden * model.dtype.bytes(),
                _ => 0,
            })
            .sum();
        let expected = weights(&one.layers[0].graph) + (degree - 1) * replicated;
        assert_eq!(weights(&split.layers[0].graph) * degree, expected, "{name}");
        let (one, split) = (one.total_bytes(), split.total_bytes());
        assert_eq!(split.kv_read * degree, one.kv_read, "{name}");
        assert_eq!(split.kv_written * degree, one.kv_written, "{name}");
    }
}

#[test]
fn an_uneven_split_names_the_nearest_degree() {
    let model = registry::get("llama-3.1-8b").unwrap();
    let error = StepGraph::build(&model, 3, &[DECODE]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a tensor-parallel degree must divide the 32 query heads, found 3\n\
         the nearest degree that divides all split dimensions is 2"
    );
    let dimension = |degree| match StepGraph::build(&model, degree, &[DECODE]) {
        Err(GraphError::Split {
            dimension, nearest, ..
        }) => Some((dimension, nearest)),
        _ => None,
    };
    assert_eq!(dimension(16), Some(("KV heads", 8)));
    assert_eq!(dimension(0), Some(("query heads", 1)));
    assert_eq!(dimension(u64::MAX), Some(("query heads", 8)));
    assert_eq!(dimension(8), None);
}

#[test]
fn empty_work_is_refused() {
    let model = registry::get("llama-3.1-8b").unwrap();
    assert_eq!(
        StepGraph::build(&model, 1, &[]).unwrap_err(),
        GraphError::EmptyBatch
    );
    let idle = Sequence {
        new_tokens: 0,
        context: 8,
    };
    assert_eq!(
        StepGraph::build(&model, 1, &[DECODE, idle]).unwrap_err(),
        GraphError::NoNewTokens { sequence: 1 }
    );
}

#[test]
fn lengths_beyond_the_models_are_laid_out_until_sums_overflow() {
    let model = registry::get("llama-3.1-8b").unwrap();
    let long = Sequence {
        new_tokens: 1,
        context: 1 << 30,
    };
    assert!(long.context > model.max_positions);
    assert!(StepGraph::build(&model, 1, &[long]).is_ok());
    let endless = Sequence {
        new_tokens: u64::MAX,
        context: u64::MAX,
    };
    assert_eq!(
        StepGraph::build(&model, 1, &[endless]).unwrap_err(),
        GraphError::TooLarge
    );
}
