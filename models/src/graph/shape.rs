//! The shapes that operators of a decoder come in.

use serde::Serialize;

use super::routing::ExpertLoad;
use crate::arithmetic::product;

/// What an operator iterates over, on one device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One product `[m, k] x [k, n]` whose `[k, n]` operand is weights.
    Gemm {
        /// Rows of the activations: tokens of the whole batch.
        m: u64,
        /// Input channels.
        k: u64,
        /// Output channels.
        n: u64,
    },
    /// Attention, which shares no operand between sequences: one entry a sequence.
    Attention(Vec<AttentionShape>),
    /// One product `[tokens, k] x [k, n]` for each expert that takes any token; the rows of an
    /// expert lie together, in the order of experts.
    Experts {
        /// The experts and their tokens.
        loads: Vec<ExpertLoad>,
        /// Input channels.
        k: u64,
        /// Output channels.
        n: u64,
    },
    /// Row-wise work: norms, element-wise functions, copies and transfers.
    Rows {
        /// Tokens.
        rows: u64,
        /// Elements of one row of the result.
        width: u64,
    },
}

/// Attention of one sequence: for each KV head, a product `[m, k] x [k, n]` whose `[k, n]`
/// operand comes from the KV cache.
///
/// The query heads that share a KV head are stacked into `m`, so `m` is the number of times
/// that each cached element is used once read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct AttentionShape {
    /// Index of the sequence in [`crate::StepGraph::sequences`].
    pub sequence: usize,
    /// KV heads on this device: how many such products there are.
    pub kv_heads: u64,
    /// Query heads per KV head times new tokens.
    pub m: u64,
    /// Logit: channels of a head. Attend: attended tokens. Softmax: 1.
    pub k: u64,
    /// Logit and softmax: attended tokens. Attend: channels of a head.
    pub n: u64,
}

impl AttentionShape {
    /// Multiply-accumulates over all KV heads of the device.
    #[must_use]
    pub fn macs(&self) -> u64 {
        product(&[self.kv_heads, self.m, self.k, self.n])
    }
}

impl Shape {
    /// `(m, k, n)` where one triple describes the whole operator: a GEMM, experts of equal loads, or
    /// attention whose sequences are all alike. `None` for row-wise work and for mixtures.
    #[must_use]
    pub fn mkn(&self) -> Option<(u64, u64, u64)> {
        match self {
            Self::Gemm { m, k, n } => Some((*m, *k, *n)),
            Self::Attention(shapes) => {
                let first = shapes.first()?;
                let mkn = (first.m, first.k, first.n);
                shapes
                    .iter()
                    .all(|shape| (shape.m, shape.k, shape.n) == mkn)
                    .then_some(mkn)
            }
            Self::Experts { loads, k, n } => {
                let m = loads.first()?.tokens;
                let alike = loads.iter().all(|load| load.tokens == m);
                alike.then_some((m, *k, *n))
            }
            Self::Rows { .. } => None,
        }
    }
}
