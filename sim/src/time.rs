//! Integer time. A device counts ticks of its own clock; between devices and in records time is
//! picoseconds. Floating point never appears, so equal inputs give equal times everywhere.
#![deny(clippy::float_arithmetic)]

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// Clock cycles inside one clock domain (a DRAM channel, an array).
pub type Tick = u64;

/// One second in picoseconds.
const PS_PER_S: u128 = 1_000_000_000_000;

/// A point in simulated time, or a duration, in picoseconds. 64 bits hold 213 days.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Ps(pub u64);

impl Ps {
    /// Time zero.
    pub const ZERO: Ps = Ps(0);

    /// The end of simulated time: what is said to happen then never does.
    pub const END: Ps = Ps(u64::MAX);

    /// From whole nanoseconds, saturating.
    pub fn from_ns(ns: u64) -> Ps {
        Ps(ns.saturating_mul(1000))
    }

    /// `self - earlier`, or zero.
    #[must_use]
    pub fn since(self, earlier: Ps) -> Ps {
        Ps(self.0.saturating_sub(earlier.0))
    }

    /// Duration multiplied by a count, saturating.
    #[must_use]
    pub fn times(self, count: u64) -> Ps {
        Ps(self.0.saturating_mul(count))
    }
}

impl Add for Ps {
    type Output = Ps;
    fn add(self, other: Ps) -> Ps {
        Ps(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Ps {
    fn add_assign(&mut self, other: Ps) {
        *self = *self + other;
    }
}

impl Sub for Ps {
    type Output = Ps;
    fn sub(self, other: Ps) -> Ps {
        self.since(other)
    }
}

impl fmt::Display for Ps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ps", self.0)
    }
}

/// The clock of one domain: converts at the boundary, exactly, also where the period is no whole
/// number of picoseconds (2.4 GHz: 416.67 ps).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Clock {
    /// `ticks` ticks take `ps` picoseconds.
    ps: u64,
    ticks: u64,
}

impl Clock {
    /// A clock of `hz` cycles a second; `None` for zero.
    pub fn new(hz: u64) -> Option<Clock> {
        let ps = PS_PER_S as u64;
        let common = gcd(ps, hz);
        (hz > 0).then_some(Clock {
            ps: ps / common,
            ticks: hz / common,
        })
    }

    /// A clock whose period is a whole number of picoseconds; `None` for zero.
    pub fn from_period(ps: u64) -> Option<Clock> {
        (ps > 0).then_some(Clock { ps, ticks: 1 })
    }

    /// Frequency, Hz, rounded down.
    pub fn hz(self) -> u64 {
        let hz = u128::from(self.ticks) * PS_PER_S / u128::from(self.ps);
        u64::try_from(hz).unwrap_or(u64::MAX)
    }

    /// The period in picoseconds as a fraction: numerator, denominator.
    pub fn period_ps(self) -> (u64, u64) {
        (self.ps, self.ticks)
    }

    /// The time of a tick's edge, rounded down to a picosecond.
    pub fn to_ps(self, ticks: Tick) -> Ps {
        // Nearly always this fits, and takes a fraction of the time.
        if let Some(product) = ticks.checked_mul(self.ps) {
            return Ps(product / self.ticks);
        }
        let ps = u128::from(ticks) * u128::from(self.ps) / u128::from(self.ticks);
        Ps(u64::try_from(ps).unwrap_or(u64::MAX))
    }

    /// The first tick whose edge is not before `at`.
    pub fn next_tick(self, at: Ps) -> Tick {
        if let Some(product) = at.0.checked_mul(self.ticks) {
            return product.div_ceil(self.ps);
        }
        let ticks = (u128::from(at.0) * u128::from(self.ticks)).div_ceil(u128::from(self.ps));
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

/// Greatest common divisor; the first number is not zero.
fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_tick_survives_the_round_trip(hz in 1_000_000u64..=1_000_000_000_000, ticks in 0u64..1 << 40) {
            let clock = Clock::new(hz).unwrap();
            prop_assert_eq!(clock.next_tick(clock.to_ps(ticks)), ticks);
        }

        #[test]
        fn next_tick_is_never_early(hz in 1_000_000u64..10_000_000_000, at in 0u64..1 << 50) {
            let clock = Clock::new(hz).unwrap();
            prop_assert!(clock.to_ps(clock.next_tick(Ps(at)) + 1) > Ps(at));
            prop_assert!(u128::from(clock.next_tick(Ps(at))) * PS_PER_S >= u128::from(at) * u128::from(hz));
        }
    }

    #[test]
    fn a_period_that_is_no_whole_picosecond_does_not_drift() {
        let clock = Clock::new(2_400_000_000).unwrap();
        assert_eq!(clock.to_ps(2_400_000_000), Ps(1_000_000_000_000));
        assert_eq!(clock.to_ps(1), Ps(416));
    }
}
