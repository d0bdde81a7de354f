//! The operators of a step on one device.

use memwall_models::graph::topological_order;
use memwall_models::{
    GraphError, Operator, OperatorGraph, OperatorKind, Sequence, Shape, StepGraph, registry,
};

const DECODE: Sequence = Sequence {
    new_tokens: 1,
    context: 999,
};
const PREFILL: Sequence = Sequence {
    new_tokens: 512,
    context: 0,
};

fn step(name: &str, degree: u64, batch: &[Sequence]) -> Result<StepGraph, String> {
    let model = registry::get(name).map_err(|error| error.to_string())?;
    StepGraph::build(&model, degree, batch).map_err(|error| error.to_string())
}

fn named<'a>(graph: &'a OperatorGraph, name: &str) -> Option<&'a Operator> {
    graph.node_weights().find(|operator| operator.name == name)
}

fn kinds(graph: &OperatorGraph) -> Vec<OperatorKind> {
    let order = topological_order(graph).unwrap_or_default();
    order.into_iter().map(|node| graph[node].kind).collect()
}

#[test]
fn a_layer_runs_in_the_order_of_the_papers() {
    use OperatorKind::{
        Activation, AllReduce, Attend, FfnDown, FfnUp, KvAppend, Logit, Norm, Projection, Qkv,
        Residual, Rotary, Softmax,
    };
    let llama = step("llama-3.1-8b", 2, &[DECODE]).unwrap();
    let expected = [
        Norm, Qkv, Rotary, KvAppend, Logit, Softmax, Attend, Projection, AllReduce, Residual, Norm,
        FfnUp, Activation, FfnDown, AllReduce, Residual,
    ];
    assert_eq!(kinds(&llama.layers[0].graph), expected);
    let gpt = step("gpt3-6.7b", 1, &[DECODE]).unwrap();
    let without = expected
        .into_iter()
        .filter(|kind| !matches!(kind, Rotary | AllReduce));
    assert_eq!(kinds(&gpt.layers[0].graph), without.collect::<Vec<_>>());
    assert_eq!(kinds(&gpt.prologue), [OperatorKind::Embedding]);
    assert_eq!(kinds(&gpt.epilogue), [Norm, OperatorKind::LmHead]);
}

#[test]
fn residuals_are_joined_and_cycles_are_found() {
    let mut layer = step("llama-2-7b", 1, &[DECODE])
        .unwrap()
        .layers
        .remove(0)
        .graph;
    let find = |graph: &OperatorGraph, name| {
        graph
            .node_indices()
            .find(|node| graph[*node].name == name)
            .unwrap()
    };
    let first = find(&layer, "attention_residual");
    let second = find(&layer, "ffn_residual");
    assert!(layer.contains_edge(first, second));
    layer.add_edge(second, first, ());
    let error = topological_order(&layer).unwrap_err();
    assert_eq!(
        error,
        GraphError::Cycle {
            operator: "attention_residual"
        }
    );
}

#[test]
fn layer_weights_sum_to_the_model() {
    for name in registry::names() {
        let model = registry::get(name).unwrap();
        let graph = StepGraph::build(&model, 1, &[DECODE]).unwrap();
        let of = |graph: &OperatorGraph| -> u64 {
            graph
                .node_weights()
                .map(|operator| operator.bytes.weights)
                .sum()
        };
        let parameters = model.parameters();
        // A token reads the weights of its own experts alone.
        let idle = parameters.total() - model.active_parameters();
        let ffn = parameters.ffn - idle + parameters.router;
        let inner = parameters.attention + ffn + parameters.norms;
        let final_norm = named(&graph.epilogue, "final_norm").unwrap().bytes.weights;
        let layers = of(&graph.layers[0].graph) * graph.layers[0].count + final_norm;
        assert_eq!(layers, inner * model.dtype.bytes(), "{name}");
        let head = named(&graph.epilogue, "lm_head").unwrap().bytes.weights;
        assert_eq!(head, parameters.embedding * model.dtype.bytes(), "{name}");
    }
}

