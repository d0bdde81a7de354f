//! A controller that chooses among a window of requests, oldest ready first, hits before others:
//! Ramulator's policy and, with other parameters, our own.

mod parameters;
mod protocol;

pub use parameters::{
    Blocking, Forwarding, Pages, Parameters, RefreshKind, RefreshPolicy, Scheduling, WindowError,
};
pub use protocol::{DataClock, Protocol, TwoPhase};
