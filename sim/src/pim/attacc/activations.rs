//! Activations of several banks of a rank as the single activations that they are: each keeps tRRD
//! to the one before and tFAW to the fourth before.
#![deny(clippy::float_arithmetic)]

use super::Level;
use crate::dram::Standard;
use crate::dram::command::Command::Act;
use crate::dram::constraint::Scope;
use crate::time::Tick;

/// The last activations of every rank and group, in pseudo-channels that do the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Activations {
    /// Per rank, oldest first: ticks of the last activations, plus one (zero: none yet).
    recent: Vec<Vec<Tick>>,
    /// Per group of a rank: tick of the last activation, plus one.
    group: Vec<Tick>,
    window: Tick,
    short: Tick,
    long: Tick,
    /// Between activations of one command, which goes round the groups.
    step: Tick,
    /// Banks of a rank that one activation opens.
    banks: usize,
    /// Only the rank and group of the address; else all ranks.
    one_rank: bool,
    groups: usize,
    pseudo_channels: usize,
    of_group: usize,
}

impl Activations {
    pub(crate) fn new(standard: &Standard, level: Level) -> Activations {
        let o = &standard.organisation;
        let distances = &standard.distances;
        let (count, window) = distances.window(Act, Scope::Rank).unwrap_or((1, 0));
        let short = distances.get(Act, Act, Scope::Rank);
        let long = distances.get(Act, Act, Scope::Group);
        Activations {
            recent: vec![vec![0; usize::from(count.max(1))]; o.ranks],
            group: vec![0; o.ranks * o.bank_groups],
            window,
            short,
            long,
            step: short.max(long.div_ceil(o.bank_groups.max(1) as Tick)),
            banks: level.banks_of_rank(standard),
            one_rank: level == Level::Buffer,
            groups: o.bank_groups,
            pseudo_channels: o.pseudo_channels,
            of_group: o.banks_per_group,
        }
    }

    fn rank(&self, bank: usize) -> usize {
        bank / (self.of_group * self.groups * self.pseudo_channels)
    }

    fn group(&self, bank: usize) -> usize {
        self.rank(bank) * self.groups + bank / self.of_group % self.groups
    }

    fn ranks(&self, bank: usize) -> std::ops::Range<usize> {
        if self.one_rank {
            self.rank(bank)..self.rank(bank) + 1
        } else {
            0..self.recent.len()
        }
    }

    /// The first tick at which the activation that names `bank` may begin.
    pub(crate) fn ready(&self, bank: usize) -> Tick {
        let after = |at: Tick, distance: Tick| if at == 0 { 0 } else { at - 1 + distance };
        let of_rank = |rank: usize| {
            let recent = &self.recent[rank];
            let last = recent.last().map_or(0, |&at| after(at, self.short));
            recent
                .first()
                .map_or(0, |&at| after(at, self.window))
                .max(last)
        };
        let ready = self.ranks(bank).map(of_rank).max().unwrap_or(0);
        ready.max(after(self.group[self.group(bank)], self.long))
    }

    /// Enters the activation that names `bank` and begins at `at`: the tick at which its last bank
    /// opens.
    pub(crate) fn issued(&mut self, bank: usize, at: Tick) -> Tick {
        let mut open = at;
        for rank in self.ranks(bank) {
            open = at;
            for count in 0..self.banks {
                let recent = &mut self.recent[rank];
                if count > 0 {
                    let window = recent.first().map_or(0, |&first| match first {
                        0 => 0,
                        first => first - 1 + self.window,
                    });
                    open = (open + self.step).max(window);
                }
                recent.rotate_left(1);
                if let Some(last) = recent.last_mut() {
                    *last = open + 1;
                }
            }
        }
        let group = self.group(bank);
        self.group[group] = open + 1;
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every single opening of a rank keeps its distances, whatever the commands open at once.
    #[test]
    fn openings_keep_rrd_and_faw() {
        for banks in [1, 4, 16] {
            let mut activations = Activations {
                recent: vec![vec![0; 4]; 2],
                group: vec![0; 8],
                window: 39,
                short: 2,
                long: 4,
                step: 2,
                banks,
                one_rank: banks == 1,
                groups: 4,
                pseudo_channels: 2,
                of_group: 4,
            };
            let (mut opened, mut now): (Vec<Tick>, Tick) = (Vec::new(), 0);
            for _ in 0..12 {
                now = activations.ready(0).max(now);
                let last = activations.issued(0, now);
                let kept: Vec<Tick> = activations.recent[0]
                    .iter()
                    .map(|at| at.saturating_sub(1))
                    .collect();
                let new = banks.min(4);
                assert_eq!(*kept.last().unwrap(), last);
                opened.extend(&kept[4 - new..]);
                let rest = &opened[opened.len() - new..];
                assert!(rest.windows(2).all(|pair| pair[1] >= pair[0] + 2));
                if banks > 4 {
                    // The last four of sixteen: three windows after the first four.
                    assert!(last >= now + 3 * 39);
                }
                if banks <= 4 && opened.len() > 4 {
                    let tail = &opened[opened.len().saturating_sub(8)..];
                    assert!(
                        tail.windows(5).all(|five| five[4] >= five[0] + 39),
                        "{opened:?}"
                    );
                }
            }
        }
    }
}
