//! Memory by rates, measured on the channels or given: the same questions as the channels answer, in
//! closed form.

use super::Region;
use super::basis::Basis;
use super::flow::RequestId;
use super::plain::{Line, Plain};
use crate::dram::Direction;
use crate::time::Ps;
use std::collections::VecDeque;
use std::sync::Arc;

/// Memory of a device at `fast` fidelity.
#[derive(Debug, Clone)]
pub struct Rates {
    basis: Arc<Basis>,
    bus_bursts: u64,
}

impl Rates {
    /// Memory whose rates are those of `basis`.
    pub fn new(basis: Arc<Basis>) -> Rates {
        Rates {
            basis,
            bus_bursts: 0,
        }
    }

    /// The measured rates.
    pub fn basis(&self) -> &Arc<Basis> {
        &self.basis
    }

    /// Counts bursts that a caller timed itself.
    pub fn count_bursts(&mut self, bursts: u64) {
        self.bus_bursts += bursts;
    }

    pub(super) fn bus_bytes(&self) -> u64 {
        self.bus_bursts * self.basis.standard().organisation.burst_bytes
    }

    fn time(&mut self, line: &mut Line, at: Ps, direction: Direction, region: Region) -> Ps {
        let organisation = &self.basis.standard().organisation;
        self.bus_bursts += region.bursts(organisation.burst_bytes);
        let bursts = region.most_of_a_channel(organisation);
        let rate = self.basis.sequential(direction);
        let first = at + self.basis.to_ps(rate.first.saturating_sub(rate.steady(1)));
        let basis = &self.basis;
        line.push(first, direction, bursts, |bursts| {
            basis.to_ps(rate.steady(bursts))
        })
    }
}

/// Memory of a given bandwidth.
#[derive(Debug, Clone)]
pub struct PlainMemory {
    plain: Plain,
    bytes: u64,
}

impl PlainMemory {
    /// Memory that has moved nothing yet.
    pub fn new(plain: Plain) -> PlainMemory {
        PlainMemory { plain, bytes: 0 }
    }

    pub(super) fn bus_bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn fresh(&self) -> PlainMemory {
        PlainMemory::new(self.plain)
    }

    /// Counts bytes that a caller timed itself.
    pub(super) fn count_bytes(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    fn time(&mut self, line: &mut Line, at: Ps, direction: Direction, region: Region) -> Ps {
        let bytes = region.bytes();
        self.bytes += bytes;
        let plain = self.plain;
        line.push(at + plain.latency, direction, bytes, |bytes| {
            plain.time(bytes)
        })
    }
}

/// What carries the requests of a [`Line`].
#[derive(Debug)]
pub(super) enum Carrier<'m> {
    Rates(&'m mut Rates),
    Plain(&'m mut PlainMemory),
}

/// Requests by rates.
#[derive(Debug)]
pub struct Lined<'m> {
    carrier: Carrier<'m>,
    line: Line,
    requests: RequestId,
    /// In order of time.
    ready: VecDeque<(Ps, RequestId)>,
    end: Ps,
}

impl<'m> Lined<'m> {
    pub(super) fn new(carrier: Carrier<'m>) -> Lined<'m> {
        Lined {
            carrier,
            line: Line::default(),
            requests: 0,
            ready: VecDeque::new(),
            end: Ps::ZERO,
        }
    }

    pub(super) fn submit(&mut self, at: Ps, direction: Direction, region: Region) -> RequestId {
        let request = self.requests;
        self.requests += 1;
        let end = match (&mut self.carrier, region.bytes()) {
            (_, 0) => at,
            (Carrier::Rates(rates), _) => rates.time(&mut self.line, at, direction, region),
            (Carrier::Plain(plain), _) => plain.time(&mut self.line, at, direction, region),
        };
        self.end = self.end.max(end);
        // Completions come in order, but for empty requests.
        let later = self.ready.iter().rev().take_while(|(at, _)| *at > end);
        let place = self.ready.len() - later.count();
        self.ready.insert(place, (end, request));
        request
    }

    pub(super) fn next(&mut self, horizon: Ps) -> Option<(RequestId, Ps)> {
        // A release before the horizon may still be asked for, but the line serves in the order of
        // asking: what is on it is certain.
        let &(at, request) = self.ready.front()?;
        if at > horizon {
            return None;
        }
        self.ready.pop_front();
        Some((request, at))
    }

    pub(super) fn finish(self) -> Ps {
        self.end
    }
}
