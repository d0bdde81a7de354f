//! Processing in memory: the command programs that turn a matrix-vector product into activations
//! and in-bank multiply-accumulates, and the timing that the channel adds to its rules for them.
#![deny(clippy::float_arithmetic)]

pub mod attacc;
pub mod estimate;
pub mod hbm_pim;
pub mod newton;
pub mod program;
pub(crate) mod sequencer;
#[cfg(test)]
pub(crate) mod testing;
pub mod tiling;

use crate::dram::command::Command;
use crate::time::Tick;

pub use program::{PimOp, PimProgram};

/// How the normal and the PIM rows of a bank share its sense amplifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowBuffers {
    /// One row buffer a bank (Newton): host commands and PIM tiles exclude each other.
    Blocked,
    /// A second row buffer for PIM (NeuPIMs, ASPLOS 2024): both proceed, one row open in each.
    Dual,
}

impl RowBuffers {
    /// The command that closes a PIM row.
    pub fn close_command(self) -> Command {
        match self {
            RowBuffers::Blocked => Command::Pre,
            RowBuffers::Dual => Command::PimPre,
        }
    }
}

/// Departures of the NeuPIMs artifact's channel from what a die could do. All off by default; a
/// machine that turns one on is a parity machine. Each is independent of the others.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PimQuirks {
    /// PIM rows may be closed, and the vector buffer refilled, as if a COMPS_READRES were over when
    /// it is issued, while its MACs still run.
    pub early_pim_release: bool,
    /// A read-out reserves no data-bus slot; reads are held 4 ticks at its issue instead, and its
    /// result is there a read latency after the issue whatever the number of MAC steps.
    pub result_off_bus: bool,
    /// A G_ACT opens four rows but is not entered in the four-activate window.
    pub gact_outside_window: bool,
    /// The refresh guard counts 5 ticks for every precharge and no MAC step of the last read-out.
    pub coarse_guard: bool,
}

/// Timing and organisation of the PIM side of a channel, in channel ticks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PimTiming {
    /// Sharing of the row buffers.
    pub row_buffers: RowBuffers,
    /// Copy of one row into the global vector buffer.
    pub gwrite: Tick,
    /// One multiply-accumulate step of all banks.
    pub comp: Tick,
    /// Steps a COMPS_READRES takes at least: the depth of the MAC pipeline.
    pub min_comps: Tick,
    /// Elements that one bank multiplies in a step.
    pub macs_per_bank: u64,
    /// Rows that the global vector buffer holds.
    pub vector_buffer_rows: u64,
    /// Whether a tile is announced by a P_HEADER, which takes a command slot.
    pub header: bool,
    /// Quirks of a parity machine.
    pub quirks: PimQuirks,
}

impl PimTiming {
    /// Steps that a COMPS_READRES of `comps` steps occupies the MACs.
    pub fn steps(&self, comps: u32) -> Tick {
        Tick::from(comps).max(self.min_comps)
    }
}
