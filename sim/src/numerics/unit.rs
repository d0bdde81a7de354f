//! What a device must do to be executed: hear the acts of its schedule and do them on values.

use super::fault::Chance;
use super::values::Values;
use crate::exec::watch::Act;
use ndarray::Array2;

/// A device that computes with values. The arrays of an NPU and the banks of its memory are two; a
/// drive that attends beside its flash, or a host that keeps experts, are others: each executes the
/// acts that its own schedule reports, and leaves everything else to the other devices.
pub(super) trait Unit {
    /// Does an act on the values of the step, if the act is this device's.
    fn act(&mut self, act: &Act<'_>, values: &mut Values<'_>, chance: &mut Chance);

    /// The product that it made in the task that is over, if it made one.
    fn made(&mut self) -> Option<Made> {
        None
    }
}

/// A product as a device made it.
pub(super) struct Made {
    /// Results, `[m, n]`.
    pub outputs: Array2<f32>,
    /// What was touched, and what must not have happened.
    pub count: Count,
    /// Where an element was made.
    pub place: Box<dyn Fn(usize, usize) -> String>,
}

/// Elements of a product that were touched, and what was wrong on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Distinct elements of activations and weights that were multiplied, and of outputs that left
    /// the accumulators.
    pub used: [u64; 3],
    /// Those of them that crossed the pins.
    pub crossed: [u64; 3],
    /// Distinct elements of the bias.
    pub bias: u64,
    /// What a schedule must not do: first of them.
    pub broken: Option<String>,
}
