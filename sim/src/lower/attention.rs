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
    /// Tokens that were there before.
    pub context: u64,
    /// Tokens that one query sees at most, itself included.
    pub window: Option<u64>,
}

impl AttentionEntry {
    /// One new token: a matrix-vector product for each query head.
    pub fn is_decode(&self) -> bool {
        self.new_tokens == 1
    }

    /// Query heads that share a KV head.
    pub fn group(&self) -> u64 {
        self.head.queries / self.new_tokens.max(1)
    }

    /// Elements of the queries, and of the outputs.
    pub fn query_elements(&self) -> u64 {
        self.head.kv_heads * self.head.queries * self.head.dim
    }

    fn window(&self) -> u64 {
        self.window.unwrap_or(u64::MAX)
    }

    /// Runs of new tokens that see equally many tokens more than the one before: how many see one
    /// more each, starting from `context + 1`, and how many see a full window.
    pub fn growing_and_full(&self) -> (u64, u64) {
        let growing = self
            .window()
            .saturating_sub(self.context)
            .min(self.new_tokens);
        (growing, self.new_tokens - growing)
    }

    /// Pairs of a new token and a token that it sees.
    pub fn pairs(&self) -> u64 {
        let (growing, full) = self.growing_and_full();
        let ramp = growing * self.context + growing * (growing + 1) / 2;
        ramp + full * self.window.unwrap_or(0)
    }

    /// Multiply-accumulates of logit and attend together, over the pairs that the mask leaves.
    pub fn macs(&self) -> u64 {
        2 * self.head.kv_heads * self.group() * self.head.dim * self.pairs()
    }

    /// New tokens that see any of `tokens` attended tokens from number `first` on.
    pub fn seeing(&self, first: u64, tokens: u64) -> u64 {
        let (from, end) = self.seen_by(first, tokens);
        end.saturating_sub(from)
    }

    /// The first of them, and the one after the last, counted from the start of the sequence.
    pub fn seen_by(&self, first: u64, tokens: u64) -> (u64, u64) {
        let oldest = self.context + self.new_tokens - self.head.tokens;
        let (first, last) = (oldest + first, oldest + first + tokens - 1);
        let from = first.max(self.context);
        let to = (last + self.window().saturating_sub(1).min(1 << 60))
            .min(self.context + self.new_tokens - 1);
        (from, to + 1)
    }
}

/// New keys, values and (where PIM attends) queries of one sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvAppend {
    /// Index in the step's batch.
    pub sequence: usize,
    /// Tokens appended.
    pub new_tokens: u64,
    /// Heads whose keys and values are appended.
    pub head: Head,
    /// Query vectors of each KV head stored for the vector buffer; zero if the arrays attend.
    pub queries: u64,
}

/// Entries of a step's attention, read off its logit operator.
pub(super) fn entries(
    logit: &Operator,
    sequences: &[Sequence],
    window: Option<u64>,
) -> Vec<AttentionEntry> {
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
            context: sequences[shape.sequence].context,
            window,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(new_tokens: u64, context: u64, window: Option<u64>) -> AttentionEntry {
        let sequence = Sequence {
            new_tokens,
            context,
        };
        AttentionEntry {
            sequence: 0,
            head: Head {
                kv_heads: 2,
                queries: 4 * new_tokens,
                dim: 8,
                tokens: sequence.attended(window),
            },
            new_tokens,
            context,
            window,
        }
    }

    proptest! {
        /// Against counting pair by pair.
        #[test]
        fn pairs_and_seeing_follow_the_mask(new in 1u64..40, context in 0u64..60, window in proptest::option::of(1u64..50), first in 0u64..90, tokens in 1u64..20) {
            let entry = entry(new, context, window);
            let sees = |query: u64, key: u64| key <= query && window.is_none_or(|w| query - key < w);
            let all = context + new;
            let queries = || context..all;
            let pairs = queries().map(|q| (0..all).filter(|&k| sees(q, k)).count() as u64).sum::<u64>();
            prop_assert_eq!(entry.pairs(), pairs);
            let first = first.min(entry.head.tokens - 1);
            let tokens = tokens.min(entry.head.tokens - first);
            let oldest = all - entry.head.tokens;
            let block = || oldest + first..oldest + first + tokens;
            let seeing = queries().filter(|&q| block().any(|k| sees(q, k))).count() as u64;
            prop_assert_eq!(entry.seeing(first, tokens), seeing);
        }
    }
}
