//! The NeuPIMs artifact (casys-kaist/NeuPIMs, branch `main`) above its memory channels, operation by
//! operation: what our machines are compared with. Clocks, interconnect, the core with its array and
//! PIM sides, the programs of both, and the stages that pair them. Quirks included, each with its
//! reason where it stands; nothing here is used by a machine of our own.
//!
//! A run needs channels: anything that is a [`Port`](crate::pim::newton::port::Port).
#![deny(clippy::float_arithmetic)]

mod address;
mod attention;
mod batch;
mod clock;
mod core;
mod interconnect;
mod line_set;
mod machine;
mod model;
mod product;
mod rows;
mod scratchpad;
mod stage;
mod tile;
mod vector;

pub use address::{CHANNELS, LINE_BYTES};
pub use batch::Request;
pub use interconnect::Side;
pub use machine::{Machine, OperatorLog, Run, StageLog};
pub use model::Model;
pub use product::Extents;
pub use rows::{Job, Row, RowError, Workload};
pub use stage::{Mode, Operator, Program, Stage, pair, programs};
pub use vector::Rowwise;

use thiserror::Error;

/// What cannot be run.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum NeuPimsError {
    /// A channel that does not exist.
    #[error("channel {0}: there are channels 0 to 31")]
    Channel(usize),
    /// More keys and values than a channel holds.
    #[error("channel {0} has too few rows for the keys and values of its requests")]
    Rows(usize),
    /// Heads that cannot be laid into rows.
    #[error("{heads} heads of {dim} elements do not come out of rows of 512 elements")]
    Heads {
        /// Heads of a device.
        heads: u64,
        /// Elements of a head.
        dim: u64,
    },
    /// Sizes that do not divide.
    #[error("sizes of a model that do not divide: {0:?}")]
    Model(Model),
    /// A request without tokens, or an operator without extent.
    #[error("a request or an operator of size 0, or of more than 2^24")]
    Size,
    /// Nothing moves any more.
    #[error("nothing has moved for a million cycles before cycle {0}")]
    Stalled(u64),
}
