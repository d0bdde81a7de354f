//! One step of a batch, executed as the simulator times it.

use super::arrays::Arrays;
use super::attention::Attention;
use super::banks::Banks;
use super::difference::{Difference, Tolerance, Wrong};
use super::fault::Chance;
use super::report::{Moved, OperatorCheck, Touched};
use super::unit::{Made, Unit};
use super::values::{At, Values, slice};
use crate::exec::Usage;
use crate::exec::watch::{Act, Watch};
use crate::lower::{Task, Work};
use memwall_models::reference::Trace;
use ndarray::{Array2, Axis, concatenate};

/// The step under way: its values, the devices that work on them, and the reference beside them.
pub(super) struct Execution<'a> {
    values: Values<'a>,
    units: Vec<Box<dyn Unit + 'a>>,
    trace: &'a Trace<f32>,
    tolerance: Tolerance,
    chance: &'a mut Chance,
    pub checks: Vec<OperatorCheck>,
    pub logits: Array2<f32>,
}

/// The operators of a task that is over: values, bytes, and where the first wrong element was made.
#[derive(Default)]
struct Ended {
    compared: Vec<(&'static str, Difference)>,
    touched: Touched,
    place: Option<String>,
    broken: Option<String>,
}

impl<'a> Execution<'a> {
    pub(super) fn new(
        values: Values<'a>,
        (trace, tolerance): (&'a Trace<f32>, Tolerance),
        chance: &'a mut Chance,
    ) -> Execution<'a> {
        let mut units: Vec<Box<dyn Unit + 'a>> = vec![Box::new(Arrays::default())];
        if let Some(banks) = values.shape.standard.and_then(Banks::new) {
            units.push(Box::new(banks));
        }
        Execution {
            values,
            units,
            trace,
            tolerance,
            chance,
            checks: Vec::new(),
            logits: Array2::zeros((0, 0)),
        }
    }

    fn begin(&mut self, task: &Task, layer: Option<u64>) {
        let values = &mut self.values;
        values.task = Some(At {
            name: task.name,
            layer: layer.map(|layer| layer as usize),
            expert: task.expert,
        });
        values.moved = Moved::default();
        if task.name == "kv_append" {
            let (query, _) = values.widths();
            values.attended = Array2::from_elem((values.current.nrows(), query), f32::NAN);
        }
        match &task.work {
            Work::AppendSequential => {
                for sequence in 0..values.rows.len() {
                    values.append(sequence, self.chance);
                }
            }
            Work::ArrayAttention(entries) | Work::PimAttention(entries) => {
                let all = entries.iter().map(|entry| values.attention(*entry));
                values.attentions = all.collect();
            }
            _ => {}
        }
    }

    /// A task is complete: its result is compared, and becomes what follows works on.
    fn end(&mut self, usage: &Usage) {
        let Some(at) = self.values.task else {
            return;
        };
        let made = self.units.iter_mut().find_map(|unit| unit.made());
        let mut ended = match made {
            Some(made) => self.end_product(at, made),
            None if !self.values.attentions.is_empty() => self.end_attention(at.layer),
            None if at.name == "kv_append" => Ended {
                compared: vec![(at.name, self.differ_append(at.layer))],
                touched: Touched {
                    kv_written: self.values.moved.appended,
                    ..Touched::default()
                },
                ..Ended::default()
            },
            None => self.end_vector(at),
        };
        self.values.task = None;
        let mut moved = std::mem::take(&mut self.values.moved);
        moved.commanded = usage.bus_bytes;
        // What several operators did together stands with the first.
        let mut touched = Some((ended.touched, moved));
        for (name, difference) in ended.compared {
            let wrong = difference.wrong.is_some();
            let (touched, moved) = touched.take().unwrap_or_default();
            self.checks.push(OperatorCheck {
                layer: at.layer,
                name,
                expert: at.expert,
                difference,
                place: ended.place.take_if(|_| wrong),
                broken: ended.broken.take(),
                touched,
                moved,
            });
        }
    }

    fn end_product(&mut self, at: At, made: Made) -> Ended {
        let storage = self.values.reference.precision.activations;
        let Made {
            outputs,
            count,
            place,
        } = made;
        let result = storage.store(outputs);
        let difference = self.differ(at.layer, at.name, at.expert.unwrap_or(0), &result);
        let wrong = difference.wrong.as_ref();
        let ended = Ended {
            place: wrong.map(|wrong| place(wrong.index.0, wrong.index.1)),
            compared: vec![(at.name, difference)],
            touched: Touched {
                weights: count.used[1] + count.bias,
                input: count.used[0],
                output: count.used[2],
                crossed: [count.crossed[0], count.crossed[2]],
                ..Touched::default()
            },
            broken: count.broken,
        };
        if at.name == "lm_head" {
            self.logits = result;
        } else {
            self.values.settle(at, result);
        }
        ended
    }

