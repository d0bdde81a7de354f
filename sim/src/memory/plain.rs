//! Memory of which only bandwidth and latency are known, and the line on which data arrives where
//! no command is simulated: one transfer after another at a steady rate.

use crate::dram::{Direction, Standard};
use crate::gpu::ratio;
use crate::time::Ps;

/// A bandwidth and a latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plain {
    /// Reads and writes together.
    pub bytes_per_s: u64,
    /// From a request to its first data.
    pub latency: Ps,
    /// Capacity.
    pub capacity_bytes: u64,
}

impl Plain {
    /// What closed forms know of a part: its peak while no refresh holds a rank, and the time of a
    /// closed row's first burst. Tiles are chosen on this, so that the choice does not depend on the
    /// fidelity of the run.
    pub fn of(standard: &Standard) -> Plain {
        let timing = &standard.timing;
        let busy = timing.refi.saturating_sub(timing.rfc).max(1);
        let peak = u128::from(standard.peak_bytes_per_s());
        Plain {
            bytes_per_s: (peak * u128::from(busy) / u128::from(timing.refi.max(1))) as u64,
            latency: standard
                .clock
                .to_ps(timing.rcd_rd + timing.cl + timing.burst),
            capacity_bytes: standard.organisation.capacity_bytes(),
        }
    }

    /// Time of `bytes` at full rate, rounded up.
    pub fn time(&self, bytes: u64) -> Ps {
        ratio(bytes, self.bytes_per_s)
    }
}

/// Transfers at a steady rate, first come first served. A transfer that is asked for while the one
/// before still flows follows it without a new latency.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Line {
    start: Ps,
    units: u64,
    end: Ps,
    direction: Option<Direction>,
}

impl Line {
    /// Adds `units` whose data can begin at `first`; `time` is that of so many units in one run.
    /// Returns when the last is there.
    pub(super) fn push(
        &mut self,
        first: Ps,
        direction: Direction,
        units: u64,
        time: impl Fn(u64) -> Ps,
    ) -> Ps {
        if self.direction != Some(direction) || first > self.end {
            self.start = self.end.max(first);
            self.units = 0;
            self.direction = Some(direction);
        }
        self.units += units;
        self.end = self.end.max(self.start + time(self.units));
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_follow_one_another_and_pay_the_latency_once() {
        let mut line = Line::default();
        let time = |bytes: u64| Ps(bytes * 10);
        assert_eq!(line.push(Ps(100), Direction::Read, 5, time), Ps(150));
        assert_eq!(line.push(Ps(120), Direction::Read, 5, time), Ps(200));
        assert_eq!(line.push(Ps(500), Direction::Read, 5, time), Ps(550));
        assert_eq!(line.push(Ps(510), Direction::Write, 1, time), Ps(560));
    }
}
