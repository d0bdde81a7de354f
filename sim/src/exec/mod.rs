//! Runs the tasks of a step on the devices of a machine, one task after another, and says when each
//! began and ended and what it used.

mod append;
mod array_attention;
mod fused;
mod group;
mod npu;
mod overlap;
mod pim_attention;
mod product;
mod rounds;
mod simulator;
mod single;
mod step;
pub mod watch;

pub use group::{Group, Stages, steady};
pub use product::{Accesses, Bound, Outcome, Parts, Placed, Tensor, Traffic};
pub use simulator::{Fidelity, SimError, Simulator};
pub use single::{Single, SingleError, product};
pub use step::{StepTiming, TaskTiming};

use serde::{Deserialize, Serialize};

/// What a task, a layer or a step used, on one device. Integers to the end: ratios are taken once,
/// where they are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Multiply-accumulates on the arrays (or the GPU).
    pub array_macs: u64,
    /// Multiply-accumulates in the banks.
    pub pim_macs: u64,
    /// Picoseconds in which the in-bank MACs of a channel were occupied, summed over channels.
    pub pim_busy_ps: u64,
    /// Bytes over the memory pins, in whole bursts.
    pub bus_bytes: u64,
    /// Bytes sent over the link.
    pub link_bytes: u64,
    /// Bytes read from and written to scratchpads and accumulators.
    pub sram_bytes: u64,
    /// Elements made by the vector unit.
    pub vector_elements: u64,
    /// Rows opened, where commands are simulated.
    pub activations: u64,
    /// Refreshes of all banks, where commands are simulated.
    pub refreshes: u64,
}

impl Usage {
    /// `self + times x other`.
    #[must_use]
    pub fn plus(self, other: Usage, times: u64) -> Usage {
        Usage {
            array_macs: self.array_macs + times * other.array_macs,
            pim_macs: self.pim_macs + times * other.pim_macs,
            pim_busy_ps: self.pim_busy_ps + times * other.pim_busy_ps,
            bus_bytes: self.bus_bytes + times * other.bus_bytes,
            link_bytes: self.link_bytes + times * other.link_bytes,
            sram_bytes: self.sram_bytes + times * other.sram_bytes,
            vector_elements: self.vector_elements + times * other.vector_elements,
            activations: self.activations + times * other.activations,
            refreshes: self.refreshes + times * other.refreshes,
        }
    }
}
