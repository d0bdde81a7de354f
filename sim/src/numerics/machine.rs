//! A machine and a reference side by side, step after step.

use super::difference::Tolerance;
use super::execution::{Batch, Execution, Shape, Stored};
use super::fault::Chance;
use super::report::OperatorCheck;
use crate::exec::{Fidelity, SimError, Simulator, StepTiming};
use crate::machine::{Device, Machine};
use memwall_models::Sequence;
use memwall_models::reference::{Ask, Cache, Lane, Ledger, Reference, ReferenceError};
use ndarray::Array2;
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
        let context: Vec<u64> = self.caches.iter().map(|cache| cache.len() as u64).collect();
        let mut lanes: Vec<Lane<'_, f32>> = self
            .caches
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
        let mut execution = Execution::new(
            (self.reference, shape),
            (&output.trace, self.tolerance),
            &batch,
            &mut self.stored,
            chance,
        );
        let timing = self
            .simulator
            .watched(&sequences, &self.placement, &mut execution)?;
        Ok(StepCheck {
            operators: execution.checks,
            logits: execution.logits,
            expected: output.logits,
            ledger: output.ledger,
            timing,
        })
    }
}
