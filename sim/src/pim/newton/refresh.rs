//! Refresh: a rank that is due is closed bank by bank, one precharge a tick, and refreshed. Its
//! queues, and the PIM queue, are blocked from the tick in which it comes to the front of those due.

use super::channel::Newton;
use super::gates::Gate;
use super::tables::Tables;
use crate::dram::bank_queues::RefreshOrder;
use crate::dram::command::Command;
use crate::dram::observer::Observer;
use crate::time::Tick;
use std::collections::VecDeque;

/// Ranks that are due, and when the next ones will be.
#[derive(Debug, Clone)]
pub(super) struct Refreshes {
    order: RefreshOrder,
    pub(super) interval: Tick,
    /// Next tick at which ranks fall due.
    pub(super) due: Tick,
    next_rank: usize,
    waiting: VecDeque<usize>,
    /// The rank at the front.
    pub(super) rank: Option<usize>,
    /// Its banks.
    pub(super) blocked: u64,
}

impl Refreshes {
    pub(super) fn new(tables: &Tables, order: RefreshOrder) -> Refreshes {
        let interval = match order {
            RefreshOrder::Off => Tick::MAX,
            RefreshOrder::Simultaneous => tables.refresh_interval,
            RefreshOrder::Staggered => (tables.refresh_interval / tables.ranks as Tick).max(1),
        };
        Refreshes {
            order,
            interval,
            due: interval,
            next_rank: 0,
            waiting: VecDeque::new(),
            rank: None,
            blocked: 0,
        }
    }

    /// Whether a rank waits for its turn.
    #[inline]
    pub(super) fn any_due(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Ticks that a command of tick `t` has until the next refresh falls due, as the controller
    /// counts them: a whole interval in the last tick before it.
    #[inline]
    pub(super) fn ahead(&self, t: Tick) -> Tick {
        if t + 1 >= self.due {
            self.interval
        } else {
            self.due - t - 1
        }
    }

    fn fall_due(&mut self, ranks: usize) {
        self.due = self.due.saturating_add(self.interval);
        if self.order == RefreshOrder::Simultaneous {
            self.waiting.extend(0..ranks);
        } else {
            self.waiting.push_back(self.next_rank);
            self.next_rank = (self.next_rank + 1) % ranks;
        }
    }
}

impl Newton {
    /// The refresh part of tick `t`: whether it took the command slot.
    #[cold]
    #[inline(never)]
    pub(super) fn refresh(&mut self, t: Tick, observer: &mut impl Observer) -> bool {
        if t == self.refreshes.due {
            self.refreshes.fall_due(self.tables.ranks);
        }
        if self.refreshes.rank.is_none() {
            let Some(rank) = self.refreshes.waiting.pop_front() else {
                return false;
            };
            self.refreshes.rank = Some(rank);
            self.refreshes.blocked = self.tables.rank_mask(rank);
            self.candidates.all_changed();
        }
        let Some(rank) = self.refreshes.rank else {
            return false;
        };
        let banks = self.refreshes.blocked;
        let mut open = (self.queues.open | self.pim.open) & banks;
        if open == 0 {
            if self.gates.of_rank(Gate::REF, rank) > t {
                return false;
            }
            let first = rank * self.tables.rank_banks;
            self.put(Command::Ref, first, 0, 0, t, observer);
            (self.refreshes.rank, self.refreshes.blocked) = (None, 0);
            self.pim.after_refresh();
            self.reserve(None);
            self.candidates.all_changed();
            return true;
        }
        while open != 0 {
            let bank = open.trailing_zeros() as usize;
            open &= open - 1;
            // The normal buffer first.
            if self.queues.open >> bank & 1 != 0 {
                if self.gates.of(&self.tables, Gate::PRE, bank) <= t {
                    self.precharge(bank, t, observer);
                    return true;
                }
            } else if self.gates.of(&self.tables, Gate::PIM_PRE, bank) <= t {
                self.pim_precharge(bank, t, observer);
                return true;
            }
        }
        false
    }

    /// Earliest tick of the next step of the refresh under way.
    #[cold]
    #[inline(never)]
    pub(super) fn refresh_step_at(&self, rank: usize) -> Tick {
        let mut open = (self.queues.open | self.pim.open) & self.refreshes.blocked;
        if open == 0 {
            return self.gates.of_rank(Gate::REF, rank);
        }
        let mut at = Tick::MAX;
        while open != 0 {
            let bank = open.trailing_zeros() as usize;
            open &= open - 1;
            let gate = if self.queues.open >> bank & 1 != 0 {
                Gate::PRE
            } else {
                Gate::PIM_PRE
            };
            at = at.min(self.gates.of(&self.tables, gate, bank));
        }
        at
    }
}
