//! Commands to banks, and transactions to bank queues.

use super::super::command::Command;
use super::super::observer::{Issued, Observer};
use super::controller::BankQueues;
use super::flights::FlightId;
use super::gates::Rel;
use crate::time::Tick;

impl BankQueues {
    /// Counts and shows a command.
    #[inline]
    pub(super) fn note(
        &mut self,
        command: Command,
        bank: usize,
        row: u32,
        at: Tick,
        observer: &mut impl Observer,
    ) {
        self.outcome.commands[command as usize] += 1;
        observer.command(Issued {
            at,
            command,
            bank,
            row,
            comps: 0,
        });
    }

    /// The row command that the oldest entry of `bank` needs.
    #[inline]
    pub(super) fn row(
        &mut self,
        bank: usize,
        t: Tick,
        at: Rel,
        observer: &mut impl Observer,
    ) -> Command {
        if self.queues.open >> bank & 1 == 0 {
            self.open(bank, t, at, observer);
            Command::Act
        } else {
            self.close(bank, t, at, observer);
            Command::Pre
        }
    }

    #[inline]
    fn open(&mut self, bank: usize, t: Tick, at: Rel, observer: &mut impl Observer) {
        let (row, _) = self.queues.entry(bank, 0);
        let rank = usize::from(self.tables.rank_of[bank]);
        if self.queues.open & self.rank_mask(rank) == 0 {
            self.active_since[rank] = t;
        }
        self.queues.open_row(bank, row);
        self.gates.activated(&self.tables, bank, at);
        self.plan
            .update(&self.queues, bank, self.parameters.hit_cap);
        self.plan.rows_changed();
        self.plan.columns_changed();
        self.note(Command::Act, bank, row, t, observer);
    }

    #[inline]
    pub(super) fn close(&mut self, bank: usize, t: Tick, at: Rel, observer: &mut impl Observer) {
        let row = self.queues.close_row(bank);
        let rank = usize::from(self.tables.rank_of[bank]);
        if self.queues.open & self.rank_mask(rank) == 0 {
            self.outcome.active_ticks += t - self.active_since[rank];
        }
        self.gates.precharged(&self.tables, bank, at);
        self.plan
            .update(&self.queues, bank, self.parameters.hit_cap);
        self.plan.rows_changed();
        self.note(Command::Pre, bank, row, t, observer);
    }

    /// The oldest column command of `bank` that is ready.
    #[inline]
    pub(super) fn column(&mut self, bank: usize, t: Tick, at: Rel, observer: &mut impl Observer) {
        let queue = self.queues.of[bank];
        let reads = queue.hits & !queue.writes;
        let writes = queue.hits & queue.writes;
        let ready = |write| self.gates.column(&self.tables, bank, write) <= at;
        // Mostly there is but one kind, and it is the one that made the bank ready.
        let kinds = match (reads != 0, writes != 0) {
            (true, false) => reads,
            (false, _) => writes,
            (true, true) => {
                (if ready(0) { reads } else { 0 }) | (if ready(1) { writes } else { 0 })
            }
        };
        let position = kinds.trailing_zeros() % 32;
        let write = queue.writes >> position & 1;
        let flight = self.queues.remove(bank, position);
        let served = &mut self.queues.of[bank].served;
        self.outcome.row_hits += u64::from(*served > 0);
        *served = served.saturating_add(1);
        self.gates
            .column_issued(&self.tables, bank, write as usize, at);
        self.plan.pre_changed(bank);
        self.plan
            .update(&self.queues, bank, self.parameters.hit_cap);
        self.plan.columns_changed();
        let command = if write == 0 { Command::Rd } else { Command::Wr };
        self.note(command, bank, queue.open, t, observer);
        self.serve(flight, write != 0, t);
    }

    /// Answers the request of a column command issued at `t`.
    #[inline]
    fn serve(&mut self, flight: FlightId, write: bool, t: Tick) {
        if self.parameters.merging {
            self.flights.unindex(flight);
        }
        if write {
            self.flights.leave(flight, |_| {});
            return;
        }
        let back = t + Tick::from(self.tables.read_latency);
        let latencies = &mut self.outcome.latencies;
        let first = self
            .flights
            .leave(flight, |accepted| latencies.add(back - accepted));
        latencies.add(back - first.accepted);
        self.last = self.last.max(back);
        self.reading -= 1;
    }

    /// Whether a drain starts now, if none is under way.
    #[inline]
    fn drain_due(&self) -> bool {
        let waiting = self.writes.len;
        waiting >= self.parameters.transactions
            || (waiting > self.parameters.drain_above && self.queues.filled == 0)
    }

    /// Whether `move_one` would change anything as things stand.
    #[inline]
    pub(super) fn can_move(&self) -> bool {
        if self.drain > 0 {
            return self.writes.banks & !self.queues.full != 0;
        }
        if self.drain_due() {
            return self.drain_can_move();
        }
        self.reads.banks & !self.queues.full != 0
    }

    #[cold]
    fn drain_can_move(&self) -> bool {
        let banks = self.writes.banks & !self.queues.full;
        // A drain that starts with every bank queue full only starts its counter. One that ends in
        // the tick in which it starts changes nothing.
        banks == 0 || self.queues.filled == 0 || !self.waits_for_read(banks)
    }

    /// Whether the oldest write to `banks` must let a read of its address go first.
    #[inline]
    fn waits_for_read(&self, banks: u64) -> bool {
        if !self.parameters.merging {
            return false;
        }
        let bank = self.writes.oldest(banks, &self.flights);
        let slot = self.flights.get(self.writes.head(bank)).slot;
        self.flights.find(slot, false).is_some()
    }

    /// Moves the oldest transaction that has room in its bank queue, of the kind that is served.
    #[inline]
    pub(super) fn move_one(&mut self) {
        let due = self.drain_due();
        if self.drain == 0 && due {
            self.drain = self.writes.len;
        }
        let write = self.drain > 0;
        if write {
            let banks = self.writes.banks & !self.queues.full;
            if banks == 0 {
                return;
            }
            if !self.waits_for_read(banks) {
                self.drain -= 1;
                let bank = self.writes.oldest(banks, &self.flights);
                let flight = self.writes.pop(bank, &self.flights);
                self.enqueue(bank, flight, true);
                return;
            }
            self.drain = 0;
            if !(due && self.queues.filled == 0) {
                return;
            }
        }
        let banks = self.reads.banks & !self.queues.full;
        if banks != 0 {
            let bank = self.reads.oldest(banks, &self.flights);
            let flight = self.reads.pop(bank, &self.flights);
            self.enqueue(bank, flight, false);
        }
    }

    #[inline]
    fn enqueue(&mut self, bank: usize, flight: FlightId, write: bool) {
        let row = self.flights.get(flight).row;
        self.queues.push(bank, row, flight, write);
        self.plan
            .update(&self.queues, bank, self.parameters.hit_cap);
    }
}
