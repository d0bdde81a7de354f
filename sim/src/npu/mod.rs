//! The compute side of an NPU: systolic arrays and a vector unit, with the scratchpad that feeds
//! them. Times are in NPU clock cycles.

pub mod array;
pub mod cores;
pub mod dataflow;
pub mod folds;
pub mod gemmini;
pub mod mapping;
pub mod ports;
mod rounds;
pub mod schedule;
pub mod sparsity;
pub mod traffic;
pub mod utilisation;
pub mod vector;

pub use array::Array;
pub use cores::{Buffering, Cores, Dma, Layout, MappingRule, Noc, Shared, Topology};
pub use dataflow::{Dataflow, Folding, PartialFolds};
pub use folds::Folds;
pub use mapping::{Gemm, Mapping, Order, Resident, Stationary};
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
    /// Cores, each with all of the above, and what they share.
    pub cores: Cores,
}

impl Npu {
    /// Bytes of one half of the operand scratchpad.
    pub fn half_scratchpad(&self) -> u64 {
        self.scratchpad_bytes / 2
    }

    /// Whether an activation tensor of `bytes` stays on chip between the operator that makes it and
    /// the one that uses it: spread over the cores, it may fill half of a scratchpad half, beside
    /// weights or another tensor. A shared scratchpad keeps what fills half of it.
    pub fn keeps(&self, bytes: u64) -> bool {
        if let Some(shared) = &self.cores.shared {
            return bytes <= shared.bytes / 2;
        }
        bytes.div_ceil(self.cores.count) <= self.half_scratchpad() / 2
    }

    /// Multiply-accumulates of all cores in one cycle.
    pub fn macs_per_cycle(&self) -> u64 {
        self.array.macs_per_cycle() * self.cores.count
    }

    /// All cores as one with as many arrays and pipes: what runs in equal shares on each of them.
    #[must_use]
    pub fn joined(&self) -> Npu {
        let count = self.cores.count;
        let mut npu = self.clone();
        npu.array.count *= count;
        npu.vector.pipes *= count;
        npu.scratchpad_bytes *= count;
        npu.accumulator_bytes *= count;
        npu.cores.count = 1;
        npu
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
