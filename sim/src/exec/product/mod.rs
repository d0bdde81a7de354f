//! A matrix product on the cores of an NPU: a mapping is chosen, and its tiles run against memory.

mod core;
mod gemmini;
mod links;
mod parts;
mod run;
mod search;
mod shared;
mod tensors;

pub use parts::{Accesses, Bound, Outcome, Parts, Traffic};
pub(crate) use run::{Begin, Run};
pub(crate) use search::choose;
pub use tensors::{Placed, Tensor};
