//! One decoder layer: attention block, then feed-forward block, each on a residual stream.

use super::OperatorGraph;
use super::attention::{attend, kv_append, logit, softmax};
use super::experts::experts;
use super::operator::OperatorKind;
use super::routing::ExpertLoad;
use super::step::{Chain, Step};
use crate::arithmetic::{product, sum};
use crate::model::Positions;

/// Lays the layer out. The first operator and the first residual both take the layer's input,
/// which no node of this graph produces.
pub(super) fn layer(step: &Step, loads: &[ExpertLoad]) -> OperatorGraph {
    let (model, tokens) = (step.model, step.tokens);
    let (query, kv) = (step.query_width(), step.kv_width());
    let hidden = model.hidden;
    let mut chain = Chain::default();

    chain.then(step.norm("attention_norm"));
    let qkv = sum(&[query, product(&[2, kv])]);
    chain.then(step.gemm(
        "qkv",
        OperatorKind::Qkv,
        (tokens, hidden, qkv),
        model.qkv_bias,
    ));
    if model.positions == Positions::Rotary {
        let rotated = query.saturating_add(kv);
        chain.then(step.rows("rotary", OperatorKind::Rotary, rotated, 1));
    }
    let append = chain.then(kv_append(step));
    chain.then(logit(step));
    chain.then(softmax(step));
    let attend = chain.then(attend(step));
    // Values reach their consumer through the cache, past the keys' way through softmax.
    chain.graph.add_edge(append, attend, ());
    let projection = (tokens, query, hidden);
    let kind = OperatorKind::Projection;
    chain.then(step.gemm("projection", kind, projection, model.out_bias));
    all_reduce(step, &mut chain, "attention_all_reduce");
    let stream = chain.then(step.rows("attention_residual", OperatorKind::Residual, hidden, 2));

    chain.then(step.norm("ffn_norm"));
    match model.experts {
        Some(mixture) => experts(step, &mut chain, mixture, loads),
        None => feed_forward(step, &mut chain),
    }
    all_reduce(step, &mut chain, "ffn_all_reduce");
    let out = chain.then(step.rows("ffn_residual", OperatorKind::Residual, hidden, 2));
    chain.graph.add_edge(stream, out, ());
    chain.graph
}

/// One block for all tokens.
fn feed_forward(step: &Step, chain: &mut Chain) {
    let (model, tokens, hidden) = (step.model, step.tokens, step.model.hidden);
    let width = model.ffn_width / step.degree;
    let gates = if model.gated { 2 } else { 1 };
    let up = (tokens, hidden, product(&[gates, width]));
    chain.then(step.gemm("ffn_up", OperatorKind::FfnUp, up, model.ffn_bias));
    chain.then(step.rows("activation", OperatorKind::Activation, width, gates));
    let down = (tokens, width, hidden);
    chain.then(step.gemm("ffn_down", OperatorKind::FfnDown, down, model.ffn_bias));
}

/// The sum of the devices' partial results. Input and output are one device's payload; how
/// often it crosses a link depends on the algorithm and is not counted here.
fn all_reduce(step: &Step, chain: &mut Chain, name: &'static str) {
    if step.degree > 1 {
        chain.then(step.rows(name, OperatorKind::AllReduce, step.model.hidden, 1));
    }
}
