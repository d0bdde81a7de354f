//! What a tile consists of.

use super::lines::Lines;

/// Which scratchpad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pad {
    Operands,
    Accumulators,
}

/// A named piece of a scratchpad's half: filled and waited for as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) pad: Pad,
    pub(super) at: u64,
}

impl Piece {
    pub(super) fn operand(at: u64) -> Piece {
        Piece {
            pad: Pad::Operands,
            at,
        }
    }

    pub(super) fn accumulator(at: u64) -> Piece {
        Piece {
            pad: Pad::Accumulators,
            at,
        }
    }
}

/// Work of the array or of the vector unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A block of weights with `rows` rows of activations streamed through.
    Product {
        rows: u64,
        /// Brings its own weights; otherwise those of the block before.
        preload: bool,
    },
    /// Vector operation.
    Vector { cycles: u64 },
}

/// A computation: waits for its sources, writes its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compute {
    pub(super) work: Work,
    pub(super) to: Piece,
    /// Lines that the result takes if it has no place yet.
    pub(super) lines: u64,
    pub(super) from: [Option<Piece>; 2],
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Instruction {
    Load { to: Piece, lines: Lines },
    Compute(Compute),
    Store { from: Piece, lines: Lines },
}

impl Instruction {
    pub(super) fn vector(cycles: u64, to: Piece, lines: u64, from: &[Piece]) -> Instruction {
        Instruction::Compute(Compute {
            work: Work::Vector { cycles },
            to,
            lines,
            from: [from.first().copied(), from.get(1).copied()],
        })
    }
}
