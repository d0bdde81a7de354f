//! What a command does once it is chosen: gates, lists, counts, and who may be chosen next.

use super::bits::Banks;
use super::gates::Kind;
use super::queue::NONE;
use super::{Phase, Window};
use crate::dram::command::Command;
use crate::dram::observer::{Issued, Observer};
use crate::time::Tick;

impl Window {
    fn log(
        &mut self,
        command: Command,
        bank: usize,
        row: u32,
        t: Tick,
        observer: &mut impl Observer,
    ) {
        self.outcome.commands[command as usize] += 1;
        observer.command(Issued {
            at: t,
            command,
            bank,
            row,
            comps: 0,
        });
    }

    /// Bars precharges from the falling edge that pairs with a row command on a rising one.
    fn bar(&mut self, kind: Kind, bank: usize, t: Tick) {
        if self.protocol.rising_edges && t.is_multiple_of(2) {
            let ticks = if kind == Kind::Act { 3 } else { 1 };
            let all = matches!(kind, Kind::PreAll | Kind::Ref);
            let pseudo_channel = self.gates.pseudo_channel_of(bank);
            self.barred = (t + ticks, pseudo_channel, (!all).then_some(bank));
        }
    }

    fn opened(&mut self, bank: usize, t: Tick) {
        let rank = &mut self.activity[self.gates.rank_of(bank)];
        if rank.open == 0 {
            rank.since = t;
        }
        rank.open += 1;
    }

    fn closed(&mut self, bank: usize, t: Tick) {
        let rank = &mut self.activity[self.gates.rank_of(bank)];
        rank.open -= 1;
        if rank.open == 0 {
            self.outcome.active_ticks += t - rank.since;
        }
    }

    /// Issues the column command of a bank's active request or of its oldest hit.
    #[inline]
    pub(super) fn issue_column(
        &mut self,
        bank: usize,
        active: bool,
        t: Tick,
        observer: &mut impl Observer,
    ) {
        let b = &mut self.banks[bank];
        let index = if active {
            std::mem::replace(&mut b.active, NONE)
        } else {
            b.lists[self.serving].hit
        };
        let entry = *self.pool.get(index);
        let side = usize::from(entry.side);
        if active {
            self.active.remove(bank);
        } else {
            let open = b.open_row();
            self.pool.unlink(&mut b.lists[side], index, open);
            self.leave_buffer(index, side);
        }
        let b = &mut self.banks[bank];
        self.outcome.row_hits += u64::from(b.served > 0);
        b.served = b.served.saturating_add(1);
        b.used = t;
        let (kind, command) = if side == 0 {
            (Kind::Rd, Command::Rd)
        } else {
            (Kind::Wr, Command::Wr)
        };
        self.gates.issue(kind, bank, t);
        self.log(command, bank, entry.row, t, observer);
        if side == 0 {
            self.return_data(index, entry.at, t);
        }
        self.pool.release(index);
        if let Some(clock) = self.protocol.data_clock {
            let ticks = [clock.read, clock.write][side];
            self.clock_runs_until = self.clock_runs_until.max(t + ticks);
        }
        self.after_issue(t);
        self.column_floor = t + 1;
        self.publish(bank, 0);
        self.publish(bank, 1);
        self.publish_idle(bank);
        if active {
            self.plan_active();
        } else {
            self.plan_hits();
        }
    }

    fn return_data(&mut self, index: u16, accepted: Tick, t: Tick) {
        let at = t + self.protocol.read_latency;
        self.last_return = at;
        self.reads_left -= 1;
        self.outcome.latencies.add(at - accepted);
        if self.parameters.merging {
            self.reads_waiting.remove(index);
            if self.pool.get(index).shared {
                let outcome = &mut self.outcome;
                self.shared.retain(|&(of, accepted)| {
                    if of == index {
                        outcome.latencies.add(at - accepted);
                    }
                    of != index
                });
            }
        }
    }

    fn leave_buffer(&mut self, index: u16, side: usize) {
        self.queued[side] -= 1;
        if side == 1 && self.looks_up_writes {
            self.writes_waiting.remove(index);
        }
    }

    /// Starts the data clock for the next tick's column command.
    pub(super) fn start_clock(&mut self, bank: usize, t: Tick, observer: &mut impl Observer) {
        self.log(Command::Cas, bank, 0, t, observer);
        self.after_issue(t);
    }

