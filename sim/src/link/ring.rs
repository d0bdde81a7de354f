//! The link of a machine without a topology: a ring of equal links, in closed form.

use crate::gpu::ratio;
use crate::time::Ps;

/// A full-duplex link from each device to the next of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ring {
    /// Rate in each direction.
    pub bytes_per_s: u64,
    /// Fixed time of one step.
    pub step_latency: Ps,
}

impl Ring {
    /// Ring all-reduce of `bytes` on each of `devices`: a reduce-scatter and an all-gather of
    /// `devices - 1` steps each, every step moving one share of `bytes / devices`.
    pub fn all_reduce(&self, bytes: u64, devices: u64) -> Ps {
        if devices < 2 {
            return Ps::ZERO;
        }
        let steps = 2 * (devices - 1);
        self.message(bytes.div_ceil(devices)).times(steps)
    }

    /// One message to the next device.
    pub fn message(&self, bytes: u64) -> Ps {
        self.step_latency + ratio(bytes, self.bytes_per_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_moves_two_times_all_but_one_share() {
        let link = Ring {
            bytes_per_s: 1_000_000_000,
            step_latency: Ps(5),
        };
        assert_eq!(link.all_reduce(4000, 4), Ps(6 * (5 + 1_000_000)));
        assert_eq!(link.all_reduce(4000, 1), Ps::ZERO);
    }
}
