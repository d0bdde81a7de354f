//! The operators of one step, in order, each behind its gate.

use std::ops::Range;

use ndarray::{Array2, Axis, concatenate};

use super::{Lane, Reference};
use crate::reference::attention::{Heads, attend, causal, logits, mask};
use crate::reference::ledger::{Gate, Ledger};
use crate::reference::linear::Linear;
use crate::reference::norm::NormWeights;
use crate::reference::part::{columns, columns_mut, rows as part_rows};
use crate::reference::scalar::Scalar;
use crate::reference::softmax::softmax;
use crate::reference::trace::Trace;
use crate::reference::weights::{Ffn, Layer};

/// One step as it runs.
pub(super) struct Pass<'a, S> {
    pub(super) reference: &'a Reference<S>,
    /// Rows of each sequence among the new tokens.
    pub(super) rows: &'a [Range<usize>],
    /// Position of each new token.
    pub(super) positions: &'a [u64],
    pub(super) ledger: Ledger,
    pub(super) trace: Trace<S>,
}

/// The operator at work: its layer, its name, and its sequence (attention) or expert.
pub(super) type At = (Option<usize>, &'static str, usize);

impl<S: Scalar> Pass<'_, S> {
    /// Runs one operator: `compute` takes its operands through the gate; the result is
    /// rounded, counted and kept.
    pub(super) fn run(
        &mut self,
        at: At,
        compute: impl FnOnce(&mut Gate<'_>) -> Array2<S>,
    ) -> Array2<S> {
        let mut gate = self.ledger.gate(at.0, at.1);
        let result = compute(&mut gate);
        let result = gate.output(self.reference.precision.activations.store(result));
        self.trace.record(at, &result);
        result
    }

    fn norm(&mut self, at: At, norm: &NormWeights<S>, input: &Array2<S>) -> Array2<S> {
        self.run(at, |gate| gate.norm(norm).apply(gate.input(input.view())))
    }

    pub(super) fn linear(&mut self, at: At, linear: &Linear<S>, input: &Array2<S>) -> Array2<S> {
        self.run(at, |gate| {
            gate.linear(linear).apply(gate.input(input.view()))
        })
    }

    fn add(&mut self, at: At, left: &Array2<S>, right: &Array2<S>) -> Array2<S> {
        self.run(at, |gate| {
            &gate.input(left.view()) + &gate.input(right.view())
        })
    }

    pub(super) fn embedding(&mut self, lanes: &[Lane<'_, S>]) -> Array2<S> {
        let Reference {
            weights, recipe, ..
        } = self.reference;
        let offset = recipe.position_offset();
        let tokens = lanes.iter().flat_map(|lane| lane.tokens);
        let positions = self.positions;
        self.run((None, "embedding", 0), |gate| {
            let mut rows = Array2::zeros((positions.len(), weights.tokens.ncols()));
            for ((mut row, token), position) in
                rows.rows_mut().into_iter().zip(tokens).zip(positions)
            {
                row += &gate.weights(weights.tokens.row(*token as usize));
                if let Some(table) = &weights.positions {
                    row += &gate.weights(table.row((position + offset) as usize));
                }
            }
            rows
        })
    }

    pub(super) fn final_norm(&mut self, stream: &Array2<S>) -> Array2<S> {
        let norm = &self.reference.weights.final_norm;
        self.norm((None, "final_norm", 0), norm, stream)
    }

    pub(super) fn head(&mut self, sampled: &Array2<S>) -> Array2<S> {
        let head = &self.reference.weights.head;
        self.linear((None, "lm_head", 0), head, sampled)
    }

    pub(super) fn layer(
        &mut self,
        index: usize,
        layer: &Layer<S>,
        input: &Array2<S>,
        lanes: &mut [Lane<'_, S>],
    ) -> Array2<S> {
        let at = |operator| (Some(index), operator, 0);
        let normed = self.norm(at("attention_norm"), &layer.attention_norm, input);
        let qkv = self.linear(at("qkv"), &layer.qkv, &normed);
        let attended = self.attention(index, qkv, lanes);
        let projected = self.linear(at("projection"), &layer.projection, &attended);
        let stream = self.add(at("attention_residual"), input, &projected);

        let normed = self.norm(at("ffn_norm"), &layer.ffn_norm, &stream);
        let down = match &layer.ffn {
            Ffn::Dense(block) => {
                let up = self.linear(at("ffn_up"), &block.up, &normed);
                let inner = self.run(at("activation"), |gate| {
                    block.activate(gate.input(up.view()))
                });
                self.linear(at("ffn_down"), &block.down, &inner)
            }
            Ffn::Mixture(mixture) => self.mixture(index, mixture, &normed),
        };
        self.add(at("ffn_residual"), &stream, &down)
    }

    /// From the fused projection to the attended values, `[tokens, query]`.
    fn attention(
        &mut self,
        index: usize,
        mut qkv: Array2<S>,
        lanes: &mut [Lane<'_, S>],
    ) -> Array2<S> {
        let model = &self.reference.recipe.model;
        let heads = Heads {
            query: model.heads as usize,
            kv: model.kv_heads as usize,
            dim: model.head_dim as usize,
        };
        let (query, kv) = (heads.query * heads.dim, heads.kv * heads.dim);
        if let Some(rotary) = &self.reference.recipe.rotary {
            let positions = self.positions;
            let rotated = self.run((Some(index), "rotary", 0), |gate| {
                // Queries and keys lie side by side, and all heads turn alike.
                rotary.apply(gate.input(columns(qkv.view(), 0..query + kv)), positions)
            });
            columns_mut(qkv.view_mut(), 0..query + kv).assign(&rotated);
        }
        self.append(
            index,
            columns(qkv.view(), query..query + 2 * kv).to_owned(),
            lanes,
        );

        let window = model.sliding_window.map(|window| window as usize);
        let mut attended = Array2::zeros((0, query));
        for (sequence, (rows, lane)) in self.rows.iter().zip(lanes.iter()).enumerate() {
            let at = |operator| (Some(index), operator, sequence);
            let context = lane.cache.len() - rows.len();
            let first = window.map_or(0, |window| (context + 1).saturating_sub(window));
            let (Some(keys), Some(values)) = (lane.cache.keys(index), lane.cache.values(index))
            else {
                continue;
            };
            let scores = self.run(at("logit"), |gate| {
                let queries = gate.input(columns(part_rows(qkv.view(), rows.clone()), 0..query));
                let keys = gate.kv_read(part_rows(keys, first..lane.cache.len()));
                let mut scores = logits(queries, keys, heads);
                mask(&mut scores, rows.len(), |token, key| {
                    let key = first + key;
                    causal(context + token, key, window) && lane.cache.sees(key)
                });
                scores
            });
            let weights = self.run(at("softmax"), |gate| softmax(gate.input(scores.view())));
            // All sequences write one tensor: counted here, kept as a whole below.
            let mut gate = self.ledger.gate(Some(index), "attend");
            let values = gate.kv_read(part_rows(values, first..lane.cache.len()));
            let result = attend(gate.input(weights.view()), values, heads);
            let result = gate.output(self.reference.precision.activations.store(result));
            attended = concatenate![Axis(0), attended, result];
        }
        self.trace.record((Some(index), "attend", 0), &attended);
        attended
    }

    /// Stores new keys and values, `[tokens, 2 * kv]`.
    fn append(&mut self, index: usize, new: Array2<S>, lanes: &mut [Lane<'_, S>]) {
        let mut gate = self.ledger.gate(Some(index), "kv_append");
        let new = gate.input(new.view());
        let new = self.reference.precision.kv.store(new.to_owned());
        let width = new.ncols() / 2;
        for (rows, lane) in self.rows.iter().zip(lanes.iter_mut()) {
            let keys = gate.kv_written(columns(part_rows(new.view(), rows.clone()), 0..width));
            let values = gate.kv_written(columns(
                part_rows(new.view(), rows.clone()),
                width..2 * width,
            ));
            lane.cache.append(index, keys, values);
        }
        self.trace.record((Some(index), "kv_append", 0), &new);
    }
}
