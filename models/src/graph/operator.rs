//! One operator: what it does, on what shape, and which bytes it moves.

use serde::Serialize;

use super::shape::Shape;
use crate::arithmetic::{product, sum};
use crate::dtype::Dtype;

/// What an operator computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorKind {
    /// Gathers the rows of the token (and position) tables.
    Embedding,
    /// Layer or RMS norm, the final one included.
    Norm,
    /// The fused Q, K and V projection.
    Qkv,
    /// Rotation of queries and keys by position.
    Rotary,
    /// Writes the new keys and values to the cache.
    KvAppend,
    /// Queries times cached keys.
    Logit,
    /// Softmax over the attended tokens.
    Softmax,
    /// Probabilities times cached values.
    Attend,
    /// The attention output projection.
    Projection,
    /// Sum over the devices of a tensor-parallel group.
    AllReduce,
    /// Adds a block's output to its input.
    Residual,
    /// The first feed-forward matrix, fused with the gate where there is one.
    FfnUp,
    /// The feed-forward function, times the gate where there is one.
    Activation,
    /// The second feed-forward matrix.
    FfnDown,
    /// The product of all tokens with the gate of a mixture of experts.
    Router,
    /// Scores of the experts from its logits.
    RouterScores,
    /// The choice of each token's experts, and their weights.
    TopK,
    /// Sorts tokens by expert, once for each expert that a token takes.
    Dispatch,
    /// The first matrix of each expert, fused with the gate where there is one.
    ExpertUp,
    /// The second matrix of each expert.
    ExpertDown,
    /// Sums the results of a token's experts by weight.
    Combine,
    /// The product with the vocabulary.
    LmHead,
}

/// Bytes that an operator moves on one device, by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct TensorBytes {
    /// Weights read, biases included.
    pub weights: u64,
    /// Activations read.
    pub input: u64,
    /// Activations written.
    pub output: u64,
    /// Keys or values read from the cache.
    pub kv_read: u64,
    /// Keys and values written to the cache.
    pub kv_written: u64,
}

impl TensorBytes {
    /// All classes, or `u64::MAX` when they do not fit.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self {
            weights,
            input,
            output,
            kv_read,
            kv_written,
        } = *self;
        sum(&[weights, input, output, kv_read, kv_written])
    }

    /// `self` and `times` times `other`, class by class.
    pub(crate) fn plus(&self, other: &Self, times: u64) -> Self {
        let add = |mine: u64, theirs: u64| mine.saturating_add(product(&[theirs, times]));
        Self {
            weights: add(self.weights, other.weights),
            input: add(self.input, other.input),
            output: add(self.output, other.output),
            kv_read: add(self.kv_read, other.kv_read),
            kv_written: add(self.kv_written, other.kv_written),
        }
    }
}

/// One node of an [`super::OperatorGraph`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operator {
    /// Name within the step; unique in its graph.
    pub name: &'static str,
    /// What is computed.
    pub kind: OperatorKind,
    /// On what shape, on one device.
    pub shape: Shape,
    /// Element type of all operands.
    pub dtype: Dtype,
    /// What is moved, on one device. Softmax, logits and all other intermediates count in the
    /// model's element type; whether they leave the chip at all is the machine's business.
    pub bytes: TensorBytes,
}

impl Operator {
    /// Multiply-accumulates on one device; 0 for operators that are not products.
    ///
    /// Attention counts densely, as if every new token saw all attended ones: the triangle
    /// that a causal mask removes from prefill is not deducted. Sticks at `u64::MAX`.
    #[must_use]
    pub fn macs(&self) -> u64 {
        match (&self.shape, self.kind) {
            (Shape::Gemm { m, k, n }, _) => product(&[*m, *k, *n]),
            (Shape::Experts { loads, k, n }, _) => loads.iter().fold(0, |all: u64, load| {
                all.saturating_add(product(&[load.tokens, *k, *n]))
            }),
            // The shape of softmax is that of its rows, not of a product.
            (Shape::Attention(_), OperatorKind::Softmax) | (Shape::Rows { .. }, _) => 0,
            (Shape::Attention(shapes), _) => shapes
                .iter()
                .fold(0, |all, shape| all.saturating_add(shape.macs())),
        }
    }

    /// `(m, k, n)` where one triple describes the whole operator; see [`Shape::mkn`].
    #[must_use]
    pub fn mkn(&self) -> Option<(u64, u64, u64)> {
        self.shape.mkn()
    }
}
