//! Links between the devices of a group, and the collectives that run over them.
#![deny(clippy::float_arithmetic)]

use crate::gpu::ratio;
use crate::time::Ps;

/// A full-duplex link from each device to the next of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Rate in each direction.
    pub bytes_per_s: u64,
    /// Fixed time of one step.
    pub step_latency: Ps,
}

impl Link {
    /// Ring all-reduce of `bytes` on each of `devices`: a reduce-scatter and an all-gather of
    /// `devices - 1` steps each, every step moving one share of `bytes / devices`.
    pub fn all_reduce(&self, bytes: u64, devices: u64) -> Ps {
        if devices < 2 {
            return Ps::ZERO;
        }
        let steps = 2 * (devices - 1);
        let share = bytes.div_ceil(devices);
        (self.step_latency + ratio(share, self.bytes_per_s)).times(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_moves_two_times_all_but_one_share() {
        let link = Link {
            bytes_per_s: 1_000_000_000,
            step_latency: Ps(5),
        };
        assert_eq!(link.all_reduce(4000, 4), Ps(6 * (5 + 1_000_000)));
        assert_eq!(link.all_reduce(4000, 1), Ps::ZERO);
    }
}
