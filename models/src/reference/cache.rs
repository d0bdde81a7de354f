//! The keys and values of one sequence.

use ndarray::{Array2, ArrayView2};

use super::part::{rows, rows_mut};
use super::scalar::Scalar;
use crate::model::Model;

/// What one sequence has stored, over all layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Cache<S> {
    /// `[tokens, kv_heads * head_dim]` of each layer: keys, already rotated, and values.
    layers: Vec<(Array2<S>, Array2<S>)>,
    /// Whether each stored token is one, and not padding.
    seen: Vec<bool>,
    /// Position of the next token that is not padding.
    position: u64,
}

impl<S: Scalar> Cache<S> {
    /// The empty cache of a sequence whose first token takes `position`: 0, unless what a
    /// shift of all positions does is the question.
    #[must_use]
    pub fn starting_at(model: &Model, position: u64) -> Self {
        let width = (model.kv_heads * model.head_dim) as usize;
        let empty = || Array2::zeros((0, width));
        Self {
            layers: (0..model.layers).map(|_| (empty(), empty())).collect(),
            seen: Vec::new(),
            position,
        }
    }

    /// Stored tokens, padding included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nothing is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Position of the next token.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Keys of a layer, `[tokens, kv_heads * head_dim]`; `None` past the last layer.
    #[must_use]
    pub fn keys(&self, layer: usize) -> Option<ArrayView2<'_, S>> {
        Some(self.layers.get(layer)?.0.view())
    }

    /// Values of a layer, likewise.
    #[must_use]
    pub fn values(&self, layer: usize) -> Option<ArrayView2<'_, S>> {
        Some(self.layers.get(layer)?.1.view())
    }

    /// Forgets the tokens behind the first `tokens`: what a rejected speculation leaves.
    pub fn truncate(&mut self, tokens: usize) {
        let kept = tokens.min(self.len());
        let dropped = self.seen.drain(kept..).filter(|seen| *seen).count();
        self.position = self.position.saturating_sub(dropped as u64);
        for (keys, values) in &mut self.layers {
            *keys = rows(keys.view(), 0..kept).to_owned();
            *values = rows(values.view(), 0..kept).to_owned();
        }
    }

    /// Whether the stored token `token` may be attended.
    pub(super) fn sees(&self, token: usize) -> bool {
        self.seen.get(token).copied().unwrap_or(false)
    }

    /// Takes up `count` tokens, the first `padding` of which are none; returns the position of
    /// each. Their keys and values follow layer by layer.
    pub(super) fn admit(&mut self, count: usize, padding: usize) -> Vec<u64> {
        let positions = (0..count).map(|token| {
            let real = token >= padding;
            self.seen.push(real);
            let position = self.position;
            self.position += u64::from(real);
            if real { position } else { 0 }
        });
        positions.collect()
    }

    /// Stores keys and values of one layer behind those already there.
    pub(super) fn append(
        &mut self,
        layer: usize,
        keys: ArrayView2<'_, S>,
        values: ArrayView2<'_, S>,
    ) {
        if let Some((stored_keys, stored_values)) = self.layers.get_mut(layer) {
            *stored_keys = stacked(stored_keys.view(), keys);
            *stored_values = stacked(stored_values.view(), values);
        }
    }
}

fn stacked<S: Scalar>(above: ArrayView2<'_, S>, below: ArrayView2<'_, S>) -> Array2<S> {
    let (middle, end) = (above.nrows(), above.nrows() + below.nrows());
    let mut all = Array2::zeros((end, above.ncols()));
    rows_mut(all.view_mut(), 0..middle).assign(&above);
    rows_mut(all.view_mut(), middle..end).assign(&below);
    all
}
