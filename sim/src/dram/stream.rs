//! What a device hands to a channel: described streams of bursts instead of single requests, and
//! what comes back: the tick at which each described block is complete.

use crate::time::Tick;

/// Direction of a host transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Memory to device.
    Read,
    /// Device to memory.
    Write,
}

/// A described stream of bursts of one channel: `pieces` pieces of `bursts` consecutive slots,
/// their starts `stride` slots apart. A sequential transfer is one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// Direction of all bursts.
    pub direction: Direction,
    /// First slot.
    pub start: u64,
    /// Consecutive slots of a piece.
    pub bursts: u64,
    /// Slots between the starts of two pieces.
    pub stride: u64,
    /// Number of pieces.
    pub pieces: u64,
}

impl Descriptor {
    /// A transfer of `bursts` consecutive slots.
    pub fn sequential(direction: Direction, start: u64, bursts: u64) -> Descriptor {
        Descriptor {
            direction,
            start,
            bursts,
            stride: bursts,
            pieces: 1,
        }
    }

    /// Bursts of the whole stream.
    pub fn total_bursts(&self) -> u64 {
        self.bursts * self.pieces
    }
}

/// Handle of work given to a channel, numbered in the order it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(pub u32);

/// A block of work that is complete: its last data burst has crossed the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// Which block.
    pub block: BlockId,
    /// End of its last data burst.
    pub at: Tick,
}

/// Whether the channel stops and reports when a block completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// `advance` returns at once: something depends on this block.
    Stop,
    /// Only the completion time is kept.
    Record,
}