    fn end_vector(&mut self, at: At) -> Ended {
        let storage = self.values.reference.precision.activations;
        let mut ended = Ended::default();
        if let Some(result) = self.values.vector(at.name, self.chance) {
            let result = storage.store(result);
            let difference = self.differ(at.layer, at.name, at.expert.unwrap_or(0), &result);
            ended.compared.push((at.name, difference));
            self.values.settle(at, result);
        }
        ended
    }

    /// `part` is the sequence or the expert, where an operator has a result for each.
    fn differ(
        &self,
        layer: Option<usize>,
        name: &'static str,
        part: usize,
        result: &Array2<f32>,
    ) -> Difference {
        match self.trace.get(layer, name, part) {
            Some(expected) => Difference::of(result.view(), expected, self.tolerance, part),
            None => Difference::of(
                result.view(),
                Array2::zeros((0, 0)).view(),
                self.tolerance,
                part,
            ),
        }
    }

    /// What the cache received: keys, then values, of all new tokens.
    fn differ_append(&self, layer: Option<usize>) -> Difference {
        let (_, kv) = self.values.widths();
        let mut all = Array2::zeros((0, 2 * kv));
        for (rows, stored) in self.values.rows.iter().zip(self.values.stored.iter()) {
            let (keys, values) = &stored.layers[layer.unwrap_or(0)];
            let new = keys.nrows() - rows.len()..keys.nrows();
            let of =
                |stored: &'_ Array2<f32>| slice(stored.view(), Axis(0), new.clone()).to_owned();
            let both = concatenate![Axis(1), of(keys), of(values)];
            all = concatenate![Axis(0), all, both];
        }
        self.differ(layer, "kv_append", 0, &all)
    }

    fn end_attention(&mut self, layer: Option<usize>) -> Ended {
        let mut touched = Touched::default();
        let storage = self.values.reference.precision.activations;
        let (mut logit, mut softmax) = (Difference::default(), Difference::default());
        let mut place = None;
        let mut results = Vec::new();
        for attention in std::mem::take(&mut self.values.attentions) {
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
            for (row, made) in self.values.rows[sequence].clone().zip(result.rows()) {
                self.values.attended.row_mut(row).assign(&made);
            }
            results.push(attention);
        }
        let mut compared = vec![("logit", logit), ("softmax", softmax)];
        // With two attention tasks the results are whole after the second.
        if self.values.attended.iter().all(|value| !value.is_nan()) {
            let attended = self.values.attended.clone();
            let mut found = self.differ(layer, "attend", 0, &attended);
            if let (Some(wrong), None) = (&mut found.wrong, &place) {
                place = self.place_of_result(wrong, &results);
            }
            compared.push(("attend", found));
        }
        Ended {
            compared,
            touched,
            place,
            broken: None,
        }
    }

    /// Where an element of the attended values was made, which becomes an element of its sequence.
    fn place_of_result(&self, wrong: &mut Wrong, results: &[Attention]) -> Option<String> {
        let (row, column) = wrong.index;
        let sequence = self
            .values
            .rows
            .iter()
            .position(|rows| rows.contains(&row))?;
        wrong.sequence = sequence;
        let of = |attention: &&Attention| attention.entry.sequence == sequence;
        let attention = results.iter().find(of)?;
        let (dim, new) = (attention.entry.head.dim, attention.entry.new_tokens);
        let (head, feature) = (column as u64 / dim, column as u64 % dim);
        let token = (row - self.values.rows[sequence].start) as u64;
        Some(attention.place(1, (head * new + token) as usize, feature as usize))
    }
}

impl Watch for Execution<'_> {
    fn act(&mut self, act: &Act<'_>) {
        match *act {
            Act::Begin { task, layer } => self.begin(task, layer),
            Act::End(usage) => self.end(usage),
            Act::Moved {
                class,
                bytes,
                bursts,
            } => self.values.moved.add(class, bytes, bursts),
            Act::Append(append) => self.values.append(append.sequence, self.chance),
            _ => {
                for unit in &mut self.units {
                    unit.act(act, &mut self.values, self.chance);
                }
            }
        }
    }
}
