//! One step of a batch, executed as the simulator times it.

use super::arrays;
use super::attention::Attention;
use super::banks::{Channel, Part};
use super::difference::{Difference, Tolerance, Wrong};
use super::fault::{Chance, Fault};
use super::product::Product;
use super::report::{Moved, OperatorCheck, Touched};
use crate::dram::Standard;
use crate::exec::Usage;
use crate::exec::watch::{Act, Watch};
use crate::lower::{AttentionEntry, Task, Work};
use crate::npu::VectorUnit;
use crate::pim::tiling::Geometry;
use memwall_models::reference::{Layer, Linear, Reference, Trace};
use ndarray::{Array2, ArrayView2, Axis, Slice, concatenate};
use std::collections::BTreeMap;
use std::ops::Range;

/// Keys and values of a sequence, by layer, as the machine wrote them.
#[derive(Debug, Clone, Default)]
pub(super) struct Stored {
    layers: Vec<(Array2<f32>, Array2<f32>)>,
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

/// The step under way.
pub(super) struct Execution<'a> {
    reference: &'a Reference<f32>,
    shape: Shape<'a>,
    trace: &'a Trace<f32>,
    tolerance: Tolerance,
    batch: &'a Batch<'a>,
    rows: Vec<Range<usize>>,
    positions: Vec<u64>,
    stored: &'a mut [Stored],
    chance: &'a mut Chance,
    task: Option<(&'static str, Option<usize>)>,
    stream: Array2<f32>,
    current: Array2<f32>,
    product: Option<Product>,
    attentions: Vec<Attention>,
    /// Channel and rows of each sequence in the banks.
    channels: BTreeMap<usize, Channel>,
    attended: Array2<f32>,
    moved: Moved,
    pub checks: Vec<OperatorCheck>,
    pub logits: Array2<f32>,
}

impl<'a> Execution<'a> {
    pub(super) fn new(
        (reference, shape): (&'a Reference<f32>, Shape<'a>),
        (trace, tolerance): (&'a Trace<f32>, Tolerance),
        batch: &'a Batch<'a>,
        stored: &'a mut [Stored],
        chance: &'a mut Chance,
    ) -> Execution<'a> {
        let (mut rows, mut positions) = (Vec::new(), Vec::new());
        for (tokens, context) in batch.tokens.iter().zip(batch.context) {
            let start = positions.len();
            positions.extend((0..tokens.len() as u64).map(|token| context + token));
            rows.push(start..positions.len());
        }
        let none = || Array2::zeros((0, 0));
        Execution {
            reference,
            shape,
            trace,
            tolerance,
            batch,
            rows,
            positions,
            stored,
            chance,
            task: None,
            stream: none(),
            current: none(),
            product: None,
            attentions: Vec::new(),
            channels: BTreeMap::new(),
            attended: none(),
            moved: Moved::default(),
            checks: Vec::new(),
            logits: none(),
        }
    }

    fn layer(&self) -> Option<&'a Layer<f32>> {
        let (_, layer) = self.task?;
        self.reference.weights.layers.get(layer?)
    }

    fn begin(&mut self, task: &Task, layer: Option<u64>) {
        self.task = Some((task.name, layer.map(|layer| layer as usize)));
        self.moved = Moved::default();
        if task.name == "kv_append" {
            let (query, _) = self.widths();
            self.attended = Array2::from_elem((self.current.nrows(), query), f32::NAN);
        }
        match &task.work {
            Work::AppendSequential => {
                for sequence in 0..self.rows.len() {
                    self.append(sequence);
                }
            }
            Work::ArrayAttention(entries) | Work::PimAttention(entries) => {
                self.attentions = entries.iter().map(|entry| self.attention(*entry)).collect();
            }
            _ => {}
        }
    }

    /// Channels of queries, and of keys.
    fn widths(&self) -> (usize, usize) {
        let model = &self.reference.recipe.model;
        (
            (model.heads * model.head_dim) as usize,
            (model.kv_heads * model.head_dim) as usize,
        )
    }

