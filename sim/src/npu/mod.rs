//! The compute side of an NPU: systolic arrays and a vector unit, with the scratchpad that feeds
//! them. Times are in NPU clock cycles.

pub mod array;
pub mod dataflow;
pub mod folds;
pub mod ports;
mod rounds;
pub mod schedule;
pub mod sparsity;
pub mod traffic;
pub mod utilisation;
pub mod vector;

pub use array::Array;
pub use dataflow::{Dataflow, Folding, PartialFolds};
pub use folds::Folds;
pub use ports::{Overlap, Rates};
pub use schedule::{Round, Schedule};
pub use sparsity::Sparsity;
pub use traffic::{Accesses, Halves};
pub use utilisation::Utilisation;
pub use vector::{Gate, VectorOp, VectorUnit};

use crate::time::Clock;

/// Resolved `[npu]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Npu {
    /// Clock of arrays and vector unit.
    pub clock: Clock,
    /// Systolic arrays.
    pub array: Array,
    /// Vector unit.
    pub vector: VectorUnit,
    /// Operand scratchpad; one half feeds the arrays while the other fills.
    pub scratchpad_bytes: u64,
    /// fp32 accumulators, double buffered.
    pub accumulator_bytes: u64,
}

impl Npu {
    /// Bytes of one half of the operand scratchpad.
    pub fn half_scratchpad(&self) -> u64 {
        self.scratchpad_bytes / 2
    }

    /// Whether an activation tensor of `bytes` stays on chip between the operator that makes it and
    /// the one that uses it: it may fill half of a scratchpad half, beside weights or another tensor.
    pub fn keeps(&self, bytes: u64) -> bool {
        bytes <= self.half_scratchpad() / 2
    }

    /// fp32 sums that one half of the accumulators holds.
    pub fn accumulator_sums(&self) -> u64 {
        self.accumulator_bytes / 2 / 4
    }

    /// Output rows that one half of the accumulators holds for all arrays at once.
    pub fn accumulator_rows(&self) -> u64 {
        self.accumulator_sums() / (self.array.columns * self.array.count)
    }
}
