//! Refresh of the ranks, staggered evenly over tREFI: what is due, and what must be closed first.
#![deny(clippy::float_arithmetic)]

use crate::time::Tick;

/// Refresh state of one rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RankRefresh {
    /// Next tick at which a refresh falls due.
    pub due: Tick,
    /// Refreshes due and not yet issued.
    pub owed: u32,
}

/// Refresh state of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refresh {
    pub ranks: Vec<RankRefresh>,
    interval: Tick,
}

impl Refresh {
    /// Rank `r` first falls due at `(r + 1) / ranks` of the interval, or all of them at its end.
    pub(super) fn new(ranks: usize, interval: Tick, together: bool) -> Refresh {
        let step = interval / ranks as Tick;
        Refresh {
            ranks: (1..=ranks as Tick)
                .map(|index| RankRefresh {
                    due: if together { interval } else { index * step },
                    owed: 0,
                })
                .collect(),
            interval,
        }
    }

    /// Lets whole intervals before `horizon` pass on an idle channel whose rows are closed, up to
    /// two; returns how many. Every rank is refreshed once in each.
    pub(super) fn skip_idle(&mut self, horizon: Tick) -> u64 {
        if self.pending().is_some() {
            return 0;
        }
        let last = self.ranks.iter().map(|rank| rank.due).max().unwrap_or(0);
        let skipped = (horizon.saturating_sub(last) / self.interval).saturating_sub(2);
        for rank in &mut self.ranks {
            rank.due += skipped * self.interval;
        }
        skipped
    }

    pub(super) fn next_due(&self) -> Tick {
        self.ranks
            .iter()
            .map(|rank| rank.due)
            .min()
            .unwrap_or(Tick::MAX)
    }

    /// Marks every refresh due at or before `now` as owed.
    pub(super) fn fall_due(&mut self, now: Tick) {
        for rank in &mut self.ranks {
            while rank.due <= now {
                rank.owed += 1;
                rank.due += self.interval;
            }
        }
    }

    /// The rank to refresh first: the one whose oldest owed refresh fell due earliest.
    pub(super) fn pending(&self) -> Option<usize> {
        self.ranks
            .iter()
            .enumerate()
            .filter(|(_, rank)| rank.owed > 0)
            .min_by_key(|(_, rank)| {
                rank.due
                    .saturating_sub(u64::from(rank.owed) * self.interval)
            })
            .map(|(index, _)| index)
    }

    /// Whether a rank owes a refresh, so that no new row may be opened in it.
    pub(super) fn owes(&self, rank: usize) -> bool {
        self.ranks[rank].owed > 0
    }

    pub(super) fn done(&mut self, rank: usize) {
        self.ranks[rank].owed -= 1;
    }
}
