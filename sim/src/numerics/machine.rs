//! A machine and a reference side by side, step after step.

use super::difference::Tolerance;
use super::execution::Execution;
use super::fault::Chance;
use super::report::OperatorCheck;
use super::values::{Batch, Shape, Stored, Values};
use crate::exec::{Fidelity, SimError, Simulator, StepTiming};
use crate::machine::{Device, Machine};
use memwall_models::reference::{Ask, Cache, Lane, Ledger, Reference, ReferenceError, Trace};
use memwall_models::{Model, Routing, Sequence};
use ndarray::Array2;
use std::ops::Range;
use thiserror::Error;

/// A run that cannot be checked.
#[derive(Debug, Error)]
pub enum NumericsError {
    /// The machine cannot run the step.
    #[error(transparent)]
    Machine(#[from] SimError),
    /// Nor can the reference.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// Kernels are not scheduled tile by tile.
    #[error("machine '{0}' runs kernels, of which only the times are known: nothing to execute")]
    Kernels(String),
}

/// A step as both ran it.
#[derive(Debug, Clone)]
pub struct StepCheck {
    /// Operators in the order in which the machine ran them.
    pub operators: Vec<OperatorCheck>,
    /// Logits of the machine, `[sequences, vocab]`.
    pub logits: Array2<f32>,
    /// Logits of the reference.
    pub expected: Array2<f32>,
    /// Bytes that the reference touched.
    pub ledger: Ledger,
    /// Times.
    pub timing: StepTiming,
}

impl StepCheck {
    /// The first operator that is not as it should be.
    pub fn first_wrong(&self) -> Option<&OperatorCheck> {
        self.operators.iter().find(|operator| !operator.passes())
    }
}

/// A decoder on a machine, executed, with the reference beside it.
#[derive(Debug)]
pub struct Executed<'a> {
    reference: &'a Reference<f32>,
    simulator: Simulator,
    tolerance: Tolerance,
    stored: Vec<Stored>,
    caches: Vec<Cache<f32>>,
    placement: Vec<u32>,
}

impl<'a> Executed<'a> {
    /// `sequences` empty sequences of `reference`'s model on `machine`. Element sizes in memory are
    /// the model's; values are rounded as the reference's precision says.
    ///
    /// # Errors
    /// The machine runs kernels, or cannot hold the model.
    pub fn new(
        machine: &Machine,
        reference: &'a Reference<f32>,
        sequences: usize,
        tolerance: Tolerance,
    ) -> Result<Executed<'a>, NumericsError> {
        if matches!(machine.device, Device::Gpu(_)) {
            return Err(NumericsError::Kernels(machine.name.clone()));
        }
        let model = &reference.recipe.model;
        let simulator = Simulator::new(machine, model, 1, Fidelity::Command)?;
        let width = (model.kv_heads * model.head_dim) as usize;
        Ok(Executed {
            simulator,
            tolerance,
            stored: vec![Stored::new(model.layers, width); sequences],
            caches: (0..sequences).map(|_| reference.cache()).collect(),
            placement: (0..sequences as u32).collect(),
            reference,
        })
    }

    /// Runs new tokens of each sequence through both.
    ///
    /// # Errors
    /// The batch does not suit the model, or the machine.
    pub fn step(
        &mut self,
        tokens: &[&[u32]],
        chance: &mut Chance,
    ) -> Result<StepCheck, NumericsError> {
        self.sub_batch(0..self.caches.len(), tokens, chance)
    }

    /// Runs new tokens of consecutive sequences through both, and leaves the others where they are:
    /// a sub-batch on its own, as it is scheduled beside another.
    ///
    /// # Errors
    /// Those of [`Executed::step`]; `members` that are not there are an empty batch.
    pub fn sub_batch(
        &mut self,
        members: Range<usize>,
        tokens: &[&[u32]],
        chance: &mut Chance,
    ) -> Result<StepCheck, NumericsError> {
        let caches = self.caches.get_mut(members.clone()).unwrap_or_default();
        let stored = self.stored.get_mut(members.clone()).unwrap_or_default();
        let placement = self.placement.get(members).unwrap_or_default();
        let context: Vec<u64> = caches.iter().map(|cache| cache.len() as u64).collect();
        let mut lanes: Vec<Lane<'_, f32>> = caches
            .iter_mut()
            .zip(tokens)
            .map(|(cache, tokens)| Lane {
                tokens,
                padding: 0,
                cache,
            })
            .collect();
        let sequences: Vec<Sequence> = Reference::sequences(&lanes);
        let ask = Ask {
            trace: true,
            ..Ask::default()
        };
        let output = self.reference.step(&mut lanes, ask)?;
        let batch = Batch {
            tokens,
            context: &context,
        };
        let machine = self.simulator.machine().clone();
        let Device::Npu(device) = &machine.device else {
            return Err(NumericsError::Kernels(machine.name.clone()));
        };
        let shape = Shape {
            vector: &device.npu.vector,
            columns: device.npu.array.columns,
            standard: device.memory.part().map(AsRef::as_ref),
        };
        let values = Values::new(self.reference, shape, &batch, stored);
        let mut execution = Execution::new(values, (&output.trace, self.tolerance), chance);
        let loads = loads(&output.trace, &self.reference.recipe.model);
        let routing = match &loads {
            Some(loads) => Routing::Loads(loads),
            None => Routing::Even,
        };
        let timing = self
            .simulator
            .watched(&sequences, placement, routing, &mut execution)?;
        Ok(StepCheck {
            operators: execution.checks,
            logits: execution.logits,
            expected: output.logits,
            ledger: output.ledger,
            timing,
        })
    }
}

/// Tokens of each expert, by layer, as the reference routed them: what the graph of the step is laid
/// out for. The machine routes for itself, by the logits that it has computed.
fn loads(trace: &Trace<f32>, model: &Model) -> Option<Vec<Vec<u64>>> {
    let experts = model.experts?;
    let of_layer = |layer| {
        let mut loads = vec![0; experts.count as usize];
        let chosen = trace.get(Some(layer), "top_k", 0)?;
        for row in chosen.rows() {
            for expert in row.iter().take(experts.per_token as usize) {
                *loads.get_mut(*expert as usize)? += 1;
            }
        }
        Some(loads)
    };
    (0..model.layers as usize).map(of_layer).collect()
}
