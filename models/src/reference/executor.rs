//! Runs a decoder: prefill, a chunk of one, decode, or any mixture of them in one batch.
//!
//! Operators are those of [`crate::StepGraph`], under the same names, on the same shapes. Each
//! takes its operands through the [`Ledger`] and leaves its result in the [`Trace`].

mod error;
mod layer;
mod mixture;

use ndarray::{Array2, Axis};

use super::cache::Cache;
use super::ledger::Ledger;
use super::recipe::Recipe;
use super::scalar::Scalar;
use super::storage::Precision;
use super::trace::Trace;
use super::weights::Weights;
use crate::graph::Sequence;
use layer::Pass;

pub use error::ReferenceError;

/// A decoder with its weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference<S> {
    /// Sizes and numbers.
    pub recipe: Recipe,
    /// Weights, already rounded.
    pub weights: Weights<S>,
    /// Where results and the cache are rounded.
    pub precision: Precision,
}

/// One sequence's part in a step.
#[derive(Debug)]
pub struct Lane<'a, S> {
    /// New tokens; at least one.
    pub tokens: &'a [u32],
    /// How many of them, from the first on, are padding: they take no position and are seen by
    /// no query. A sliding window counts stored tokens, so padding belongs before a sequence's
    /// first token and not between two of its chunks.
    pub padding: usize,
    /// The sequence so far; receives the new tokens.
    pub cache: &'a mut Cache<S>,
}

/// What a step returns beside its logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ask {
    /// Logits of every new token, not of each sequence's last one alone. A machine computes
    /// only the last: byte counts are the operator graph's without this.
    pub all_logits: bool,
    /// Keep every intermediate tensor.
    pub trace: bool,
}

/// The results of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Output<S> {
    /// `[sequences, vocab]`, or `[new tokens, vocab]` when all were asked for.
    pub logits: Array2<S>,
    /// Bytes touched, by operator.
    pub ledger: Ledger,
    /// Intermediate tensors, if asked for.
    pub trace: Trace<S>,
}

impl<S: Scalar> Reference<S> {
    /// The empty cache of a new sequence.
    #[must_use]
    pub fn cache(&self) -> Cache<S> {
        Cache::starting_at(&self.recipe.model, 0)
    }

    /// Runs one step over `lanes`.
    ///
    /// # Errors
    /// The batch is empty, a sequence has no new tokens, a token is not in the vocabulary, or
    /// a position is not in the table. The caches are then untouched.
    pub fn step(&self, lanes: &mut [Lane<'_, S>], ask: Ask) -> Result<Output<S>, ReferenceError> {
        self.check(lanes)?;
        let mut positions = Vec::new();
        let mut rows = Vec::with_capacity(lanes.len());
        for lane in lanes.iter_mut() {
            let start = positions.len();
            positions.extend(lane.cache.admit(lane.tokens.len(), lane.padding));
            rows.push(start..positions.len());
        }
        let mut pass = Pass {
            reference: self,
            rows: &rows,
            positions: &positions,
            ledger: Ledger::new(self.recipe.model.dtype.bytes()),
            trace: Trace::new(ask.trace),
        };
        let mut stream = pass.embedding(lanes);
        for (index, layer) in self.weights.layers.iter().enumerate() {
            stream = pass.layer(index, layer, &stream, lanes);
        }
        let normed = pass.final_norm(&stream);
        let sampled: Vec<usize> = if ask.all_logits {
            (0..normed.nrows()).collect()
        } else {
            rows.iter().map(|rows| rows.end - 1).collect()
        };
        let logits = pass.head(&normed.select(Axis(0), &sampled));
        Ok(Output {
            logits,
            ledger: pass.ledger,
            trace: pass.trace,
        })
    }

    /// The batch as the operator graph describes it.
    #[must_use]
    pub fn sequences(lanes: &[Lane<'_, S>]) -> Vec<Sequence> {
        let sequence = |lane: &Lane<'_, S>| Sequence {
            new_tokens: lane.tokens.len() as u64,
            context: lane.cache.len() as u64,
        };
        lanes.iter().map(sequence).collect()
    }

    fn check(&self, lanes: &[Lane<'_, S>]) -> Result<(), ReferenceError> {
        if lanes.is_empty() {
            return Err(ReferenceError::EmptyBatch);
        }
        let vocab = self.weights.tokens.nrows();
        for (sequence, lane) in lanes.iter().enumerate() {
            if lane.tokens.is_empty() {
                return Err(ReferenceError::NoNewTokens { sequence });
            }
            if let Some(token) = lane.tokens.iter().find(|token| **token as usize >= vocab) {
                return Err(ReferenceError::Token {
                    sequence,
                    token: *token,
                    vocab,
                });
            }
            let real = lane.tokens.len().saturating_sub(lane.padding) as u64;
            let end = lane.cache.position().saturating_add(real);
            let offset = self.recipe.position_offset();
            if let Some(table) = &self.weights.positions
                && end.saturating_add(offset) > table.nrows() as u64
            {
                return Err(ReferenceError::Position {
                    sequence,
                    position: end.saturating_sub(1),
                    positions: (table.nrows() as u64).saturating_sub(offset),
                });
            }
        }
        Ok(())
    }
}
