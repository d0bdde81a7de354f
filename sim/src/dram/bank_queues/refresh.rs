//! Refresh: a rank that is due is closed bank by bank, one precharge a tick, and refreshed; its
//! queues are blocked from the tick in which it comes to the front of those that are due.

use super::super::command::Command;
use super::super::observer::Observer;
use super::controller::BankQueues;
use super::gates::Rel;
use super::parameters::RefreshOrder;
use super::plan::Plan;
use super::tables::Tables;
use crate::time::Tick;
use std::collections::VecDeque;

/// Ranks that are due, and when the next ones will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refreshes {
    order: RefreshOrder,
    interval: Tick,
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

    fn fall_due(&mut self, ranks: usize) {
        self.due += self.interval;
        if self.order == RefreshOrder::Simultaneous {
            self.waiting.extend(0..ranks);
        } else {
            self.waiting.push_back(self.next_rank);
            self.next_rank = (self.next_rank + 1) % ranks;
        }
    }

    /// What the future depends on, from tick `now`.
    pub(super) fn words(&self, now: Tick, words: &mut Vec<u64>) {
        let rank = self.rank.map_or(u64::MAX, |rank| rank as u64);
        words.extend([self.due.saturating_sub(now), self.next_rank as u64, rank]);
        words.push(self.waiting.len() as u64);
        words.extend(self.waiting.iter().map(|rank| *rank as u64));
    }

    /// Moves the next due tick on.
    pub(super) fn shift(&mut self, ticks: Tick) {
        self.due = self.due.saturating_add(ticks);
    }

    /// Blocks the rank at the front of those that wait.
    #[inline]
    pub(super) fn block(&mut self, tables: &Tables, plan: &mut Plan) {
        if self.rank.is_some() || self.waiting.is_empty() {
            return;
        }
        self.rank = self.waiting.pop_front();
        self.blocked = self.rank.map_or(0, |rank| tables.rank_mask(rank));
        plan.rows_changed();
        plan.columns_changed();
    }
}

impl BankQueues {
    /// The refresh part of a tick: whether it took the command slot, and the banks of its rank.
    #[cold]
    #[inline(never)]
    pub(super) fn refresh(
        &mut self,
        t: Tick,
        at: Rel,
        observer: &mut impl Observer,
    ) -> (bool, u64) {
        if t == self.refreshes.due {
            self.refreshes.fall_due(self.tables.ranks);
            self.refreshes.block(&self.tables, &mut self.plan);
        }
        let Some(rank) = self.refreshes.rank else {
            return (false, 0);
        };
        let banks = self.refreshes.blocked;
        let mut open = self.queues.open & banks;
        if open == 0 {
            if self.gates.refresh[rank] > at {
                return (false, banks);
            }
            self.gates.refreshed(&self.tables, rank, at);
            self.plan.rows_changed();
            self.plan.columns_changed();
            (self.refreshes.rank, self.refreshes.blocked) = (None, 0);
            self.note(Command::Ref, rank * self.tables.rank_banks, 0, t, observer);
            return (true, banks);
        }
        while open != 0 {
            let bank = open.trailing_zeros() as usize;
            open &= open - 1;
            if self.gates.pre[bank] <= at {
                self.close(bank, t, at, observer);
                return (true, banks);
            }
        }
        (false, banks)
    }

    /// Earliest tick of the next step of the refresh of `rank`.
    #[cold]
    #[inline(never)]
    pub(super) fn refresh_step_at(&self, rank: usize) -> Rel {
        let mut open = self.queues.open & self.refreshes.blocked;
        if open == 0 {
            return self.gates.refresh[rank];
        }
        let mut at = Rel::MAX;
        while open != 0 {
            at = at.min(self.gates.pre[open.trailing_zeros() as usize]);
            open &= open - 1;
        }
        at
    }
}
