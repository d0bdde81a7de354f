//! The controller of DRAMsim3 (Li et al., IEEE CAL 2020): transaction queues, a command queue a
//! bank, round robin over the banks. Decision instants instead of ticks; the command trace is that
//! of the published simulator, tick for tick.
//!
//! One departure, where the published simulator stops for ever: see [`BankQueues`].

mod controller;
mod flights;
mod gates;
mod host;
mod issue;
mod parameters;
mod plan;
mod queues;
mod recurring;
mod refresh;
mod relations;
mod tables;
mod waiting;

pub use controller::BankQueues;
pub use parameters::{Parameters, RefreshOrder};
pub use tables::{MAX_BANKS, Refused, Tables};
