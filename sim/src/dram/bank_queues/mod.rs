//! A controller with a command queue for each bank, served in turn: DRAMsim3's, in every respect
//! that its recorded runs show, for comparisons with it. Nothing ticks: the channel jumps from one
//! command, move or refresh to the next.
//!
//! Order within a tick, as there: a request is accepted, a refresh falls due, one command is issued
//! (where the standard has two command slots, one more of the other kind), one transaction moves to its bank's queue.
#![deny(clippy::float_arithmetic)]

mod address;
mod engine;
mod lanes;
mod periodic;
mod queue;
mod schedule;
mod tables;

pub use engine::BankQueues;

/// Queues and policies of the controller. The default is DRAMsim3's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameters {
    /// Entries of the read and of the write transaction queue, each (`trans_queue_size`).
    pub transactions: usize,
    /// Entries of the command queue of a bank (`cmd_queue_size`), at most 32.
    pub bank_queue: usize,
    /// Hits after which an open row may be closed although more are queued.
    pub hit_cap: u64,
    /// Writes above which a channel with empty bank queues drains; a full queue always does.
    pub drain_above: usize,
    /// Ranks are refreshed in turn over tREFI instead of all at once.
    pub staggered: bool,
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters {
            transactions: 32,
            bank_queue: 8,
            hit_cap: 4,
            drain_above: 8,
            staggered: true,
        }
    }
}
