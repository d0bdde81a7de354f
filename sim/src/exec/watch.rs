//! What a schedule does with values, told to whoever executes it as it is timed. Nothing is asked
//! back: whether anybody listens changes no tick.

use super::Usage;
use super::product::{Placed, Tensor};
use crate::lower::{KvAppend, Task};
use crate::memory::Region;
use crate::npu::mapping::{Pass, Step};
use crate::npu::{Array, Gemm, Layout, Mapping, Resident};
use crate::pim::PimProgram;
use std::ops::Range;

/// What bytes on the pins are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Weights and biases.
    Weights,
    /// Activations read.
    Input,
    /// Activations written.
    Output,
    /// Partial sums, either way.
    Partial,
    /// Keys and values read.
    KvRead,
    /// Keys and values written, with the queries that lie beside them for PIM.
    KvWritten,
    /// Probabilities written for PIM, and results read out of it.
    Vectors,
}

/// A product before its first load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Sizes.
    pub gemm: Gemm,
    /// How it is cut.
    pub mapping: Mapping,
    /// What is on chip before or stays there.
    pub resident: Resident,
    /// How matrices lie in memory.
    pub layout: Layout,
    /// The arrays of a core.
    pub array: Array,
    /// Cores.
    pub cores: usize,
    /// Where activations, weights, partial sums and outputs lie.
    pub placed: [Placed; 4],
    /// First byte of the bias and the byte after it, if there is one.
    pub bias: Option<(u64, u64)>,
    /// The only core uses resident operands where they are: no load brings them.
    pub in_place: bool,
}

/// What attention multiplies by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// Queries by keys, reduced over features.
    Keys,
    /// Probabilities by values, reduced over tokens.
    Values,
}

/// Queries and a block of keys or values in one array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Keys or values.
    pub operand: Operand,
    /// Index of the entry in its task.
    pub entry: usize,
    /// KV head.
    pub head: u64,
    /// Attended tokens of the block, counted from the first that is attended.
    pub tokens: Range<u64>,
    /// Features of the block.
    pub features: Range<u64>,
    /// First new token, of all tokens of the sequence, whose queries meet the block.
    pub seen_from: u64,
    /// Queries, token by token from there, the heads of the group together.
    pub queries: Range<u64>,
}

/// Rows of every bank of a channel that hold the keys and values of a sequence, and of the vectors
/// that are multiplied by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BankRows {
    /// First row of keys.
    pub keys: u32,
    /// First row of values.
    pub values: u32,
}

/// Half of the attention in the banks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Queries by keys.
    Logit,
    /// Probabilities by values.
    Attend,
}

/// One thing that is done, in the order in which things depend on one another.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// A task begins.
    Begin {
        /// The task.
        task: &'a Task,
        /// Its layer; `None` before and after the layers.
        layer: Option<u64>,
    },
    /// It is complete.
    End(&'a Usage),
    /// Bytes are asked of memory, or given to it.
    Moved {
        /// What they are.
        class: Class,
        /// Bytes asked for.
        bytes: u64,
        /// Bursts on the pins.
        bursts: u64,
    },
    /// A product begins.
    Product(Plan),
    /// Part of a tile, or the bias, is in the scratchpad of a core.
    Load {
        /// Core.
        core: usize,
        /// Number of the step of the core.
        step: usize,
        /// The step.
        of: Step,
        /// Tensor.
        tensor: Tensor,
        /// Bytes.
        region: Region,
    },
    /// The arrays of a core multiply a block.
    Block {
        /// Core.
        core: usize,
        /// Number of the step of the core.
        step: usize,
        /// The step.
        of: Step,
        /// The block.
        pass: Pass,
    },
    /// Accumulators leave a core.
    Store {
        /// Core.
        core: usize,
        /// Number of the step of the core.
        step: usize,
        /// The step.
        of: Step,
        /// Partial sums or outputs.
        tensor: Tensor,
        /// Bytes; `None` where outputs stay on chip.
        region: Option<Region>,
    },
    /// New keys and values are written.
    Append(&'a KvAppend),
    /// A block of keys or values is multiplied in an array.
    Fold(&'a Fold),
    /// The probabilities of an entry are made of its scores.
    Softmax {
        /// Index of the entry in its task.
        entry: usize,
        /// With a running maximum, block by block.
        online: bool,
    },
    /// A sequence takes part in the attention of a channel.
    Banks {
        /// Index of the entry in its task.
        entry: usize,
        /// Channel.
        channel: usize,
        /// Where its keys and values are.
        rows: BankRows,
    },
    /// Vectors are in rows of a channel's banks: queries or probabilities.
    Vectors {
        /// Index of the entry in its task.
        entry: usize,
        /// Channel.
        channel: usize,
        /// Queries for a logit, probabilities for an attend.
        half: Half,
        /// First slot, in bursts of the channel, and slots from one vector to the next.
        slots: (u64, u64),
    },
    /// A channel has run a program.
    Program {
        /// Index of the entry in its task.
        entry: usize,
        /// Channel.
        channel: usize,
        /// Half of the attention.
        half: Half,
        /// What it ran.
        program: &'a PimProgram,
    },
}

/// Hears what a machine does.
pub trait Watch {
    /// Called for every act, in order.
    fn act(&mut self, act: &Act<'_>);
}

/// Whoever listens, for a while.
pub(super) fn heard<'s>(watch: &'s mut Option<&mut dyn Watch>) -> Option<&'s mut dyn Watch> {
    match watch {
        Some(watch) => Some(&mut **watch),
        None => None,
    }
}
