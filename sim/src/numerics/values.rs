//! The values of a step between its operators: what one leaves and the next works on.

use super::attention::Attention;
use super::fault::{Chance, Fault};
use super::mixture::Routed;
use super::report::Moved;
use crate::dram::Standard;
use crate::lower::AttentionEntry;
use crate::npu::VectorUnit;
use memwall_models::reference::{FeedForward, Ffn, Layer, Linear, Mixture, Reference};
use ndarray::{Array2, ArrayView2, Axis, Slice, concatenate};
use std::ops::Range;

/// Keys and values of a sequence, by layer, as the machine wrote them.
#[derive(Debug, Clone, Default)]
pub(super) struct Stored {
    pub layers: Vec<(Array2<f32>, Array2<f32>)>,
}

impl Stored {
    pub(super) fn new(layers: u64, width: usize) -> Stored {
        let empty = || (Array2::zeros((0, width)), Array2::zeros((0, width)));
        Stored {
            layers: (0..layers).map(|_| empty()).collect(),
        }
    }
}

/// What the devices of the machine are like, as far as values depend on it.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    pub vector: &'a VectorUnit,
    /// Columns of an array: tokens that a running maximum takes at once.
    pub columns: u64,
    pub standard: Option<&'a Standard>,
}

/// A batch as it enters a step.
pub(super) struct Batch<'a> {
    /// New tokens of each sequence.
    pub tokens: &'a [&'a [u32]],
    /// Tokens each has stored.
    pub context: &'a [u64],
}

/// The task under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub name: &'static str,
    pub layer: Option<usize>,
    pub expert: Option<usize>,
}

/// Tensors of the step under way.
pub(super) struct Values<'a> {
    pub reference: &'a Reference<f32>,
    pub shape: Shape<'a>,
    batch: &'a Batch<'a>,
    /// Rows of each sequence.
    pub rows: Vec<Range<usize>>,
    positions: Vec<u64>,
    pub stored: &'a mut [Stored],
    pub task: Option<At>,
    /// The residual stream.
    pub stream: Array2<f32>,
    /// The result of the operator before.
    pub current: Array2<f32>,
    pub attentions: Vec<Attention>,
    pub attended: Array2<f32>,
    pub routed: Routed,
    pub moved: Moved,
}

