//! Periodic fast-forward. A channel that is fed a described stream comes back, sooner or later, to a
//! state that differs from an earlier one only by a shift in time and in rows; from there on
//! everything repeats. Hashes of the states find a candidate, one stored state proves it exactly,
//! and whole periods are passed over at once with the counts of one.
//!
//! Rows matter only by being equal or not, and the streams wrap where the banks do, so a shift is
//! one modulo the rows of a bank.

use super::request::{Outcome, Period, Source};
use crate::time::Tick;
use std::collections::VecDeque;

/// States remembered by their hash.
const REMEMBERED: usize = 8192;

/// A channel whose states can be compared and moved on.
pub trait Recurring {
    /// Appends everything that the future depends on: times as ticks from the present, those in the
    /// past as zero; rows as the distance from `row`, modulo the rows of a bank.
    fn state(&self, row: u64, words: &mut Vec<u64>);

    /// The present tick: every earlier one is decided.
    fn present(&self) -> Tick;

    /// Counts up to the present. `cycles` and `idle_ticks` are left out.
    fn counts(&self) -> Outcome;

    /// Moves everything on by `ticks` and `rows`, without counting.
    fn shift(&mut self, ticks: Tick, rows: u64);

    /// The counts to add to.
    fn counts_mut(&mut self) -> &mut Outcome;
}

/// A state to be seen again.
#[derive(Debug)]
struct Anchor {
    /// Requests from it to where its hash says that it recurs.
    requests: u64,
    taken: u64,
    present: Tick,
    words: Vec<u64>,
    counts: Outcome,
}

/// Looks for a period in the states shown to it.
#[derive(Debug)]
pub struct Recurrence {
    period: Period,
    rows: u64,
    taken: u64,
    seen: VecDeque<(u64, u64)>,
    anchor: Option<Anchor>,
    words: Vec<u64>,
}

impl Recurrence {
    /// For a stream of `period` on banks of `rows` rows.
    pub fn new(period: Period, rows: u64) -> Recurrence {
        Recurrence {
            period,
            rows: rows.max(1),
            taken: 0,
            seen: VecDeque::new(),
            anchor: None,
            words: Vec::new(),
        }
    }

    /// Counts a request taken from the source.
    #[inline]
    pub fn took(&mut self) -> u64 {
        self.taken += 1;
        self.taken
    }

    fn rows_after(&self, requests: u64) -> u64 {
        let periods = u128::from(requests / self.period.requests);
        (periods * u128::from(self.period.rows) % u128::from(self.rows)) as u64
    }

    /// Shows the state of a channel that has accepted every request taken so far. Passes over as many
    /// periods as the source has left once one is certain; returns the ticks passed over.
    pub fn show(&mut self, channel: &mut impl Recurring, source: &mut impl Source) -> Tick {
        self.words.clear();
        self.words.push(self.taken % self.period.requests);
        channel.state(self.rows_after(self.taken), &mut self.words);
        if let Some(anchor) = &self.anchor {
            let requests = self.taken - anchor.taken;
            if requests < anchor.requests {
                return 0;
            }
            if requests == anchor.requests && self.words == anchor.words {
                return self.skip(channel, source);
            }
            self.anchor = None;
        }
        let hash = hash(&self.words);
        // The nearest one gives the shortest period.
        let earlier = self.seen.iter().rev().find(|(other, _)| *other == hash);
        if let Some(&(_, taken)) = earlier {
            self.anchor = Some(Anchor {
                requests: self.taken - taken,
                taken: self.taken,
                present: channel.present(),
                words: self.words.clone(),
                counts: channel.counts(),
            });
        }
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back((hash, self.taken));
        0
    }

    fn skip(&mut self, channel: &mut impl Recurring, source: &mut impl Source) -> Tick {
        let Some(anchor) = self.anchor.take() else {
            return 0;
        };
        let times = source.left() / anchor.requests;
        if times == 0 {
            return 0;
        }
        let requests = times * anchor.requests;
        let ticks = times * (channel.present() - anchor.present);
        let counts = channel.counts();
        source.skip(requests);
        channel.shift(ticks, self.rows_after(requests));
        channel.counts_mut().repeat(&anchor.counts, &counts, times);
        self.taken += requests;
        ticks
    }
}

/// FNV-1a over words with a final mix: the states are few and are compared in full afterwards.
fn hash(words: &[u64]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for word in words {
        hash = (hash ^ word).wrapping_mul(0x0100_0000_01B3);
        hash ^= hash >> 29;
    }
    hash
}
