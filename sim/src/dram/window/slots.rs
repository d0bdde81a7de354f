//! One tick: which commands go into its slots.

use super::Window;
use super::plan::Plan;
use crate::dram::observer::Observer;
use crate::time::Tick;

impl Window {
    /// Passes tick `t`.
    pub(super) fn pass(&mut self, t: Tick, observer: &mut impl Observer) {
        self.column_floor = t;
        self.row_floor = t;
        if self.refreshes.next <= t {
            self.fall_due(t);
        }
        if self.protocol.two_slots {
            if !self.protocol.rising_edges || t.is_multiple_of(2) {
                self.column_slot(t, observer);
            }
            self.row_slot(t, observer);
        } else {
            self.single_slot(t, observer);
        }
        self.now = t + 1;
        self.column_floor = t + 1;
        self.row_floor = t + 1;
        self.expect_turn(t + 1);
    }

    /// Reads or writes: reads until the write buffer is nearly full or no read waits, then writes
    /// until few are left.
    #[inline]
    fn served_side(&self) -> usize {
        let [reads, writes] = self.queued;
        let p = &self.parameters;
        let serve_writes = if self.serving == 1 {
            writes > p.write_low || reads == 0
        } else {
            writes >= p.write_high || reads == 0 && (writes > 0 || p.idle_turns_to_writes)
        };
        usize::from(serve_writes)
    }

    /// The side is decided whenever a buffer is looked at, so also in ticks in which nothing can be
    /// issued: the next such tick is an event if it makes a difference.
    #[inline]
    pub(super) fn expect_turn(&mut self, t: Tick) {
        let differs = self.served_side() != self.serving && !self.channel_waits();
        self.turn_at = if differs { t } else { Tick::MAX };
    }

    #[inline]
    fn turn(&mut self) {
        let side = self.served_side();
        if side != self.serving {
            self.serving = side;
            self.hit_plan = Plan::stale(self.column_floor);
            self.row_plan = Plan::stale(self.row_floor);
        }
    }

    fn column_slot(&mut self, t: Tick, observer: &mut impl Observer) {
        if let Some(bank) = self.due_active(t) {
            self.issue_column(bank, true, t, observer);
        } else if !self.channel_waits() {
            self.turn();
            if let Some(bank) = self.due_hit(t) {
                self.issue_column(bank, false, t, observer);
            }
        } else if self.hit_plan.at <= t {
            self.hit_plan = Plan::NONE;
        }
    }

    fn row_slot(&mut self, t: Tick, observer: &mut impl Observer) {
        if self.refreshes.waits() && self.maintain(t, observer) {
            return;
        }
        if self.channel_waits() {
            self.row_plan = Plan::NONE;
            self.close_plan = Plan::NONE;
            return;
        }
        self.turn();
        if let Some(bank) = self.due_row(t) {
            self.issue_row(bank, t, observer);
        } else if let Some(bank) = self.due_close(t) {
            self.precharge(bank, t, observer);
        }
    }

    fn single_slot(&mut self, t: Tick, observer: &mut impl Observer) {
        if self.activating.is_some_and(|(.., deadline)| deadline <= t) {
            self.second_phase(t, observer);
        } else if let Some((bank, active)) = self.after_cas.take() {
            self.hold_at = Tick::MAX;
            self.issue_column(bank, active, t, observer);
        } else if let Some(bank) = self.due_active(t) {
            self.clocked_column(bank, true, t, observer);
        } else if !(self.refreshes.waits() && self.maintain(t, observer)) {
            self.buffered(t, observer);
        }
        if self.activating.is_some() || self.after_cas.is_some() {
            self.hold_at = t + 1;
        }
    }

    fn buffered(&mut self, t: Tick, observer: &mut impl Observer) {
        if self.channel_waits() {
            self.hit_plan = Plan::NONE;
            self.row_plan = Plan::NONE;
            self.close_plan = Plan::NONE;
        } else {
            self.turn();
            let hit = self.due_hit(t);
            let row = self.due_row(t);
            match (hit, row) {
                (Some(bank), None) => return self.clocked_column(bank, false, t, observer),
                (Some(bank), Some(_)) if self.hit_is_older() => {
                    return self.clocked_column(bank, false, t, observer);
                }
                (_, Some(bank)) => return self.issue_row(bank, t, observer),
                (None, None) => {}
            }
            if let Some(bank) = self.due_close(t) {
                return self.precharge(bank, t, observer);
            }
        }
        self.second_phase(t, observer);
    }

    /// A column command, or what must come before it: a CAS that starts the data clock, which
    /// takes this tick and reserves the next; or the second half of an activation that could not
    /// wait so long.
    fn clocked_column(&mut self, bank: usize, active: bool, t: Tick, observer: &mut impl Observer) {
        if self.protocol.data_clock.is_none() || t < self.clock_runs_until {
            self.issue_column(bank, active, t, observer);
        } else if self
            .activating
            .is_some_and(|(.., deadline)| deadline <= t + 1)
        {
            self.second_phase(t, observer);
        } else {
            self.start_clock(bank, t, observer);
            self.after_cas = Some((bank, active));
        }
    }
}
