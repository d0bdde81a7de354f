//! What a device sees of a channel that serves reads, writes and PIM transactions one by one: queues
//! that may be full, ticks, and answers. The published controllers are driven this way, and so are
//! ours where they are compared with them.

use crate::time::Tick;

/// Place of a burst inside a channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub struct Coordinates {
    pub rank: u8,
    pub group: u8,
    pub bank: u8,
    pub row: u32,
    pub column: u16,
}

/// What a transaction asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// One burst to the device.
    Read,
    /// One burst from the device.
    Write,
    /// The row into the global vector buffer.
    Gwrite,
    /// A tile is to come on the row of the coordinates.
    Header {
        /// Multiply-accumulate steps of the tile as the request encodes them: a power of two.
        comps: u32,
        /// Read-outs, likewise.
        read_outs: u32,
    },
    /// `comps` steps of every bank and the read-out of one partial sum per bank, as one command.
    CompsReadres {
        /// Steps, 1 to 32.
        comps: u32,
        /// The last of its tile.
        last: bool,
    },
    /// One step of every bank.
    Comp,
    /// The read-out of one partial sum per bank.
    Readres {
        /// The last of its tile: ends the PIM mode of a channel with one row buffer.
        last: bool,
    },
}

/// One request to a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// What is asked for.
    pub ask: Ask,
    /// Where; of PIM transactions only the row counts, of GWRITE the bank as well.
    pub at: Coordinates,
    /// Given back with the answer.
    pub tag: u32,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Answer {
    /// That of the transaction.
    pub tag: u32,
    /// Tick in which the answer was given.
    pub at: Tick,
}

/// A channel that is driven tick by tick.
pub trait Port {
    /// Whether the queue for this kind of transaction takes one more.
    fn has_room(&self, ask: Ask) -> bool;
    /// Enters a transaction between two ticks. Only with room.
    fn offer(&mut self, transaction: Transaction);
    /// Goes through the next tick; the first is tick 0.
    fn tick(&mut self);
    /// Ticks gone through.
    fn now(&self) -> Tick;
    /// The next answer given so far, in the order in which they were given.
    fn answer(&mut self) -> Option<Answer>;
}
