//! The memory of an NPU as its devices see it: byte ranges striped over channels, released in
//! steps, arriving as a curve. Two fidelities answer the same questions: the command-level channels
//! themselves, and rates measured on them.

mod basis;
mod rates;
mod system;

pub use basis::{Basis, PimCosts};
pub use rates::Rates;
pub use system::{PimEvent, System};

use crate::dram::Direction;
use crate::time::Ps;

/// Memory at one of the two fidelities.
#[derive(Debug, Clone)]
pub enum Memory {
    /// DRAM commands.
    Command(Box<System>),
    /// Measured rates.
    Fast(Rates),
}

/// A transfer in progress, cut in segments that lie one after another in memory.
#[derive(Debug)]
pub enum Transfer<'m> {
    /// On channels.
    Command(system::Striped<'m>),
    /// By rates.
    Fast(rates::Curve<'m>),
}

impl Memory {
    /// Opens a transfer of `segments` (bytes each), not before `at`. Nothing moves until segments
    /// are released.
    pub fn begin(&mut self, at: Ps, direction: Direction, segments: &[u64]) -> Transfer<'_> {
        match self {
            Memory::Command(system) => Transfer::Command(system.begin(at, direction, segments)),
            Memory::Fast(rates) => Transfer::Fast(rates.begin(direction, segments)),
        }
    }

    /// Moves `bytes` at once; returns the end of the last data.
    pub fn transfer(&mut self, at: Ps, direction: Direction, bytes: u64) -> Ps {
        if bytes == 0 {
            return at;
        }
        let mut transfer = self.begin(at, direction, &[bytes]);
        transfer.release(1, at);
        transfer.finish()
    }

    /// Bytes that crossed the pins of all channels so far, in whole bursts.
    pub fn bus_bytes(&self) -> u64 {
        match self {
            Memory::Command(system) => system.bus_bytes(),
            Memory::Fast(rates) => rates.bus_bytes(),
        }
    }
}

impl Transfer<'_> {
    /// Releases the segments up to `end` (exclusive) at time `at`.
    pub fn release(&mut self, end: usize, at: Ps) {
        match self {
            Transfer::Command(transfer) => transfer.release(end, at),
            Transfer::Fast(transfer) => transfer.release(end, at),
        }
    }

    /// When the last byte of a released segment has arrived.
    pub fn arrival(&mut self, segment: usize) -> Ps {
        match self {
            Transfer::Command(transfer) => transfer.arrival(segment),
            Transfer::Fast(transfer) => transfer.arrival(segment),
        }
    }

    /// Completes everything released; returns the end of the last data.
    pub fn finish(self) -> Ps {
        match self {
            Transfer::Command(transfer) => transfer.finish(),
            Transfer::Fast(transfer) => transfer.finish(),
        }
    }
}
