//! The controller of DRAMsim3 (Li et al., IEEE CAL 2020): transaction queues, a command queue a
//! bank, round robin over the banks. Decision instants instead of ticks; the command trace is that
//! of the published simulator, tick for tick.
//!
//! One departure, where the published simulator stops for ever: see [`BankQueues`].

mod parameters;

pub use parameters::{Parameters, RefreshOrder};
