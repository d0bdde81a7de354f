//! Work of an operator as the core takes it: a tile is loaded, computed and stored as a whole, its
//! instructions in three queues that go in order.

use crate::pim::newton::port::{Ask, Coordinates};
use crate::time::Tick;

/// A place that loads or computations fill and others wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the operand scratchpad.
    Operand(u32),
    /// In the accumulators.
    Result(u32),
}

/// An instruction that brings something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// Elements from memory.
    Lines {
        /// How many.
        elements: u64,
        /// Where to.
        into: Place,
    },
    /// A PIM transaction of one channel.
    Pim {
        channel: u16,
        ask: Ask,
        at: Coordinates,
        /// Operand that counts the answer.
        into: Option<u32>,
    },
}

/// What a computation occupies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// The systolic arrays; the first block behind a change of the stationary operand is a preload.
    Arrays { preload: bool },
    /// A vector pipe, for some cycles.
    Vector(Tick),
}

/// A computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compute {
    pub(super) unit: Unit,
    /// Operands it needs; may repeat.
    pub(super) needs: [u32; 3],
    pub(super) result: u32,
}

/// A store of a result to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Store {
    pub(super) elements: u64,
    pub(super) result: u32,
}

/// Instructions issued together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) loads: Vec<Load>,
    pub(super) computes: Vec<Compute>,
    pub(super) stores: Vec<Store>,
    /// Works on the accumulators of the tile before it.
    pub(super) accumulates: bool,
    /// Answers each PIM operand waits for. Operands that lines fill are counted when they are asked
    /// for.
    pub(super) answers: Vec<u32>,
}

#[cfg(test)]
impl Tile {
    /// Operands that the tile names.
    pub(super) fn operands(&self) -> usize {
        let loaded = self.loads.iter().map(|load| match *load {
            Load::Lines {
                into: Place::Operand(operand),
                ..
            }
            | Load::Pim {
                into: Some(operand),
                ..
            } => operand + 1,
            _ => 0,
        });
        loaded.max().unwrap_or(0) as usize
    }
}
