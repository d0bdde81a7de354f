//! Processing in memory: the command programs that turn a matrix-vector product into activations
//! and in-bank multiply-accumulates, and the timing that the channel adds to its rules for them.
#![deny(clippy::float_arithmetic)]

pub mod attacc;
pub mod bound;
pub mod estimate;
pub mod format;
pub mod gemv;
pub mod hbm_pim;
pub mod newton;
pub(crate) mod passes;
pub mod program;
pub(crate) mod sequencer;
pub(crate) mod stages;
#[cfg(test)]
pub(crate) mod testing;
pub mod tiling;
mod timing;

pub use format::Format;
pub use program::{PimOp, PimProgram};
pub use timing::{Activation, Arbitration, PimQuirks, PimTiming, Power, RowBuffers};
