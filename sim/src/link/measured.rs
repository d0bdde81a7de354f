//! Measured all-reduces as a correction of the ring: what a library does beside sending (its choice of
//! protocol, its launches, the ramp of its pipelines) is in no closed form of rate and latency.

use super::ring::Ring;
use crate::time::Ps;

/// Times of all-reduces over a group of one size, ascending by bytes, and the ring that they are set
/// beside. The ratio of the two corrects the ring of a machine, whose rate, latency and group may be
/// others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Devices of the group.
    pub devices: u64,
    /// The ring with the rate and the latency of the link that was measured.
    pub ring: Ring,
    /// Bytes on each device, and time.
    pub rows: Vec<(u64, Ps)>,
}

impl Measured {
    /// Time between the rows, linear in bytes; before the first its own, behind the last in
    /// proportion.
    pub fn time(&self, bytes: u64) -> Ps {
        let after = self.rows.partition_point(|row| row.0 < bytes);
        let (low, high) = (
            after.checked_sub(1).and_then(|index| self.rows.get(index)),
            self.rows.get(after),
        );
        match (low, high) {
            (None, Some(&(_, time))) => time,
            (Some(&(most, time)), None) => scaled(time, bytes, most),
            (Some(&(from, first)), Some(&(to, last))) => {
                // Larger sums may have been measured faster.
                let part = |time: Ps, weight: u64| u128::from(time.0) * u128::from(weight);
                let sum = part(first, to - bytes) + part(last, bytes - from);
                Ps((sum / u128::from(to - from)) as u64)
            }
            (None, None) => Ps::ZERO,
        }
    }

    /// `time`, that of `ring` over `devices`, corrected.
    pub(super) fn correct(&self, time: Ps, bytes: u64) -> Ps {
        let expected = self.ring.all_reduce(bytes, self.devices);
        scaled(time, self.time(bytes).0, expected.0)
    }
}

/// `time * part / whole`.
fn scaled(time: Ps, part: u64, whole: u64) -> Ps {
    let scaled = u128::from(time.0) * u128::from(part) / u128::from(whole.max(1));
    Ps(u64::try_from(scaled).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_met_and_a_faster_link_stays_faster() {
        let ring = Ring {
            bytes_per_s: 100_000_000_000,
            step_latency: Ps(4_000_000),
        };
        let measured = Measured {
            devices: 4,
            ring,
            rows: vec![(1000, Ps(30_000_000)), (2_000_000, Ps(80_000_000))],
        };
        for &(bytes, time) in &measured.rows {
            assert_eq!(measured.correct(ring.all_reduce(bytes, 4), bytes), time);
        }
        assert_eq!(measured.time(10), Ps(30_000_000));
        assert_eq!(measured.time(4_000_000), Ps(160_000_000));
        assert_eq!(measured.time(1_000_500), Ps(55_000_000));
        let faster = Ring {
            bytes_per_s: 200_000_000_000,
            ..ring
        };
        let time =
            |ring: Ring, devices| measured.correct(ring.all_reduce(2_000_000, devices), 2_000_000);
        assert!(time(faster, 4) < time(ring, 4));
        assert!(time(ring, 8) > time(ring, 4));
    }
}