impl<'a> Values<'a> {
    pub(super) fn new(
        reference: &'a Reference<f32>,
        shape: Shape<'a>,
        batch: &'a Batch<'a>,
        stored: &'a mut [Stored],
    ) -> Values<'a> {
        let (mut rows, mut positions) = (Vec::new(), Vec::new());
        for (tokens, context) in batch.tokens.iter().zip(batch.context) {
            let start = positions.len();
            positions.extend((0..tokens.len() as u64).map(|token| context + token));
            rows.push(start..positions.len());
        }
        let none = || Array2::zeros((0, 0));
        Values {
            reference,
            shape,
            batch,
            rows,
            positions,
            stored,
            task: None,
            stream: none(),
            current: none(),
            attentions: Vec::new(),
            attended: none(),
            routed: Routed::default(),
            moved: Moved::default(),
        }
    }

    pub(super) fn layer(&self) -> Option<&'a Layer<f32>> {
        self.reference.weights.layers.get(self.task?.layer?)
    }

    /// Channels of queries, and of keys.
    pub(super) fn widths(&self) -> (usize, usize) {
        let model = &self.reference.recipe.model;
        (
            (model.heads * model.head_dim) as usize,
            (model.kv_heads * model.head_dim) as usize,
        )
    }

    /// Writes the new keys and values of a sequence.
    pub(super) fn append(&mut self, sequence: usize, chance: &mut Chance) {
        let Some(layer) = self.task.and_then(|at| at.layer) else {
            return;
        };
        let (query, kv) = self.widths();
        let new = slice(self.current.view(), Axis(0), self.rows[sequence].clone());
        let storage = self.reference.precision.kv;
        let mut both = [query..query + kv, query + kv..query + 2 * kv]
            .map(|range| storage.store(slice(new, Axis(1), range).to_owned()));
        let (keys, values) = &mut self.stored[sequence].layers[layer];
        for token in 0..both[0].nrows() {
            let skipped = chance.strikes(Fault::SkipKvAppend);
            let stale = chance.strikes(Fault::StaleKv);
            for (new, old) in both.iter_mut().zip([&*keys, &*values]) {
                let before = match token.checked_sub(1) {
                    Some(before) => Some(new.row(before).to_owned()),
                    None => old.rows().into_iter().next_back().map(|row| row.to_owned()),
                };
                match before {
                    _ if skipped => new.row_mut(token).fill(0.0),
                    Some(before) if stale => new.row_mut(token).assign(&before),
                    None if stale => new.row_mut(token).fill(0.0),
                    _ => {}
                }
            }
        }
        let [new_keys, new_values] = both;
        *keys = concatenate![Axis(0), keys.view(), new_keys.view()];
        *values = concatenate![Axis(0), values.view(), new_values.view()];
        self.moved.appended += 2 * new_keys.len() as u64;
    }

    pub(super) fn attention(&self, entry: AttentionEntry) -> Attention {
        let (query, _) = self.widths();
        let rows = slice(
            self.current.view(),
            Axis(0),
            self.rows[entry.sequence].clone(),
        );
        let queries = slice(rows, Axis(1), 0..query);
        let layer = self.task.and_then(|at| at.layer).unwrap_or(0);
        let (keys, values) = &self.stored[entry.sequence].layers[layer];
        let all = keys.nrows();
        let seen = all.saturating_sub(entry.head.tokens as usize)..all;
        let of = |stored: &Array2<f32>| slice(stored.view(), Axis(0), seen.clone()).to_owned();
        Attention::new(entry, queries, of(keys), of(values))
    }

    /// Rows dealt to the pipes of the vector unit, each pipe's done on their own.
    fn by_pipes(
        &self,
        input: ArrayView2<'_, f32>,
        of_rows: impl Fn(ArrayView2<'_, f32>, &[u64]) -> Array2<f32>,
    ) -> Array2<f32> {
        let pipes = (self.shape.vector.pipes as usize).clamp(1, input.nrows().max(1));
        let mut out: Option<Array2<f32>> = None;
        for pipe in 0..pipes {
            let own: Vec<usize> = (pipe..input.nrows()).step_by(pipes).collect();
            let positions: Vec<u64> = own
                .iter()
                .map(|row| self.positions.get(*row).copied().unwrap_or(0))
                .collect();
            let made = of_rows(input.select(Axis(0), &own).view(), &positions);
            let out = out
                .get_or_insert_with(|| Array2::from_elem((input.nrows(), made.ncols()), f32::NAN));
            for (row, made) in own.iter().zip(made.rows()) {
                out.row_mut(*row).assign(&made);
            }
        }
        out.unwrap_or_else(|| Array2::zeros((0, 0)))
    }

    fn embedding(&self) -> Array2<f32> {
        let weights = &self.reference.weights;
        let offset = self.reference.recipe.position_offset();
        let tokens = self.batch.tokens.iter().flat_map(|tokens| tokens.iter());
        let mut rows = Array2::zeros((self.positions.len(), weights.tokens.ncols()));
        for ((mut row, token), position) in
            rows.rows_mut().into_iter().zip(tokens).zip(&self.positions)
        {
            row += &weights.tokens.row(*token as usize);
            if let Some(table) = &weights.positions {
                row += &table.row((position + offset) as usize);
            }
        }
        rows
    }

    fn dense(&self) -> Option<&'a FeedForward<f32>> {
        match &self.layer()?.ffn {
            Ffn::Dense(block) => Some(block),
            Ffn::Mixture(_) => None,
        }
    }

    fn mixture(&self) -> Option<&'a Mixture<f32>> {
        match &self.layer()?.ffn {
            Ffn::Dense(_) => None,
            Ffn::Mixture(mixture) => Some(mixture),
        }
    }

    /// The matrix of a product, and its left operand.
    pub(super) fn operands(&self, chance: &mut Chance) -> Option<(&'a Linear<f32>, Array2<f32>)> {
        let At { name, expert, .. } = self.task?;
        let current = || self.current.clone();
        let expert = expert.unwrap_or(0);
        Some(match name {
            "qkv" => (&self.layer()?.qkv, current()),
            "projection" => (&self.layer()?.projection, self.attended.clone()),
            "ffn_up" => (&self.dense()?.up, current()),
            "ffn_down" => (&self.dense()?.down, current()),
            "router" => (&self.mixture()?.gate, current()),
            "expert_up" => {
                let experts = &self.mixture()?.experts;
                let wrong = usize::from(chance.strikes(Fault::WrongExpert));
                let rows = slice(self.routed.rows.view(), Axis(0), self.routed.of(expert));
                let block = experts.get((expert + wrong) % experts.len().max(1))?;
                (&block.up, rows.to_owned())
            }
            "expert_down" => (&self.mixture()?.experts.get(expert)?.down, current()),
            _ => {
                let last: Vec<usize> = self.rows.iter().map(|rows| rows.end - 1).collect();
                (
                    &self.reference.weights.head,
                    self.current.select(Axis(0), &last),
                )
            }
        })
    }

    /// What an operator that is no product and no attention makes of the values before it.
    pub(super) fn vector(
        &mut self,
        name: &'static str,
        chance: &mut Chance,
    ) -> Option<Array2<f32>> {
        let recipe = &self.reference.recipe;
        let layer = self.layer();
        let norm = match name {
            "attention_norm" => Some(&layer?.attention_norm),
            "ffn_norm" => Some(&layer?.ffn_norm),
            "final_norm" => Some(&self.reference.weights.final_norm),
            _ => None,
        };
        if let Some(norm) = norm {
            return Some(self.by_pipes(self.stream.view(), |rows, _| norm.apply(rows)));
        }
        let storage = self.reference.precision.activations;
        Some(match name {
            "embedding" => self.embedding(),
            "router_scores" => {
                let router = &self.mixture()?.router;
                self.by_pipes(self.routed.scores.view(), |rows, _| router.scores(rows))
            }
            "top_k" => {
                let mixture = self.mixture()?;
                self.routed.choose(mixture, storage)
            }
            "dispatch" => {
                self.routed.dispatch(self.current.view(), chance);
                self.routed.rows.clone()
            }
            "combine" => self.routed.combine(chance),
            "rotary" => {
                let (query, kv) = self.widths();
                let rotary = recipe.rotary.as_ref()?;
                let turned = slice(self.current.view(), Axis(1), 0..query + kv);
                self.by_pipes(turned, |rows, positions| rotary.apply(rows, positions))
            }
            "activation" => self.by_pipes(self.current.view(), |rows, _| {
                if recipe.model.gated {
                    recipe.function.gate(rows)
                } else {
                    recipe.function.apply(rows)
                }
            }),
            "attention_residual" | "ffn_residual" => &self.stream + &self.current,
            _ => return None,
        })
    }

    /// Keeps the rounded result of an operator where what follows looks for it.
    pub(super) fn settle(&mut self, at: At, result: Array2<f32>) {
        match at.name {
            "embedding" | "attention_residual" | "ffn_residual" => self.stream = result,
            "rotary" => {
                let (query, kv) = self.widths();
                let turned = 0..query + kv;
                let mut view = self.current.view_mut();
                view.slice_axis_inplace(Axis(1), Slice::from(turned));
                view.assign(&result);
            }
            // The router's input is what is sorted.
            "router" | "router_scores" => self.routed.scores = result,
            "top_k" | "dispatch" => {}
            "expert_down" => {
                let rows = self.routed.of(at.expert.unwrap_or(0));
                let mut view = self.routed.results.view_mut();
                view.slice_axis_inplace(Axis(0), Slice::from(rows));
                if view.dim() == result.dim() {
                    view.assign(&result);
                }
            }
            _ => self.current = result,
        }
    }
}

/// A part of a matrix along an axis.
pub(super) fn slice<S>(
    mut view: ArrayView2<'_, S>,
    axis: Axis,
    range: Range<usize>,
) -> ArrayView2<'_, S> {
    view.slice_axis_inplace(axis, Slice::from(range));
    view
}
