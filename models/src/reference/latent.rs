//! Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): the cache holds
//! one compressed row a token, shared by all heads, and one rotated key row.
//!
//! The two forms compute the same. The expanded one unfolds keys and values from the latent
//! rows, as prefill does; the absorbed one folds the unfolding into query and output, as
//! decode does, and reads the latent rows only.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use super::linear::product;
use super::part::{columns, columns_mut};
use super::scalar::Scalar;
use super::softmax::softmax;

/// Sizes of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatentHeads {
    /// Heads.
    pub count: usize,
    /// Channels of a query or key that carry no position.
    pub plain: usize,
    /// Channels of a query or key that are rotated.
    pub rotated: usize,
    /// Channels of a value.
    pub value: usize,
}

impl LatentHeads {
    /// Columns of the unfolding matrix that make a head's keys.
    fn key_channels(self, head: usize) -> Range<usize> {
        let start = head * (self.plain + self.value);
        start..start + self.plain
    }

    /// Columns that make its values.
    fn value_channels(self, head: usize) -> Range<usize> {
        let start = self.key_channels(head).end;
        start..start + self.value
    }
}

/// What one sequence attends with. Rotation has been applied to `rotated_queries` and
/// `rotated_keys`; latent rows have been normalised.
#[derive(Debug, Clone, Copy)]
pub struct Latent<'a, S> {
    /// `[tokens, heads * plain]`.
    pub plain_queries: ArrayView2<'a, S>,
    /// `[tokens, heads * rotated]`.
    pub rotated_queries: ArrayView2<'a, S>,
    /// Compressed rows of the cache, `[attended, rank]`.
    pub latent: ArrayView2<'a, S>,
    /// `[attended, rotated]`, shared by all heads.
    pub rotated_keys: ArrayView2<'a, S>,
    /// Unfolds keys and values, `[rank, heads * (plain + value)]`, a head's key channels
    /// before its value channels.
    pub unfold: ArrayView2<'a, S>,
}

impl<S: Scalar> Latent<'_, S> {
    /// Attention with unfolded keys and values: `[tokens, heads * value]`. `sees` is as in
    /// [`super::attention::mask`].
    #[must_use]
    pub fn expanded(&self, heads: LatentHeads, sees: impl Fn(usize, usize) -> bool) -> Array2<S> {
        let unfolded = product(self.latent, self.unfold);
        self.heads(heads, |head, queries| {
            let keys = columns(unfolded.view(), heads.key_channels(head));
            let values = columns(unfolded.view(), heads.value_channels(head));
            let scores = self.scores(heads, head, product(queries, keys.t()), &sees);
            product(softmax(scores.view()).view(), values)
        })
    }

    /// The same by latent rows alone: the key part of `unfold` moves into the query, the value
    /// part behind the weighted sum.
    #[must_use]
    pub fn absorbed(&self, heads: LatentHeads, sees: impl Fn(usize, usize) -> bool) -> Array2<S> {
        self.heads(heads, |head, queries| {
            let key_part = columns(self.unfold, heads.key_channels(head));
            let value_part = columns(self.unfold, heads.value_channels(head));
            let folded = product(queries, key_part.t());
            let scores = product(folded.view(), self.latent.t());
            let scores = self.scores(heads, head, scores, &sees);
            let mixed = product(softmax(scores.view()).view(), self.latent);
            product(mixed.view(), value_part)
        })
    }

    /// Adds the rotated part of the scores, scales and masks.
    fn scores(
        &self,
        heads: LatentHeads,
        head: usize,
        plain: Array2<S>,
        sees: impl Fn(usize, usize) -> bool,
    ) -> Array2<S> {
        let queries = columns(
            self.rotated_queries,
            head * heads.rotated..(head + 1) * heads.rotated,
        );
        let scale = S::of(1.0 / ((heads.plain + heads.rotated) as f64).sqrt());
        let mut scores = (plain + product(queries, self.rotated_keys.t())) * scale;
        let tokens = scores.nrows();
        super::attention::mask(&mut scores, tokens, sees);
        scores
    }

    /// Runs every head on its plain queries and puts the results side by side.
    fn heads(
        &self,
        heads: LatentHeads,
        run: impl Fn(usize, ArrayView2<'_, S>) -> Array2<S>,
    ) -> Array2<S> {
        let tokens = self.plain_queries.nrows();
        let mut output = Array2::zeros((tokens, heads.count * heads.value));
        for head in 0..heads.count {
            let plain = head * heads.plain..(head + 1) * heads.plain;
            let result = run(head, columns(self.plain_queries, plain));
            let range = head * heads.value..(head + 1) * heads.value;
            columns_mut(output.view_mut(), range).assign(&result);
        }
        output
    }
}
