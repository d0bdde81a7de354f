//! Tiles: what a core gets at once.

use super::instruction::Instruction;
use std::collections::VecDeque;

/// What is known of a tile before its instructions are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Core before the rotation by layers; without one, cores in turn.
    pub(super) core: Option<usize>,
    /// Goes on with the accumulators of the tile before it.
    pub(super) accumulates: bool,
    /// Number that two tiles must share beside the operator to share accumulators.
    pub(super) fused: usize,
    /// Finished as soon as it is issued.
    pub(super) skipped: bool,
}

/// A tile with its instructions.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) operator: usize,
    pub(super) header: Header,
    pub(super) instructions: VecDeque<Instruction>,
}