    /// Writes the new keys and values of a sequence.
    fn append(&mut self, sequence: usize) {
        let Some((_, Some(layer))) = self.task else {
            return;
        };
        let (query, kv) = self.widths();
        let new = slice(self.current.view(), Axis(0), self.rows[sequence].clone());
        let storage = self.reference.precision.kv;
        let mut both = [query..query + kv, query + kv..query + 2 * kv]
            .map(|range| storage.store(slice(new, Axis(1), range).to_owned()));
        let (keys, values) = &mut self.stored[sequence].layers[layer];
        for token in 0..both[0].nrows() {
            let skipped = self.chance.strikes(Fault::SkipKvAppend);
            let stale = self.chance.strikes(Fault::StaleKv);
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

    fn attention(&self, entry: AttentionEntry) -> Attention {
        let (query, _) = self.widths();
        let rows = slice(
            self.current.view(),
            Axis(0),
            self.rows[entry.sequence].clone(),
        );
        let queries = slice(rows, Axis(1), 0..query);
        let layer = self.task.and_then(|(_, layer)| layer).unwrap_or(0);
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

    /// The matrix of a product, and its left operand.
    fn operands(&self) -> Option<(&'a Linear<f32>, Array2<f32>)> {
        let (name, _) = self.task?;
        let layer = self.layer();
        let current = || self.current.clone();
        Some(match name {
            "qkv" => (&layer?.qkv, current()),
            "projection" => (&layer?.projection, self.attended.clone()),
            "ffn_up" => (&layer?.up, current()),
            "ffn_down" => (&layer?.down, current()),
            _ => {
                let last: Vec<usize> = self.rows.iter().map(|rows| rows.end - 1).collect();
                (
                    &self.reference.weights.head,
                    self.current.select(Axis(0), &last),
                )
            }
        })
    }

    fn vector(&mut self, name: &'static str) -> Option<Array2<f32>> {
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
        Some(match name {
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

    /// A task is complete: its result is compared, and becomes what follows works on.
    fn end(&mut self, usage: &Usage) {
        let Some((name, layer)) = self.task else {
            return;
        };
        let storage = self.reference.precision.activations;
        let mut broken = None;
        let mut touched = Touched::default();
        let mut place = None;
        let mut compared = Vec::new();
        if let Some(product) = self.product.take() {
            let result = storage.store(product.outputs());
            let count = product.count();
            touched.weights = count.touched[1] + count.bias;
            touched.input = count.touched[0];
            touched.output = count.touched[2];
            broken = count.broken;
            compared.push((name, self.differ(layer, name, 0, &result)));
            if let Some(wrong) = compared[0].1.wrong.as_ref() {
                place = Some(product.place(wrong.index.0, wrong.index.1));
            }
            if name == "lm_head" {
                self.logits = result;
            } else {
                self.current = result;
            }
        } else if !self.attentions.is_empty() {
            (compared, place) = self.end_attention(layer, &mut touched);
        } else if name == "kv_append" {
            touched.kv_written = self.moved.appended;
            let difference = self.differ_append(layer);
            compared.push((name, difference));
        } else {
            let result = match name {
                "embedding" => Some(self.embedding()),
                _ => self.vector(name),
            };
            if let Some(result) = result.map(|result| storage.store(result)) {
                compared.push((name, self.differ(layer, name, 0, &result)));
                match name {
                    "embedding" | "attention_residual" | "ffn_residual" => self.stream = result,
                    "rotary" => {
                        for (mut row, turned) in
                            self.current.rows_mut().into_iter().zip(result.rows())
                        {
                            for (value, turned) in row.iter_mut().zip(turned) {
                                *value = *turned;
                            }
                        }
                    }
                    _ => self.current = result,
                }
            }
        }
        let mut moved = std::mem::take(&mut self.moved);
        moved.commanded = usage.bus_bytes;
        for (index, (name, difference)) in compared.into_iter().enumerate() {
            let wrong = difference.wrong.is_some();
            self.checks.push(OperatorCheck {
                layer,
                name,
                difference,
                place: place.take_if(|_| wrong),
                broken: broken.take(),
                touched: if index == 0 {
                    touched
                } else {
                    Touched::default()
                },
                moved: if index == 0 {
                    moved.clone()
                } else {
                    Moved::default()
                },
            });
        }
        self.task = None;
    }

    fn differ(
        &self,
        layer: Option<usize>,
        name: &'static str,
        sequence: usize,
        result: &Array2<f32>,
    ) -> Difference {
        match self.trace.get(layer, name, sequence) {
            Some(expected) => Difference::of(result.view(), expected, self.tolerance, sequence),
            None => Difference::of(
                result.view(),
                Array2::zeros((0, 0)).view(),
                self.tolerance,
                sequence,
            ),
        }
    }

    /// What the cache received: keys, then values, of all new tokens.
    fn differ_append(&self, layer: Option<usize>) -> Difference {
        let (_, kv) = self.widths();
        let mut all = Array2::zeros((0, 2 * kv));
        for (rows, stored) in self.rows.iter().zip(self.stored.iter()) {
            let (keys, values) = &stored.layers[layer.unwrap_or(0)];
            let new = keys.nrows() - rows.len()..keys.nrows();
            let of =
                |stored: &'_ Array2<f32>| slice(stored.view(), Axis(0), new.clone()).to_owned();
            let both = concatenate![Axis(1), of(keys), of(values)];
            all = concatenate![Axis(0), all, both];
        }
        self.differ(layer, "kv_append", 0, &all)
    }

    fn end_attention(
        &mut self,
        layer: Option<usize>,
        touched: &mut Touched,
    ) -> (Vec<(&'static str, Difference)>, Option<String>) {
        let storage = self.reference.precision.activations;
        let (mut logit, mut softmax) = (Difference::default(), Difference::default());
        let mut place = None;
        let mut results = Vec::new();
        for attention in std::mem::take(&mut self.attentions) {
            let sequence = attention.entry.sequence;
            touched.kv_read += attention.read();
            let found = self.differ(layer, "logit", sequence, &attention.scores);
            if let (Some(wrong), None) = (&found.wrong, &logit.wrong) {
                place = Some(attention.place(0, wrong.index.0, wrong.index.1));
            }
            logit = logit.and(found);
            let found = self.differ(layer, "softmax", sequence, &attention.probabilities);
            softmax = softmax.and(found);
            let result = storage.store(attention.result());
            for (row, made) in self.rows[sequence].clone().zip(result.rows()) {
                self.attended.row_mut(row).assign(&made);
            }
            results.push(attention);
        }
        let mut compared = vec![("logit", logit), ("softmax", softmax)];
        // With two attention tasks the results are whole after the second.
        if self.attended.iter().all(|value| !value.is_nan()) {
            let attended = self.attended.clone();
            let mut found = self.differ(layer, "attend", 0, &attended);
            if let (Some(wrong), None) = (&mut found.wrong, &place) {
                place = self.place_of_result(wrong, &results);
            }
            compared.push(("attend", found));
        }
        (compared, place)
    }

    /// Where an element of the attended values was made, which becomes an element of its sequence.
    fn place_of_result(&self, wrong: &mut Wrong, results: &[Attention]) -> Option<String> {
        let (row, column) = wrong.index;
        let sequence = self.rows.iter().position(|rows| rows.contains(&row))?;
        wrong.sequence = sequence;
        let of = |attention: &&Attention| attention.entry.sequence == sequence;
        let attention = results.iter().find(of)?;
        let (dim, new) = (attention.entry.head.dim, attention.entry.new_tokens);
        let (head, feature) = (column as u64 / dim, column as u64 % dim);
        let token = (row - self.rows[sequence].start) as u64;
        Some(attention.place(1, (head * new + token) as usize, feature as usize))
    }
}

impl Watch for Execution<'_> {
    fn act(&mut self, act: Act<'_>) {
        match act {
            Act::Begin { task, layer } => self.begin(task, layer),
            Act::End(usage) => self.end(usage),
            Act::Moved {
                class,
                bytes,
                bursts,
            } => self.moved.add(class, bytes, bursts),
            Act::Product(plan) => {
                if let Some((linear, input)) = self.operands() {
                    let matrix = linear.matrix.decode();
                    let bias = linear.bias.clone();
                    let product = Product::new(&plan, &input, &matrix.to_owned(), bias);
                    self.product = Some(product);
                }
            }
            Act::Load {
                core,
                step,
                tensor,
                region,
                ..
            } => {
                if let Some(product) = &mut self.product {
                    product.load(core, step, tensor, region, self.chance);
                }
            }
            Act::Block {
                core,
                step,
                of,
                pass,
            } => {
                if let Some(product) = &mut self.product {
                    product.block((core, step), &of, &pass, self.chance);
                }
            }
            Act::Store {
                core,
                step,
                of,
                tensor,
                region,
            } => {
                if let Some(product) = &mut self.product {
                    product.store((core, step), &of, tensor, region, self.chance);
                }
            }
            Act::Append(append) => self.append(append.sequence),
            Act::Fold(fold) => {
                if let Some(attention) = self.attentions.get_mut(fold.entry) {
                    arrays::fold(attention, fold, self.chance);
                }
            }
            Act::Softmax { entry, online } => {
                let block = online.then_some(self.shape.columns as usize);
                let storage = self.reference.precision.activations;
                if let Some(attention) = self.attentions.get_mut(entry) {
                    attention.softmax(block, storage, self.chance);
                }
            }
            Act::Banks {
                entry,
                channel,
                rows,
            } => self.in_banks(entry, channel, |part, channel, attention, _| {
                part.place(channel, attention, rows);
            }),
            Act::Vectors {
                entry,
                channel,
                half,
                slots,
            } => self.in_banks(entry, channel, |part, channel, attention, _| {
                part.vectors(channel, attention, half, slots);
            }),
            Act::Program {
                entry,
                channel,
                half,
                program,
            } => self.in_banks(entry, channel, |part, channel, attention, chance| {
                part.run(channel, attention, half, program, chance);
            }),
        }
    }
}

impl Execution<'_> {
    /// Lets the banks of a channel and the attention of an entry work on one another.
    fn in_banks(
        &mut self,
        entry: usize,
        channel: usize,
        work: impl FnOnce(Part<'_>, &mut Channel, &mut Attention, &mut Chance),
    ) {
        let Some(standard) = self.shape.standard else {
            return;
        };
        let (Some(pim), Some(attention)) = (&standard.pim, self.attentions.get_mut(entry)) else {
            return;
        };
        let part = Part {
            organisation: &standard.organisation,
            geometry: Geometry::new(&standard.organisation, pim),
        };
        attention.channel = Some(channel);
        let channel = self.channels.entry(channel).or_default();
        work(part, channel, attention, self.chance);
    }
}

/// A part of a matrix along an axis.
fn slice<S>(mut view: ArrayView2<'_, S>, axis: Axis, range: Range<usize>) -> ArrayView2<'_, S> {
    view.slice_axis_inplace(axis, Slice::from(range));
    view
}
