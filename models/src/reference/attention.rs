//! Attention of one sequence over its cache, head group by head group.
//!
//! Multi-head, grouped-query and multi-query attention differ only in how many query heads
//! share a KV head. The query heads of a group are stacked into the rows of one product, as
//! [`crate::AttentionShape`] describes it.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::linear::product;
use super::part;
use super::scalar::Scalar;

/// Heads of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads; a multiple of `kv`.
    pub query: usize,
    /// Key/value heads.
    pub kv: usize,
    /// Channels of a head.
    pub dim: usize,
}

impl Heads {
    /// Channels of one head.
    fn channels(self, head: usize) -> Range<usize> {
        head * self.dim..(head + 1) * self.dim
    }

    fn reuse(self) -> usize {
        self.query.checked_div(self.kv).unwrap_or(0)
    }
}

/// Scaled scores: `queries`, `[tokens, query heads * dim]`, against `keys`,
/// `[attended, kv heads * dim]`. The result is `[query heads * tokens, attended]`, the tokens
/// of a head together.
#[must_use]
pub fn logits<S: Scalar>(
    queries: ArrayView2<'_, S>,
    keys: ArrayView2<'_, S>,
    heads: Heads,
) -> Array2<S> {
    let tokens = queries.nrows();
    let scale = S::of(1.0 / (heads.dim as f64).sqrt());
    let rows = heads.reuse() * tokens;
    let mut scores = Array2::zeros((heads.kv * rows, keys.nrows()));
    for group in 0..heads.kv {
        let stacked = Array2::from_shape_fn((rows, heads.dim), |(row, channel)| {
            let head = group * heads.reuse() + row / tokens;
            queries[[row % tokens, head * heads.dim + channel]]
        });
        let keys = part::columns(keys, heads.channels(group));
        let result = product(stacked.view(), keys.t()) * scale;
        part::rows_mut(scores.view_mut(), group * rows..(group + 1) * rows).assign(&result);
    }
    scores
}

/// Sets the scores that a query may not see to minus infinity. `sees` takes the query's token
/// and the key, both as indices into what [`logits`] was given.
pub fn mask<S: Scalar>(scores: &mut Array2<S>, tokens: usize, sees: impl Fn(usize, usize) -> bool) {
    for ((row, key), score) in scores.indexed_iter_mut() {
        if !sees(row % tokens, key) {
            *score = S::neg_infinity();
        }
    }
}

/// Values weighted by probabilities: `[query heads * tokens, attended]` times
/// `[attended, kv heads * dim]`. The result is `[tokens, query heads * dim]`.
#[must_use]
pub fn attend<S: Scalar>(
    probabilities: ArrayView2<'_, S>,
    values: ArrayView2<'_, S>,
    heads: Heads,
) -> Array2<S> {
    let tokens = probabilities.nrows().checked_div(heads.query).unwrap_or(0);
    let rows = heads.reuse() * tokens;
    let mut output = Array2::zeros((tokens, heads.query * heads.dim));
    for group in 0..heads.kv {
        let values = part::columns(values, heads.channels(group));
        let weights = part::rows(probabilities, group * rows..(group + 1) * rows);
        for ((row, channel), value) in product(weights, values).indexed_iter() {
            let head = group * heads.reuse() + row / tokens;
            output[[row % tokens, head * heads.dim + channel]] = *value;
        }
    }
    output
}

/// What a query sees under a causal mask and an optional window of `window` tokens that counts
/// the query itself. Both positions count from the start of the sequence.
#[must_use]
pub fn causal(query: usize, key: usize, window: Option<usize>) -> bool {
    key <= query && window.is_none_or(|window| query - key < window)
}

#[cfg(test)]
mod tests {
    use super::{Heads, attend, causal, logits};
    use crate::reference::part::columns;
    use ndarray::{Array2, concatenate};

    #[test]
    fn a_shared_head_equals_a_repeated_one() {
        let heads = Heads {
            query: 4,
            kv: 2,
            dim: 3,
        };
        let value = |(row, column): (usize, usize)| ((7 * row + 5 * column) % 11) as f64 - 5.0;
        let queries = Array2::from_shape_fn((2, 12), value);
        let cache = Array2::from_shape_fn((5, 6), |(row, column)| value((column, row + 1)));
        let (low, high) = (columns(cache.view(), 0..3), columns(cache.view(), 3..6));
        let repeated = concatenate![ndarray::Axis(1), low, low, high, high];
        let full = Heads { kv: 4, ..heads };

        let scores = logits(queries.view(), cache.view(), heads);
        assert_eq!(scores, logits(queries.view(), repeated.view(), full));
        let out = attend(scores.view(), cache.view(), heads);
        assert_eq!(out, attend(scores.view(), repeated.view(), full));
        // Head 2 reads the second KV head: one entry by hand.
        let dot: f64 = (0..3)
            .map(|c| queries[[1, 6 + c]] * cache[[4, 3 + c]])
            .sum();
        assert!((scores[[2 * 2 + 1, 4]] - dot / 3.0_f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_window_counts_the_query_itself() {
        assert!(causal(5, 5, Some(1)));
        assert!(!causal(5, 4, Some(1)));
        assert!(causal(5, 3, Some(3)));
        assert!(!causal(5, 2, Some(3)));
        assert!(!causal(5, 6, None));
    }
}
