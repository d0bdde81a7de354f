//! Attention as work per sequence: what decides the layout, the tiling and the unit.

use crate::pim::tiling::Head;
use memwall_models::{AttentionShape, Operator, OperatorKind, Sequence, Shape};

/// Attention of one sequence on one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionEntry {
    /// Index in the step's batch.
    pub sequence: usize,
    /// Sizes: heads, queries that share a head, head dimension, tokens attended.
    pub head: Head,
    /// Tokens processed in this step.
    pub new_tokens: u64,
}

impl AttentionEntry {
    /// One new token: a matrix-vector product for each query head.
    pub fn is_decode(&self) -> bool {
        self.new_tokens == 1
    }

    /// Multiply-accumulates of logit and attend together, over the pairs that a causal mask leaves:
    /// each new token sees one more than the one before.
    pub fn macs(&self) -> u64 {
        let tokens = self.new_tokens;
        let pairs = tokens * self.first_attended() + tokens * tokens.saturating_sub(1) / 2;
        2 * self.head.kv_heads * self.group() * self.head.dim * pairs
    }

    /// Query heads that share a KV head.
    pub fn group(&self) -> u64 {
        self.head.queries / self.new_tokens.max(1)
    }

    /// Tokens that the first new token attends, itself included.
    pub fn first_attended(&self) -> u64 {
        self.head.tokens.saturating_sub(self.new_tokens) + 1
    }
}

/// New keys, values and (where PIM attends) queries of one sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvAppend {
    /// Index in the step's batch.
    pub sequence: usize,
    /// Tokens appended.
    pub new_tokens: u64,
    /// Features of a token's key (and of its value) on this device.
    pub features: u64,
    /// Query rows of `features` elements stored for the vector buffer; zero if the arrays attend.
    pub query_rows: u64,
}

/// Entries of a step's attention, read off its logit operator.
pub(super) fn entries(logit: &Operator, sequences: &[Sequence]) -> Vec<AttentionEntry> {
    let Shape::Attention(shapes) = &logit.shape else {
        return Vec::new();
    };
    debug_assert_eq!(logit.kind, OperatorKind::Logit);
    shapes
        .iter()
        .map(|shape: &AttentionShape| AttentionEntry {
            sequence: shape.sequence,
            head: Head {
                kv_heads: shape.kv_heads,
                queries: shape.m,
                dim: shape.k,
                tokens: shape.n,
            },
            new_tokens: sequences[shape.sequence].new_tokens,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_needs_half_the_square() {
        let entry = |new_tokens, tokens| AttentionEntry {
            sequence: 0,
            head: Head {
                kv_heads: 2,
                queries: 4 * new_tokens,
                dim: 8,
                tokens,
            },
            new_tokens,
        };
        assert_eq!(entry(1, 100).macs(), 2 * 2 * 4 * 8 * 100);
        assert_eq!(entry(3, 3).macs(), 2 * 2 * 4 * 8 * (1 + 2 + 3));
        assert_eq!(entry(2, 10).macs(), 2 * 2 * 4 * 8 * (9 + 10));
    }
}
