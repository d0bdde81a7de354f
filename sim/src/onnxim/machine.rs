//! The machine as the simulator's configuration gives it: equal cores, a crossbar, channels of one
//! memory part.

use crate::dram::Standard;
use crate::npu::gemmini::Limits;
use std::sync::Arc;

/// Cycles of the vector unit's operations on one vector, and of its scalar ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Latencies {
    pub add: u64,
    pub mul: u64,
    pub mac: u64,
    pub div: u64,
    pub exp: u64,
    pub gelu: u64,
    /// One level of the adder tree.
    pub add_tree: u64,
    pub scalar_mul: u64,
    pub scalar_sqrt: u64,
}

/// One core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreShape {
    /// Rows, and columns, of the systolic array.
    pub array: u64,
    /// Operand scratchpad, both halves together, in bytes.
    pub scratchpad_bytes: u64,
    /// Accumulators, both halves together, in bytes.
    pub accumulator_bytes: u64,
    /// Bytes that the vector unit takes in a step.
    pub vector_bytes: u64,
    /// Its operations.
    pub latencies: Latencies,
}

/// A machine of equal cores.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Name of its file.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Cores.
    pub cores: usize,
    /// Each of them.
    pub core: CoreShape,
    /// Clock of the cores, MHz.
    pub core_mhz: u64,
    /// Clock of the crossbar, MHz.
    pub crossbar_mhz: u64,
    /// Its cycles from port to port.
    pub crossbar_latency: u64,
    /// Ports of a core: each sends and receives a line a cycle.
    pub ports_per_core: usize,
    /// Clock of the channels as the simulator divides time, MHz; the part's timing is in ticks.
    pub memory_mhz: u64,
    /// Memory part; its channels are hashed.
    pub memory: Arc<Standard>,
    /// Bytes of an element, outside the accumulators.
    pub element_bytes: u64,
}

impl Machine {
    /// What the tiling heuristic knows of it.
    pub fn limits(&self) -> Limits {
        Limits {
            array: self.core.array,
            scratchpad_bytes: self.core.scratchpad_bytes,
            accumulator_bytes: self.core.accumulator_bytes,
            element_bytes: self.element_bytes,
            cores: self.cores as u64,
        }
    }
}

/// Bytes of an element where the simulator reckons with full precision.
pub(super) const FULL_BYTES: u64 = 4;

impl Machine {
    /// Bytes of one request.
    pub fn line_bytes(&self) -> u64 {
        self.memory.organisation.burst_bytes
    }

    /// Period of a clock in picoseconds, cut to a whole number as the simulator does.
    pub(super) fn period_ps(mhz: u64) -> u64 {
        (1_000_000 / mhz.max(1)).max(1)
    }
}