#[test]
fn grouped_queries_reuse_the_cache() {
    let decode = step("llama-3.1-70b", 1, &[DECODE, DECODE]).unwrap();
    let logit = named(&decode.layers[0].graph, "logit").unwrap();
    assert_eq!(logit.mkn(), Some((8, 128, 1_000)));
    assert_eq!(
        named(&decode.layers[0].graph, "attend").unwrap().mkn(),
        Some((8, 1_000, 128))
    );
    assert_eq!(
        named(&decode.layers[0].graph, "softmax").unwrap().mkn(),
        Some((8, 1, 1_000))
    );
    assert_eq!(logit.macs(), 2 * 64 * 128 * 1_000);
    assert_eq!(named(&decode.layers[0].graph, "softmax").unwrap().macs(), 0);

    let prefill = step("llama-3.1-70b", 1, &[PREFILL]).unwrap();
    assert_eq!(
        named(&prefill.layers[0].graph, "logit").unwrap().mkn(),
        Some((8 * 512, 128, 512))
    );
    let multi_head = step("opt-6.7b", 1, &[DECODE]).unwrap();
    assert_eq!(
        named(&multi_head.layers[0].graph, "logit").unwrap().mkn(),
        Some((1, 128, 1_000))
    );
}

#[test]
fn a_mixed_batch_keeps_its_sequences_apart() {
    let graph = step("llama-3.1-8b", 1, &[DECODE, PREFILL]).unwrap();
    let logit = named(&graph.layers[0].graph, "logit").unwrap();
    assert_eq!(logit.mkn(), None);
    let Shape::Attention(shapes) = &logit.shape else {
        panic!("not attention")
    };
    let seen: Vec<_> = shapes
        .iter()
        .map(|shape| (shape.sequence, shape.m, shape.n))
        .collect();
    assert_eq!(seen, [(0, 4, 1_000), (1, 4 * 512, 512)]);
    assert_eq!(
        named(&graph.layers[0].graph, "qkv").unwrap().mkn(),
        Some((513, 4_096, 6_144))
    );
    assert_eq!(
        named(&graph.epilogue, "lm_head").unwrap().mkn(),
        Some((2, 4_096, 128_256))
    );
}

#[test]
fn bytes_of_the_cache() {
    let model = registry::get("llama-3.1-8b").unwrap();
    let graph = StepGraph::build(&model, 1, &[DECODE, PREFILL]).unwrap();
    let bytes = graph.total_bytes();
    assert_eq!(bytes.kv_read, (1_000 + 512) * model.kv_bytes_per_token());
    assert_eq!(bytes.kv_written, 513 * model.kv_bytes_per_token());
    let read = |name| named(&graph.layers[0].graph, name).unwrap().bytes.kv_read;
    assert_eq!(read("logit"), read("attend"));
}

#[test]
fn bytes_of_activations() {
    let graph = step("llama-3.1-8b", 1, &[DECODE, DECODE]).unwrap();
    let bytes = |name| named(&graph.layers[0].graph, name).unwrap().bytes;
    assert_eq!(bytes("qkv").input, 2 * 4_096 * 2);
    assert_eq!(bytes("qkv").output, 2 * 6_144 * 2);
    assert_eq!(bytes("logit").output, 2 * 32 * 1_000 * 2);
    assert_eq!(bytes("activation").input, 2 * bytes("activation").output);
    assert_eq!(bytes("attention_residual").input, 2 * 2 * 4_096 * 2);
    assert_eq!(bytes("kv_append").output, 0);
    let embedding = named(&graph.prologue, "embedding").unwrap().bytes;
    assert_eq!((embedding.weights, embedding.input), (2 * 4_096 * 2, 0));
    let learned = step("opt-6.7b", 1, &[DECODE]).unwrap();
    assert_eq!(
        named(&learned.prologue, "embedding").unwrap().bytes.weights,
        2 * 4_096 * 2
    );
}

#[test]
fn a_decode_step_multiplies_every_matrix_once() {
    let model = registry::get("llama-2-7b").unwrap();
    let graph = StepGraph::build(&model, 1, &[DECODE]).unwrap();
    let parameters = model.parameters();
    let attention = 32 * 2 * 1_000 * 4_096;
    let matrices = parameters.attention + parameters.ffn + parameters.lm_head;
    assert_eq!(graph.total_macs(), matrices + attention);
}
