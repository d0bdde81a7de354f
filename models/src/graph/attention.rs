//! The operators between the QKV projection and the output projection: those that read and
//! write the KV cache.

use super::operator::{Operator, OperatorKind, TensorBytes};
use super::sequence::Sequence;
use super::shape::{AttentionShape, Shape};
use super::step::Step;
use crate::arithmetic::product;

/// Stores the new keys and values. The cached bytes are `kv_written`; nothing is passed on.
pub(super) fn kv_append(step: &Step) -> Operator {
    let width = product(&[2, step.kv_width()]);
    let written = step.bytes(step.tokens, width);
    let bytes = TensorBytes {
        input: written,
        kv_written: written,
        ..TensorBytes::default()
    };
    let shape = Shape::Rows {
        rows: step.tokens,
        width,
    };
    step.operator("kv_append", OperatorKind::KvAppend, shape, bytes)
}

/// Queries times keys: `[m, head_dim] x [head_dim, attended]`.
pub(super) fn logit(step: &Step) -> Operator {
    let bytes = TensorBytes {
        input: step.bytes(step.tokens, step.query_width()),
        output: score_bytes(step),
        kv_read: cache_bytes(step),
        ..TensorBytes::default()
    };
    let head_dim = step.model.head_dim;
    let shape = shapes(step, |attended| (head_dim, attended));
    step.operator("logit", OperatorKind::Logit, shape, bytes)
}

/// Softmax of `m` rows of attended tokens.
pub(super) fn softmax(step: &Step) -> Operator {
    let scores = score_bytes(step);
    let bytes = TensorBytes {
        input: scores,
        output: scores,
        ..TensorBytes::default()
    };
    let shape = shapes(step, |attended| (1, attended));
    step.operator("softmax", OperatorKind::Softmax, shape, bytes)
}

/// Probabilities times values: `[m, attended] x [attended, head_dim]`.
pub(super) fn attend(step: &Step) -> Operator {
    let bytes = TensorBytes {
        input: score_bytes(step),
        output: step.bytes(step.tokens, step.query_width()),
        kv_read: cache_bytes(step),
        ..TensorBytes::default()
    };
    let head_dim = step.model.head_dim;
    let shape = shapes(step, |attended| (attended, head_dim));
    step.operator("attend", OperatorKind::Attend, shape, bytes)
}

fn attended(step: &Step, sequence: &Sequence) -> u64 {
    sequence.attended(step.model.sliding_window)
}

/// One shape a sequence; `kn` gives `(k, n)` for a number of attended tokens.
fn shapes(step: &Step, kn: impl Fn(u64) -> (u64, u64)) -> Shape {
    let reuse = step.model.queries_per_kv_head();
    let shape = |(index, sequence): (usize, &Sequence)| {
        let (k, n) = kn(attended(step, sequence));
        AttentionShape {
            sequence: index,
            kv_heads: step.model.kv_heads / step.degree,
            m: product(&[reuse, sequence.new_tokens]),
            k,
            n,
        }
    };
    Shape::Attention(step.sequences.iter().enumerate().map(shape).collect())
}

/// Bytes of the keys (or of the values) of all attended tokens, each read once.
fn cache_bytes(step: &Step) -> u64 {
    let width = step.kv_width();
    step.sequences.iter().fold(0, |all: u64, sequence| {
        all.saturating_add(step.bytes(attended(step, sequence), width))
    })
}

/// Bytes of one score for each query head, new token and attended token.
fn score_bytes(step: &Step) -> u64 {
    let heads = step.model.heads / step.degree;
    step.sequences.iter().fold(0, |all: u64, sequence| {
        let rows = product(&[heads, sequence.new_tokens]);
        all.saturating_add(step.bytes(rows, attended(step, sequence)))
    })
}
