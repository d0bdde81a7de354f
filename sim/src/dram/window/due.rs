//! Refreshes: when which banks are due, and the queue of those that wait.

use super::bits::Banks;
use super::gates::Kind;
use super::parameters::{RefreshKind, RefreshPolicy, WindowError};
use super::protocol::Protocol;
use crate::dram::command::Command;
use crate::dram::constraint::{Constraint, Scope};
use crate::dram::organisation::Organisation;
use crate::time::Tick;
use std::collections::VecDeque;

/// A refresh that is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) kind: Kind,
    pub(super) banks: Banks,
    /// The first of a round: every bank is refreshed once in a round.
    first: bool,
}

#[derive(Debug, Clone)]
struct Unit {
    next: Tick,
    turn: usize,
    targets: Vec<Banks>,
}

#[derive(Debug, Clone)]
pub(super) struct Refreshes {
    kind: Kind,
    interval: Tick,
    units: Vec<Unit>,
    /// Tick at which the next one is due.
    pub(super) next: Tick,
    queue: VecDeque<Due>,
    /// Rounds begun.
    pub(super) rounds: u64,
}

impl Refreshes {
    pub(super) fn new(
        policy: RefreshPolicy,
        protocol: &Protocol,
        o: &Organisation,
        constraints: &[Constraint],
    ) -> Result<Refreshes, WindowError> {
        let by_pseudo_channel = protocol.all_bank == Scope::PseudoChannel;
        let count = if by_pseudo_channel {
            o.pseudo_channels
        } else {
            o.units()
        };
        let unit_of = |bank| {
            let place = o.place(bank);
            if by_pseudo_channel {
                place.pseudo_channel
            } else {
                place.rank
            }
        };
        let targets = |unit| -> Vec<Banks> {
            let banks = (0..o.banks()).filter(|&bank| unit_of(bank) == unit);
            match policy.kind {
                RefreshKind::None => Vec::new(),
                RefreshKind::AllBank => vec![banks.collect()],
                RefreshKind::PerBank => banks.map(|bank| [bank].into_iter().collect()).collect(),
                RefreshKind::SameBank => {
                    let all: Vec<usize> = banks.collect();
                    let of = |index| {
                        let same = all.iter().filter(|&bank| bank % o.banks_per_group == index);
                        same.copied().collect()
                    };
                    (0..o.banks_per_group).map(of).collect()
                }
            }
        };
        let kind = match policy.kind {
            RefreshKind::None | RefreshKind::AllBank => Kind::Ref,
            RefreshKind::PerBank => Kind::RefBank,
            RefreshKind::SameBank => Kind::RefSame,
        };
        let mut refreshes = Refreshes {
            kind,
            interval: 0,
            units: Vec::new(),
            next: Tick::MAX,
            queue: VecDeque::new(),
            rounds: 0,
        };
        if policy.kind == RefreshKind::None {
            return Ok(refreshes);
        }
        let follows = |c: &Constraint| c.first == kind.command() && c.then == Command::Act;
        if !constraints.iter().any(follows) {
            return Err(WindowError::Refresh(kind.command().mnemonic()));
        }
        for unit in 0..count {
            let targets = targets(unit);
            let interval = protocol.refresh_interval / targets.len().max(1) as u64;
            if interval == 0 {
                return Err(WindowError::Interval);
            }
            let shift = if policy.stagger {
                unit as u64 * interval / count as u64
            } else {
                0
            };
            refreshes.interval = interval;
            refreshes.units.push(Unit {
                // The simulator's clock reads one more than the driver's ticks.
                next: interval + shift - 1,
                turn: 0,
                targets,
            });
        }
        refreshes.find_next();
        Ok(refreshes)
    }

    fn find_next(&mut self) {
        let next = self.units.iter().map(|unit| unit.next).min();
        self.next = next.unwrap_or(Tick::MAX);
    }

    /// Queues what is due at `t`.
    pub(super) fn fall_due(&mut self, t: Tick) {
        for (index, unit) in self.units.iter_mut().enumerate() {
            if unit.next == t {
                self.queue.push_back(Due {
                    kind: self.kind,
                    banks: unit.targets[unit.turn],
                    first: index == 0 && unit.turn == 0,
                });
                unit.turn = (unit.turn + 1) % unit.targets.len();
                unit.next += self.interval;
            }
        }
        self.find_next();
    }

    #[inline]
    pub(super) fn head(&self) -> Option<&Due> {
        self.queue.front()
    }

    #[inline]
    pub(super) fn waits(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn done(&mut self) {
        let done = self.queue.pop_front();
        self.rounds += u64::from(done.is_some_and(|due| due.first));
    }

    /// What is due when, and what waits.
    pub(super) fn words(&self, now: Tick, words: &mut Vec<u64>) {
        for unit in &self.units {
            words.extend([unit.next - now, unit.turn as u64]);
        }
        for due in &self.queue {
            words.extend(due.banks.iter().map(|bank| bank as u64));
            words.push(u64::MAX);
        }
    }

    pub(super) fn shift(&mut self, ticks: Tick) {
        for unit in &mut self.units {
            unit.next += ticks;
        }
        self.find_next();
    }
}
