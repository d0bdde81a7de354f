//! What a step does once, before and after its layers.

use super::OperatorGraph;
use super::operator::OperatorKind;
use super::step::{Chain, Step};
use crate::model::Positions;

/// The embedding. Its weights are the gathered rows alone (one of the token table a token, and
/// one of the position table where there is one): the rest of the tables is not touched.
/// Token ids are not counted. Every device gathers whole rows, so no transfer follows.
pub(super) fn prologue(step: &Step) -> OperatorGraph {
    let tables = match step.model.positions {
        Positions::Rotary => 1,
        Positions::Learned { .. } => 2,
    };
    let mut embedding = step.rows(
        "embedding",
        OperatorKind::Embedding,
        step.model.hidden,
        tables,
    );
    embedding.bytes.weights = std::mem::take(&mut embedding.bytes.input);
    let mut chain = Chain::default();
    chain.then(embedding);
    chain.graph
}

/// Final norm of all new tokens, then the head for the last token of each sequence: the only
/// one that is sampled. The last device's share of the vocabulary is padded. A tied head reads
/// the token table, so its weights count here although they are stored once.
pub(super) fn epilogue(step: &Step) -> OperatorGraph {
    let mut chain = Chain::default();
    chain.then(step.norm("final_norm"));
    let sampled = step.sequences.len() as u64;
    let head = (
        sampled,
        step.model.hidden,
        step.model.vocab.div_ceil(step.degree),
    );
    chain.then(step.gemm("lm_head", OperatorKind::LmHead, head, false));
    chain.graph
}
