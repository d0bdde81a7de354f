//! ONNXim (PSAL-POSTECH/ONNXim, the multi-core NPU simulator), core by core and line by line: what
//! our machines are compared with. Tiles by Gemmini's heuristic, cores with a systolic array each, a
//! crossbar, and channels of Ramulator 2.0 behind a hash of the address. Quirks included, each with
//! its reason where it stands; nothing here is used by a machine of our own.
//!
//! Where the simulator ticks every part in every cycle, this one goes from one cycle in which
//! something can happen to the next.
#![deny(clippy::float_arithmetic)]

mod address;
mod attention;
mod channel;
mod core;
mod crossbar;
mod instruction;
mod lines;
mod machine;
mod model;
mod operator;
mod pool;
mod product;
mod rowwise;
mod run;
mod schedule;
mod scratchpad;
mod tile;
mod vector;

pub use crate::npu::gemmini::Extents;
pub use machine::{CoreShape, Latencies, Machine};
pub use model::{Sequence, Shape};
pub use rowwise::Activation;
pub use run::{Report, Served};
pub use schedule::OperatorLog;

use address::Allocator;
use operator::{Kind, Operator};
use product::Product;
use thiserror::Error;

/// What cannot be run.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum OnnximError {
    /// Extents.
    #[error("extents are 1 to 2^24, and there is at least one sequence")]
    Size,
    /// A shape whose rows do not begin at lines, or heads that do not divide.
    #[error(
        "heads divide the hidden size, key heads divide heads, and the elements of a head and of the feed-forward network are multiples of {0}"
    )]
    Shape(u64),
    /// Grouped heads that the fused attention refuses.
    #[error("no more queries share a key head than there are key heads")]
    Groups,
    /// A sequence longer than its caches.
    #[error("a sequence is longer than the {0} tokens that its caches hold")]
    Length(u64),
    /// A piece that is loaded while it is there.
    #[error("piece {0:#x} of a scratchpad is loaded twice")]
    Occupied(u64),
    /// A tile that does not fit.
    #[error("a tile needs {needed} lines of a scratchpad's half, which has {available}")]
    Scratchpad {
        /// Lines.
        needed: u64,
        /// Lines of a half.
        available: u64,
    },
    /// Channels without a hash.
    #[error("{0} channels: 1 to 16, 32 and 64 have a hash")]
    Channels(usize),
    /// A part that the channel cannot follow.
    #[error("memory part: {0}")]
    Memory(String),
    /// More to follow one by one than is worth waiting for.
    #[error("{needed} lines and blocks to follow one by one; at most {most}")]
    Large {
        /// Lines and blocks of all operators.
        needed: u64,
        /// Most of them.
        most: u64,
    },
    /// Nothing can happen any more.
    #[error("nothing can happen any more after core cycle {0}")]
    Stalled(u64),
}

/// Lines and blocks of a run at most: about a minute of the host's time.
const MOST_WORK: u64 = 1 << 26;

/// Inputs of a graph are given sixteen times their bytes (`Model.cc`).
const INPUT_FACTOR: u64 = 16;

/// Runs a matrix product of `m` x `k` activations with `k` x `n` weights, without bias, as a graph of
/// one node.
pub fn gemm(machine: &Machine, m: u64, k: u64, n: u64) -> Result<Report, OnnximError> {
    if [m, k, n]
        .iter()
        .any(|extent| !(1..=1 << 24).contains(extent))
    {
        return Err(OnnximError::Size);
    }
    let bytes = machine.element_bytes;
    let mut allocator = Allocator::default();
    let weights = allocator.allocate(k * n * bytes);
    let input = allocator.allocate(m * k * bytes * INPUT_FACTOR);
    let output = allocator.allocate(m * n * bytes);
    let product = Product::new(machine, Extents { m, k, n }, [input, weights, output], None);
    run::run(
        machine,
        vec![Operator::new("product", Kind::Product(product))],
    )
}

/// Runs one block of a language model on a batch of sequences.
pub fn layer(
    machine: &Machine,
    shape: &Shape,
    sequences: &[Sequence],
) -> Result<Report, OnnximError> {
    run::run(machine, model::operators(machine, shape, sequences)?)
}
