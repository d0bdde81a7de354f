//! The operators of a mixture of experts, between the second norm and the second residual.
//!
//! Tokens are sorted by expert (`dispatch`), so that each expert is one pair of products on rows that
//! lie together, and summed again by weight (`combine`). A tensor-parallel group splits the width of
//! every expert, as it splits a single block; the router is replicated.

use super::operator::{Operator, OperatorKind, TensorBytes};
use super::routing::ExpertLoad;
use super::shape::Shape;
use super::step::{Chain, Step};
use crate::arithmetic::product;
use crate::model::Experts;

/// Appends the block to `chain`. `loads` says how many tokens each expert takes.
pub(super) fn experts(step: &Step, chain: &mut Chain, experts: Experts, loads: &[ExpertLoad]) {
    let hidden = step.model.hidden;
    let Experts { count, per_token } = experts;
    let sorted = product(&[step.tokens, per_token]);

    let router = (step.tokens, hidden, count);
    let router = chain.then(step.gemm("router", OperatorKind::Router, router, false));
    chain.then(step.rows("router_scores", OperatorKind::RouterScores, count, 1));
    // An index and a weight for each chosen expert.
    let mut chosen = step.rows("top_k", OperatorKind::TopK, product(&[2, per_token]), 1);
    chosen.bytes.input = step.bytes(step.tokens, count);
    chain.then(chosen);
    let rows = (sorted, hidden);
    let dispatch = step.rows_of("dispatch", OperatorKind::Dispatch, rows, 1);
    let dispatch = chain.then(dispatch);
    // The rows that are sorted are those that the router saw.
    let normed = chain.before(router);
    for norm in normed {
        chain.graph.add_edge(norm, dispatch, ());
    }

    let width = step.model.ffn_width / step.degree;
    let gates = if step.model.gated { 2 } else { 1 };
    let up = (hidden, product(&[gates, width]));
    chain.then(grouped(
        step,
        "expert_up",
        OperatorKind::ExpertUp,
        up,
        loads,
    ));
    let rows = (sorted, width);
    chain.then(step.rows_of("activation", OperatorKind::Activation, rows, gates));
    let down = (width, hidden);
    let kind = OperatorKind::ExpertDown;
    chain.then(grouped(step, "expert_down", kind, down, loads));

    let mut combine = step.rows("combine", OperatorKind::Combine, hidden, per_token);
    let weights = step.bytes(step.tokens, per_token);
    combine.bytes.input = combine.bytes.input.saturating_add(weights);
    chain.then(combine);
}

/// One product an expert, each with a `[k, n]` matrix of its own.
fn grouped(
    step: &Step,
    name: &'static str,
    kind: OperatorKind,
    (k, n): (u64, u64),
    loads: &[ExpertLoad],
) -> Operator {
    let rows = loads
        .iter()
        .fold(0, |all: u64, load| all.saturating_add(load.tokens));
    let bias = u64::from(step.model.ffn_bias);
    let matrices = product(&[loads.len() as u64, k + bias]);
    let bytes = TensorBytes {
        weights: step.bytes(matrices, n),
        input: step.bytes(rows, k),
        output: step.bytes(rows, n),
        ..TensorBytes::default()
    };
    let loads = loads.to_vec();
    step.operator(name, kind, Shape::Experts { loads, k, n }, bytes)
}
