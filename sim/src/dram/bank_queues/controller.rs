//! The state of a channel and what happens in a tick, in DRAMsim3's order: refresh falls due, a
//! command, a second command, one transaction to its bank queue.

use super::super::command::Command;
use super::super::observer::Observer;
use super::super::request::Outcome;
use super::flights::Flights;
use super::gates::{Gates, Rel};
use super::parameters::Parameters;
use super::plan::{Plan, after};
use super::queues::Queues;
use super::refresh::Refreshes;
use super::tables::Tables;
use super::waiting::Waiting;
use crate::time::Tick;

/// Gates are rebased before their ticks reach this.
const FAR: Tick = 1 << 30;

/// A channel under the bank-queue controller.
///
/// Where DRAMsim3 would never move again (every bank queue empty, a drain due, the oldest write
/// waiting for a read that only the drain keeps in its queue) the reads go on.
#[derive(Debug, Clone)]
pub struct BankQueues {
    pub(super) tables: Tables,
    pub(super) parameters: Parameters,
    pub(super) queues: Queues,
    pub(super) flights: Flights,
    pub(super) reads: Waiting,
    pub(super) writes: Waiting,
    /// Writes left to move in this drain.
    pub(super) drain: usize,
    pub(super) gates: Gates,
    pub(super) plan: Plan,
    /// The bank that was served last.
    pub(super) pointer: usize,
    pub(super) refreshes: Refreshes,
    /// Tick that gates count from.
    pub(super) epoch: Tick,
    /// First tick that has not been gone through.
    pub(super) now: Tick,
    /// Next tick, `now` or later, in which something happens.
    pub(super) next: Tick,
    /// Reads in flight, those that share a command not counted.
    pub(super) reading: usize,
    /// Last acceptance or return so far.
    pub(super) last: Tick,
    /// Since when each rank has had an open bank.
    pub(super) active_since: Vec<Tick>,
    pub(super) outcome: Outcome,
}

impl BankQueues {
    /// An idle channel at tick 0.
    pub fn new(tables: Tables, parameters: Parameters) -> BankQueues {
        let parameters = Parameters {
            transactions: parameters.transactions.clamp(1, 255),
            ..parameters
        };
        let refreshes = Refreshes::new(&tables, parameters.refresh);
        BankQueues {
            queues: Queues::new(tables.banks, parameters.bank_queue),
            flights: Flights::new(),
            reads: Waiting::new(),
            writes: Waiting::new(),
            drain: 0,
            gates: Gates::new(&tables),
            plan: Plan::default(),
            pointer: 0,
            epoch: 0,
            now: 0,
            next: refreshes.due,
            reading: 0,
            last: 0,
            active_since: vec![0; tables.ranks],
            outcome: Outcome::default(),
            refreshes,
            tables,
            parameters,
        }
    }

    /// Ticks since the epoch.
    #[inline]
    fn since_epoch(&mut self, t: Tick) -> Rel {
        if t - self.epoch >= FAR {
            let by = t - self.epoch;
            self.gates.rebase(by.min(Tick::from(Rel::MAX)) as Rel);
            self.plan.rows_changed();
            self.plan.columns_changed();
            self.epoch = t;
        }
        (t - self.epoch) as Rel
    }

    /// Goes through tick `next`.
    #[inline]
    pub(super) fn tick(&mut self, observer: &mut impl Observer) {
        let t = self.next;
        let at = self.since_epoch(t);
        let (mut first_is_column, mut allowed) = (None, u64::MAX);
        if t == self.refreshes.due || self.refreshes.rank.is_some() {
            let (issued, rank) = self.refresh(t, at, observer);
            first_is_column = issued.then_some(false);
            allowed = !rank;
        }
        let due = |time: Rel, banks: u64| if time <= at { banks & allowed } else { 0 };
        let mut columns = due(self.plan.column_at, self.plan.column_banks);
        let mut rows = due(self.plan.row_at, self.plan.row_banks);
        if first_is_column.is_none() && columns | rows != 0 {
            let bank = after(self.pointer, columns | rows);
            self.pointer = bank;
            let bit = 1u64 << bank;
            if rows & bit == 0 {
                self.column(bank, t, at, observer);
                columns = 0;
                first_is_column = Some(true);
            } else {
                let command = self.row(bank, t, at, observer);
                columns &= self.plan.reads | self.plan.writes;
                rows &= !bit & self.still_ready(command, bank);
                first_is_column = Some(false);
            }
        }
        if self.parameters.second_slot
            && columns | rows != 0
            && let Some(column_first) = first_is_column
        {
            let bank = after(self.pointer, columns | rows);
            // A second row command is dropped, but its bank has had its turn.
            self.pointer = bank;
            if column_first {
                self.row(bank, t, at, observer);
            } else if rows >> bank & 1 == 0 {
                self.column(bank, t, at, observer);
            }
        }
        self.move_one();
        self.now = t + 1;
        self.refreshes.block(&self.tables, &mut self.plan);
        self.look_ahead(at + 1);
    }

    /// Banks whose row command, ready before `command` of `bank`, is so after it in the same tick.
    #[inline]
    fn still_ready(&self, command: Command, bank: usize) -> u64 {
        let rank = self.rank_mask(usize::from(self.tables.rank_of[bank]));
        if command == Command::Act {
            !(self.plan.acts & rank)
        } else if self.tables.rank_pre > 0 {
            !(self.plan.pres & rank)
        } else {
            u64::MAX
        }
    }

    /// Banks of a rank.
    #[inline]
    pub(super) fn rank_mask(&self, rank: usize) -> u64 {
        self.tables.rank_mask(rank)
    }

    /// Finds the next tick in which something happens.
    #[inline]
    fn look_ahead(&mut self, soon: Rel) {
        let blocked = self.refreshes.blocked;
        self.plan.refresh(&self.tables, &self.gates, blocked, soon);
        if self.can_move() {
            self.next = self.now;
            return;
        }
        let mut at = self.plan.column_at.min(self.plan.row_at);
        if let Some(rank) = self.refreshes.rank {
            at = at.min(self.refresh_step_at(rank).max(soon));
        }
        let planned = if at == Rel::MAX {
            Tick::MAX
        } else {
            self.epoch + Tick::from(at)
        };
        self.next = planned.min(self.refreshes.due);
    }
}
