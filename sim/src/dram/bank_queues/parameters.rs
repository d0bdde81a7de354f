//! What can be set about the controller.

use super::super::interface::Slots;
use super::super::standard::Standard;

/// When the ranks are refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefreshOrder {
    /// Never.
    Off,
    /// All ranks fall due together, every tREFI; they are refreshed one after the other. (The
    /// published simulator forgets all ranks but the first.)
    Simultaneous,
    /// One rank every tREFI divided by the number of ranks, in turn.
    Staggered,
}

/// Queues and rules of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Entries of the read and of the write transaction queue, 1 to 255 each.
    pub transactions: usize,
    /// Entries of the command queue of a bank, 1 to 32.
    pub bank_queue: usize,
    /// Column commands of a row after which its queued hits no longer keep it open.
    pub hit_cap: u32,
    /// A write drain starts when the write queue is full, or holds more than this many while every
    /// bank queue is empty.
    pub drain_above: usize,
    /// When the ranks are refreshed.
    pub refresh: RefreshOrder,
    /// A column and a row command in the same tick, on the two command buses of HBM.
    pub second_slot: bool,
    /// Addresses are compared: a write to an address that is to be written takes no entry, a read
    /// of it is answered after a tick, reads of one address share a command, and a write waits for
    /// a read of its address. Off, every request has an entry and a command of its own and the host
    /// sees to the order.
    pub merging: bool,
}

impl Parameters {
    /// Those of DRAMsim3's files, with the slots of the standard.
    pub fn of(standard: &Standard) -> Parameters {
        Parameters {
            second_slot: standard.interface.slots == Slots::RowAndColumn,
            ..Parameters::default()
        }
    }
}

impl Default for Parameters {
    /// Those of DRAMsim3's files, without the second slot.
    fn default() -> Parameters {
        Parameters {
            transactions: 32,
            bank_queue: 8,
            hit_cap: 4,
            drain_above: 8,
            refresh: RefreshOrder::Staggered,
            second_slot: false,
            merging: true,
        }
    }
}
