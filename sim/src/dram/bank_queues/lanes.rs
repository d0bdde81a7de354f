//! Row candidates of all banks as two flat arrays, so that "which row command is first?" is one
//! pass that the compiler turns into vector code. Times are 32-bit, relative to an epoch that moves
//! on with the clock.

use crate::time::Tick;

/// Banks that have no candidate.
const NEVER: i32 = i32::MAX;
/// Distance at which the epoch is moved.
const FAR: Tick = 1 << 29;

#[derive(Debug, Clone)]
pub(super) struct Lanes {
    pub epoch: Tick,
    pub act: Vec<i32>,
    pub pre: Vec<i32>,
}

impl Lanes {
    pub(super) fn new(banks: usize) -> Lanes {
        Lanes {
            epoch: 0,
            act: vec![NEVER; banks],
            pre: vec![NEVER; banks],
        }
    }

    /// Sets the candidate of a bank: at most one of ACT and PRE. True if it is another than before.
    #[inline]
    pub(super) fn set(&mut self, bank: usize, act: Option<Tick>, pre: Option<Tick>) -> bool {
        let relative = |at: Option<Tick>| match at {
            Some(at) => at.saturating_sub(self.epoch) as i32,
            None => NEVER,
        };
        let (act, pre) = (relative(act), relative(pre));
        let changed = act != self.act[bank] || pre != self.pre[bank];
        self.act[bank] = act;
        self.pre[bank] = pre;
        changed
    }

    /// Whether a bank has no candidate.
    #[inline]
    pub(super) fn is_empty(&self, bank: usize) -> bool {
        self.act[bank] == NEVER && self.pre[bank] == NEVER
    }

    /// Whether times would leave the range of a lane unless [`Lanes::restart`] is called.
    #[inline]
    pub(super) fn is_far(&self, now: Tick) -> bool {
        now - self.epoch > FAR
    }

    /// Moves the epoch; every bank's candidate must be set again.
    pub(super) fn restart(&mut self, now: Tick) {
        self.epoch = now;
        self.act.fill(NEVER);
        self.pre.fill(NEVER);
    }

    /// Earliest candidate of a rank's banks, given the rank's own gates for ACT and PRE.
    #[inline]
    pub(super) fn first(&self, banks: std::ops::Range<usize>, act: Tick, pre: Tick) -> Tick {
        let least = |lanes: &[i32]| lanes.iter().fold(NEVER, |least, &at| least.min(at));
        let absolute = |least: i32, gate: Tick| match least {
            NEVER => Tick::MAX,
            at => (self.epoch + Tick::from(at.unsigned_abs())).max(gate),
        };
        let act = absolute(least(&self.act[banks.clone()]), act);
        act.min(absolute(least(&self.pre[banks]), pre))
    }

    /// Banks of a rank whose candidate is ready at `at`; the rank's gates say which kinds may be.
    #[inline]
    pub(super) fn ready(
        &self,
        banks: std::ops::Range<usize>,
        at: Tick,
        act: bool,
        pre: bool,
    ) -> u64 {
        let at = (at - self.epoch) as i32;
        let first = banks.start;
        let mask = |lanes: &[i32]| {
            let mut mask = 0u64;
            for (index, &ready) in lanes.iter().enumerate() {
                mask |= u64::from(ready <= at) << index;
            }
            mask
        };
        let mut ready = 0;
        if act {
            ready |= mask(&self.act[banks.clone()]);
        }
        if pre {
            ready |= mask(&self.pre[banks]);
        }
        ready << first
    }
}
