//! The memory of an NPU as its devices see it: regions of tensors asked for at a time, complete at a
//! time. Three kinds answer the same questions: the command-level channels themselves, rates
//! measured on them, and a given bandwidth.

mod basis;
mod flow;
mod plain;
mod rates;
mod region;
mod system;

pub use basis::{Basis, PimCosts};
pub use flow::RequestId;
pub use plain::Plain;
pub use rates::{PlainMemory, Rates};
pub use region::Region;
pub use system::{PimEvent, System};

use crate::dram::Direction;
use crate::time::Ps;

/// Memory of one kind.
#[derive(Debug, Clone)]
pub enum Memory {
    /// DRAM commands.
    Command(Box<System>),
    /// Measured rates.
    Fast(Rates),
    /// A bandwidth and a latency.
    Plain(PlainMemory),
}

/// Requests under way. Times of requests must not lie before the last completion or horizon seen,
/// less the look-ahead.
#[derive(Debug)]
pub enum Flow<'m> {
    /// On channels.
    Command(flow::Channels<'m>),
    /// By rates.
    Lined(rates::Lined<'m>),
}

impl Memory {
    /// Opens a flow of requests, none before `at`. A request that a completion causes is asked for
    /// at least `lookahead` after that completion.
    pub fn flow(&mut self, at: Ps, lookahead: Ps) -> Flow<'_> {
        match self {
            Memory::Command(system) => Flow::Command(system.flow(at, lookahead)),
            Memory::Fast(rates) => Flow::Lined(rates::Lined::new(rates::Carrier::Rates(rates))),
            Memory::Plain(plain) => Flow::Lined(rates::Lined::new(rates::Carrier::Plain(plain))),
        }
    }

    /// Opens a transfer of `segments` (bytes each) that lie one after another. Nothing moves until
    /// segments are released; one that an arrival causes, at least `lookahead` after it.
    pub fn begin(
        &mut self,
        at: Ps,
        direction: Direction,
        segments: &[u64],
        lookahead: Ps,
    ) -> Transfer<'_> {
        let mut ends = Vec::with_capacity(segments.len());
        let mut bytes = 0;
        for segment in segments {
            bytes += segment;
            ends.push(bytes);
        }
        let base = self.place(bytes);
        Transfer {
            flow: self.flow(at, lookahead),
            direction,
            base,
            ends,
            arrivals: Vec::with_capacity(segments.len()),
        }
    }

    /// Moves `bytes` at once; returns the end of the last data.
    pub fn transfer(&mut self, at: Ps, direction: Direction, bytes: u64) -> Ps {
        if bytes == 0 {
            return at;
        }
        let mut transfer = self.begin(at, direction, &[bytes], Ps(u64::MAX));
        transfer.release(1, at);
        transfer.finish()
    }

    /// A place for a tensor of `bytes`, at the start of a stripe over all channels.
    pub fn place(&mut self, bytes: u64) -> u64 {
        match self {
            Memory::Command(system) => system.place(bytes),
            Memory::Fast(_) | Memory::Plain(_) => 0,
        }
    }

    /// Bytes of a burst; 1 where memory is a bandwidth only.
    pub fn burst_bytes(&self) -> u64 {
        match self {
            Memory::Command(system) => system.std.organisation.burst_bytes,
            Memory::Fast(rates) => rates.basis().standard().organisation.burst_bytes,
            Memory::Plain(_) => 1,
        }
    }

    /// Bytes that crossed the pins of all channels so far, in whole bursts.
    pub fn bus_bytes(&self) -> u64 {
        match self {
            Memory::Command(system) => system.bus_bytes(),
            Memory::Fast(rates) => rates.bus_bytes(),
            Memory::Plain(plain) => plain.bus_bytes(),
        }
    }

    /// Counts bytes, in whole bursts, that a caller timed itself; channels count for themselves.
    pub fn count(&mut self, bus_bytes: u64) {
        match self {
            Memory::Command(_) => {}
            Memory::Fast(rates) => {
                let burst = rates.basis().standard().organisation.burst_bytes;
                rates.count_bursts(bus_bytes / burst);
            }
            Memory::Plain(plain) => plain.count_bytes(bus_bytes),
        }
    }

    /// Another memory of the same kind that has done nothing; `None` where commands are simulated.
    pub fn alike(&self) -> Option<Memory> {
        match self {
            Memory::Command(_) => None,
            Memory::Fast(rates) => Some(Memory::Fast(Rates::new(rates.basis().clone()))),
            Memory::Plain(plain) => Some(Memory::Plain(plain.fresh())),
        }
    }
}

impl Flow<'_> {
    /// Asks for a region from `at` on.
    pub fn submit(&mut self, at: Ps, direction: Direction, region: Region) -> RequestId {
        match self {
            Flow::Command(channels) => channels.submit(at, direction, region),
            Flow::Lined(line) => line.submit(at, direction, region),
        }
    }

    /// The next completion that is certain by `horizon`, up to which no further request will come;
    /// `None` if there is none.
    pub fn next(&mut self, horizon: Ps) -> Option<(RequestId, Ps)> {
        match self {
            Flow::Command(channels) => channels.next(horizon),
            Flow::Lined(line) => line.next(horizon),
        }
    }

    /// Completes everything asked for; returns the end of the last data.
    pub fn finish(self) -> Ps {
        match self {
            Flow::Command(channels) => channels.finish(),
            Flow::Lined(line) => line.finish(),
        }
    }
}

/// A transfer in progress, cut in segments that lie one after another in memory.
#[derive(Debug)]
pub struct Transfer<'m> {
    flow: Flow<'m>,
    direction: Direction,
    base: u64,
    /// Ends of the segments within the tensor.
    ends: Vec<u64>,
    /// Of the segments released; their requests have the same numbers.
    arrivals: Vec<Option<Ps>>,
}

impl Transfer<'_> {
    /// Releases the segments up to `end` (exclusive) at time `at`.
    pub fn release(&mut self, end: usize, at: Ps) {
        let last = self.ends.last().copied().unwrap_or(0);
        for index in self.arrivals.len()..end.min(self.ends.len()) {
            let from = index.checked_sub(1).map_or(0, |before| self.ends[before]);
            let region = Region::Span {
                base: self.base,
                from: self.base + from,
                to: self.base + self.ends[index],
                end: self.base + last,
            };
            self.flow.submit(at, self.direction, region);
            self.arrivals.push(None);
        }
    }

    /// When the last byte of a released segment has arrived.
    pub fn arrival(&mut self, segment: usize) -> Ps {
        loop {
            if let Some(&Some(at)) = self.arrivals.get(segment) {
                return at;
            }
            let Some((request, at)) = self.flow.next(Ps(u64::MAX)) else {
                return Ps::ZERO;
            };
            if let Some(arrival) = self.arrivals.get_mut(request as usize) {
                *arrival = Some(at);
            }
        }
    }

    /// Completes everything released; returns the end of the last data.
    pub fn finish(self) -> Ps {
        self.flow.finish()
    }
}
