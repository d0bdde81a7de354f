//! What operations cost: energies an operation from a table with sources, multiplied with the
//! counts of a run. Femtojoules, integers. A value without a source is absent: what it would pay
//! for is listed without energy, and the total is partial.
#![deny(clippy::float_arithmetic)]

mod area;
mod counts;
mod spent;

pub use area::{Area, AreaPart, area};
pub use counts::{sram_bytes, vector_elements};
pub use spent::{Component, Spent, spent};

use std::collections::BTreeMap;

/// A figure and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Femtojoules of one operation, byte or bit; of an area, square nanometres.
    pub amount: u64,
    /// Publication and place.
    pub source: String,
}

/// Energy of one byte in a memory of a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sram {
    /// Size of one macro.
    pub bytes: u64,
    /// One byte read or written.
    pub byte: Figure,
}

/// A table of energies and areas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Energies {
    /// Name of its file.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Process of the logic, nm.
    pub node_nm: u64,
    /// One multiply-accumulate by element type.
    pub mac: BTreeMap<String, Figure>,
    /// On-chip memories, smallest first.
    pub sram: Vec<Sram>,
    /// One element of a row-wise operation.
    pub vector: Option<Figure>,
    /// One multiply-accumulate in a bank, with the read of its operand from open rows.
    pub pim_mac: Option<Figure>,
    /// One row opened and closed, for memories without energies of their own.
    pub dram_activate: Option<Figure>,
    /// One bit over the memory pins, for memories without energies of their own.
    pub dram_bit: Option<Figure>,
    /// One bit over a link between devices.
    pub link_bit: Option<Figure>,
    /// Leakage and clock of one device, femtojoules a nanosecond.
    pub standby: Option<Figure>,
    /// One multiply-accumulate unit, square nanometres.
    pub mac_area: Option<Figure>,
    /// One bit of scratchpad with its periphery, square nanometres.
    pub sram_bit_area: Option<Figure>,
}

impl Energies {
    /// The memory of the table nearest in size to `bytes`: the smallest that holds as much, or the
    /// largest, of which a larger one is built.
    pub fn sram_of(&self, bytes: u64) -> Option<&Sram> {
        let holds = self.sram.iter().find(|sram| sram.bytes >= bytes);
        holds.or(self.sram.last())
    }
}
