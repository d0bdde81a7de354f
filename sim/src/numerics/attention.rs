//! Attention of one sequence as the values of a schedule: what both the arrays and the banks fill,
//! piece by piece.

use super::fault::{Chance, Fault};
use crate::lower::AttentionEntry;
use memwall_models::reference::Storage;
use ndarray::{Array2, ArrayView2};

/// Queries, keys and values of one sequence in one layer, and what has been made of them.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    pub entry: AttentionEntry,
    /// `[query heads * new tokens, dim]`: the tokens of a head together.
    pub queries: Array2<f32>,
    /// `[attended, kv heads * dim]`.
    pub keys: Array2<f32>,
    /// Likewise.
    pub values: Array2<f32>,
    /// `[query heads * new tokens, attended]`, before scaling and masks.
    pub scores: Array2<f32>,
    /// Likewise, once softmax has run.
    pub probabilities: Array2<f32>,
    /// `[query heads * new tokens, dim]`.
    pub out: Array2<f32>,
    /// Which keys, and which values, were multiplied.
    pub met: [Array2<bool>; 2],
    /// Channel whose banks attend, if banks do.
    pub channel: Option<usize>,
    /// Bank, row and number of the tile that added last to each score, and to each result.
    pub tiles: [Array2<(u64, u32, u64)>; 2],
}

impl Attention {
    /// `queries` is `[new tokens, query heads * dim]`.
    pub(super) fn new(
        entry: AttentionEntry,
        queries: ArrayView2<'_, f32>,
        keys: Array2<f32>,
        values: Array2<f32>,
    ) -> Attention {
        let head = entry.head;
        let (new, dim) = (entry.new_tokens as usize, head.dim as usize);
        let rows = (head.kv_heads * head.queries) as usize;
        let stacked = Array2::from_shape_fn((rows, dim), |(row, feature)| {
            queries[[row % new, row / new * dim + feature]]
        });
        let attended = head.tokens as usize;
        let met = [&keys, &values].map(|stored| Array2::from_elem(stored.dim(), false));
        let tiles = [attended, dim].map(|columns| Array2::from_elem((rows, columns), (0, 0, 0)));
        Attention {
            channel: None,
            tiles,
            met,
            entry,
            queries: stacked,
            keys,
            values,
            scores: Array2::zeros((rows, attended)),
            probabilities: Array2::zeros((rows, attended)),
            out: Array2::zeros((rows, dim)),
        }
    }

    /// Distinct keys and values that were multiplied.
    pub(super) fn read(&self) -> u64 {
        let of = |met: &Array2<bool>| met.iter().filter(|met| **met).count() as u64;
        self.met.iter().map(of).sum()
    }

    /// Where a score (or, for `half` 1, a result) was made.
    pub(super) fn place(&self, half: usize, row: usize, column: usize) -> String {
        let (heads, new) = (self.entry.group(), self.entry.new_tokens);
        let head = row as u64 / new / heads;
        match self.channel {
            Some(channel) => {
                let (bank, row, tile) = self.tiles[half][[row, column]];
                format!("KV head {head}, channel {channel}, bank {bank}, row {row}, tile {tile}")
            }
            None => format!("KV head {head}, on the arrays"),
        }
    }

    /// Row of the queries of `head`, a KV head, number `query` in its group, of a new token.
    pub(super) fn row(&self, head: u64, query: u64, token: u64) -> usize {
        ((head * self.entry.group() + query) * self.entry.new_tokens + token) as usize
    }

    /// Scales and masks scores and makes probabilities of them, `block` tokens at a time with a
    /// running maximum, or in one pass.
    pub(super) fn softmax(&mut self, block: Option<usize>, storage: Storage, chance: &mut Chance) {
        let entry = self.entry;
        let scale = (1.0 / (entry.head.dim as f64).sqrt()) as f32;
        let first = entry.context + entry.new_tokens - entry.head.tokens;
        let new = entry.new_tokens as usize;
        for (row, mut scores) in self.scores.rows_mut().into_iter().enumerate() {
            let query = entry.context + (row % new) as u64;
            let blind = chance.strikes(Fault::WrongMask);
            for (index, score) in scores.iter_mut().enumerate() {
                let key = first + index as u64;
                let seen = key <= query && entry.window.is_none_or(|window| query - key < window);
                *score = if seen && !(blind && key == query) {
                    storage.round(*score * scale)
                } else {
                    f32::NEG_INFINITY
                };
            }
            let whole = scores.len().max(1);
            let (mut max, mut sum) = (f32::NEG_INFINITY, 0.0_f32);
            for from in (0..scores.len()).step_by(block.unwrap_or(whole)) {
                let part = || scores.iter().skip(from).take(block.unwrap_or(whole));
                let own = part().fold(f32::NEG_INFINITY, |max, score| max.max(*score));
                if own == f32::NEG_INFINITY {
                    continue;
                }
                let larger = max.max(own);
                let of_part: f32 = part().map(|score| (score - larger).exp()).sum();
                if max > f32::NEG_INFINITY {
                    sum *= (max - larger).exp();
                }
                if !chance.strikes(Fault::LoseBlockSum) {
                    sum += of_part;
                }
                max = larger;
            }
            let scale = if sum > 0.0 { sum.recip() } else { 0.0 };
            let mut out = self.probabilities.row_mut(row);
            for (probability, score) in out.iter_mut().zip(&scores) {
                let weight = if *score == f32::NEG_INFINITY {
                    0.0
                } else {
                    (score - max).exp()
                };
                *probability = storage.round(weight * scale);
            }
        }
    }

    /// The result, `[new tokens, query heads * dim]`.
    pub(super) fn result(&self) -> Array2<f32> {
        let (new, dim) = (self.entry.new_tokens as usize, self.entry.head.dim as usize);
        let heads = self.out.nrows() / new.max(1);
        Array2::from_shape_fn((new, heads * dim), |(token, column)| {
            self.out[[column / dim * new + token, column % dim]]
        })
    }
}
