//! Memory by measured rates: the same questions as the channels answer, in closed form.

use super::basis::Basis;
use crate::dram::Direction;
use crate::time::{Ps, Tick};
use std::sync::Arc;

/// Memory of a device at `fast` fidelity.
#[derive(Debug, Clone)]
pub struct Rates {
    basis: Arc<Basis>,
    bus_bursts: u64,
}

/// A transfer by rates: arrivals lie on a line from the release on.
#[derive(Debug)]
pub struct Curve<'m> {
    rates: &'m mut Rates,
    direction: Direction,
    /// Bursts of one channel up to and including each segment.
    cumulative: Vec<u64>,
    arrivals: Vec<Ps>,
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

    pub(super) fn begin(&mut self, direction: Direction, segments: &[u64]) -> Curve<'_> {
        let organisation = &self.basis.standard().organisation;
        let (channels, burst) = (organisation.channels as u64, organisation.burst_bytes);
        let mut bytes = 0;
        let cumulative = segments
            .iter()
            .map(|segment| {
                bytes += segment;
                bytes.div_ceil(burst).div_ceil(channels)
            })
            .collect();
        self.bus_bursts += bytes.div_ceil(burst);
        Curve {
            rates: self,
            direction,
            cumulative,
            arrivals: Vec::new(),
        }
    }
}

impl Curve<'_> {
    pub(super) fn release(&mut self, end: usize, at: Ps) {
        let from = self.arrivals.len();
        let done = from.checked_sub(1).map_or(0, |last| self.cumulative[last]);
        let busy = self.arrivals.last().copied().unwrap_or(Ps::ZERO);
        let basis = &self.rates.basis;
        let rate = basis.sequential(self.direction);
        // A stream released while the one before still flows follows it without a new latency.
        let start = busy.max(at + basis.to_ps(rate.first.saturating_sub(rate.steady(1))));
        for &bursts in &self.cumulative[from..end.min(self.cumulative.len())] {
            let ticks: Tick = rate.steady(bursts - done);
            self.arrivals.push(start + basis.to_ps(ticks));
        }
    }

    pub(super) fn arrival(&self, segment: usize) -> Ps {
        self.arrivals.get(segment).copied().unwrap_or(Ps::ZERO)
    }

    pub(super) fn finish(self) -> Ps {
        self.arrivals.last().copied().unwrap_or(Ps::ZERO)
    }
}