    /// Opens or closes the row of a bank for the request that was planned.
    pub(super) fn issue_row(&mut self, bank: usize, t: Tick, observer: &mut impl Observer) {
        if self.banks[bank].phase == Phase::Open {
            self.precharge(bank, t, observer);
        } else {
            self.activate(bank, t, observer);
        }
    }

    fn activate(&mut self, bank: usize, t: Tick, observer: &mut impl Observer) {
        let side = self.serving;
        let b = &mut self.banks[bank];
        let index = b.lists[side].head;
        let row = self.pool.get(index).row;
        b.row = row;
        b.served = 0;
        b.used = t;
        b.phase = Phase::Open;
        self.open.insert(bank);
        let leaves = self.parameters.active_buffer;
        if leaves {
            self.pool.unlink(&mut b.lists[side], index, None);
        }
        let two_phase = self.protocol.two_phase;
        if two_phase.is_some() {
            b.phase = Phase::Activating;
            self.open.remove(bank);
        }
        let open = b.open_row();
        for list in &mut b.lists {
            self.pool.sort(list, open);
        }
        if leaves {
            self.leave_buffer(index, side);
        }
        self.gates.issue(Kind::Act, bank, t);
        self.opened(bank, t);
        self.log(Command::Act, bank, row, t, observer);
        self.bar(Kind::Act, bank, t);
        self.after_issue(t);
        self.row_floor = t + 1;
        if let Some(two_phase) = two_phase {
            self.activating = Some((bank, index, t + two_phase.deadline));
            self.hold_at = t + 1;
        } else if leaves {
            self.promote(bank, index);
        }
        self.publish(bank, 0);
        self.publish(bank, 1);
        self.plan_rows();
    }

    fn promote(&mut self, bank: usize, index: u16) {
        self.banks[bank].active = index;
        self.active.insert(bank);
        self.active_turns[bank] = self.promotions;
        self.promotions += 1;
        self.offer_active(bank);
    }

    /// Second half of the activation under way.
    pub(super) fn second_phase(&mut self, t: Tick, observer: &mut impl Observer) {
        let Some((bank, index, _)) = self.activating.take() else {
            return;
        };
        let b = &mut self.banks[bank];
        b.phase = Phase::Open;
        self.open.insert(bank);
        let open = b.open_row();
        let row = b.row;
        for list in &mut b.lists {
            self.pool.sort(list, open);
        }
        self.log(Command::Act2, bank, row, t, observer);
        self.hold_at = Tick::MAX;
        self.after_issue(t);
        self.promote(bank, index);
        self.publish(bank, 0);
        self.publish(bank, 1);
        self.forget_plans();
    }

    /// Closes one bank.
    pub(super) fn precharge(&mut self, bank: usize, t: Tick, observer: &mut impl Observer) {
        self.gates.issue(Kind::Pre, bank, t);
        self.log(Command::Pre, bank, 0, t, observer);
        self.bar(Kind::Pre, bank, t);
        self.after_issue(t);
        self.row_floor = t + 1;
        self.close(bank, t);
        self.plan_rows();
    }

    fn close(&mut self, bank: usize, t: Tick) {
        let b = &mut self.banks[bank];
        b.phase = Phase::Closed;
        self.open.remove(bank);
        for list in &mut b.lists {
            self.pool.sort(list, None);
        }
        self.closed(bank, t);
        self.publish(bank, 0);
        self.publish(bank, 1);
    }

    /// Issues a command to all of some banks; closes them if it is a precharge.
    pub(super) fn issue_wide(
        &mut self,
        kind: Kind,
        banks: Banks,
        t: Tick,
        observer: &mut impl Observer,
    ) {
        self.gates.issue_wide(kind, banks, t);
        self.log(kind.command(), banks.first(), 0, t, observer);
        self.bar(kind, banks.first(), t);
        self.after_issue(t);
        self.row_floor = t + 1;
        if kind == Kind::PreAll {
            for bank in banks.iter() {
                if self.banks[bank].phase != Phase::Closed {
                    self.close(bank, t);
                }
            }
        }
    }

    /// What every command does: a controller with one slot has none left, and a refresh that waits
    /// looks again.
    #[inline]
    fn after_issue(&mut self, t: Tick) {
        if !self.protocol.two_slots {
            self.column_floor = t + 1;
            self.row_floor = t + 1;
        }
        if self.refreshes.waits() {
            // The row slot comes after the column slot of the same tick.
            self.maintain_at = self.maintain_at.min(t);
        }
    }
}
