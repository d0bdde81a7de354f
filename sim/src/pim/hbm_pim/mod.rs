//! HBM-PIM (FIMDRAM; Lee et al., ISCA 2021; Kwon et al., ISSCC 2021): modes, register files and
//! programs of 32 instructions in units between two banks, as Samsung's PIMSimulator times and
//! executes them (SAITPublic/PIMSimulator, b464dde, 2024-02-07).
//!
//! A kernel is a list of accesses ([`access`]) that every channel is sent alike; [`run`] times it on
//! one channel, [`execute`] runs it on values.

pub mod access;
pub mod bound;
mod channel;
pub mod elementwise;
pub mod execute;
pub mod gemv;
pub mod instruction;
pub mod mode;
pub mod parameters;
pub mod program;
pub mod run;
mod script;
pub mod streaming;
mod unit;
pub mod values;

pub use elementwise::Operation;
pub use parameters::{HbmPimError, Parameters, Quirks, check};
pub use run::{
    Run, elementwise, gemv, observe_elementwise, observe_gemv, stream, stream_of_channel,
};
pub use streaming::Transfer;
