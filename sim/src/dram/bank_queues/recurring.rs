//! The state of a channel as words that do not depend on when and in which rows it is.

use super::super::recurrence::Recurring;
use super::super::request::Outcome;
use super::controller::BankQueues;
use super::flights::{FlightId, NONE};
use super::waiting::Waiting;
use crate::time::Tick;

impl BankQueues {
    fn flight_words(&self, id: FlightId, row: u64, words: &mut Vec<u64>) {
        let flight = self.flights.get(id);
        let location = self.tables.mapper.locate(flight.slot);
        let rows = self.tables.rows;
        words.push(location.bank as u64);
        words.push((u64::from(flight.row) + rows - row) % rows);
        words.push(location.column << 1 | u64::from(flight.write));
        words.push(self.now - flight.accepted);
        for accepted in self.flights.sharing(id) {
            words.push(u64::MAX - (self.now - accepted));
        }
    }

    fn waiting_words(&self, waiting: &Waiting, row: u64, words: &mut Vec<u64>) {
        words.push(waiting.len as u64);
        let mut all: Vec<FlightId> = Vec::with_capacity(waiting.len);
        for bank in (0..self.tables.banks).filter(|bank| waiting.banks >> bank & 1 != 0) {
            let mut id = waiting.head(bank);
            while id != NONE {
                all.push(id);
                id = self.flights.get(id).link;
            }
        }
        all.sort_unstable_by_key(|id| self.flights.get(*id).order);
        for id in all {
            self.flight_words(id, row, words);
        }
    }

    fn bank_words(&self, bank: usize, row: u64, words: &mut Vec<u64>) {
        let queue = &self.queues.of[bank];
        let open = self.queues.open >> bank & 1 != 0;
        words.push(u64::from(queue.len) << 1 | u64::from(open));
        if open {
            let rows = self.tables.rows;
            words.push((u64::from(queue.open) + rows - row) % rows);
            // Beyond the cap, and beyond the first for the hits counted, more makes no difference.
            words.push(u64::from(queue.served.min(self.parameters.hit_cap.max(1))));
        }
        for position in 0..queue.len {
            self.flight_words(self.queues.entry(bank, position).1, row, words);
        }
    }
}

impl Recurring for BankQueues {
    fn state(&self, row: u64, words: &mut Vec<u64>) {
        words.extend([
            self.pointer as u64,
            self.drain as u64,
            self.next.saturating_sub(self.now),
        ]);
        self.refreshes.words(self.now, words);
        for bank in 0..self.tables.banks {
            self.bank_words(bank, row, words);
        }
        self.waiting_words(&self.reads, row, words);
        self.waiting_words(&self.writes, row, words);
        // An epoch after the present would be none: it is that of the last tick gone through.
        let present = self.now.saturating_sub(self.epoch);
        self.gates.words(&self.tables, present, words);
    }

    fn present(&self) -> Tick {
        self.now
    }

    fn counts(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        outcome.active_ticks += self.active_unclosed(self.now);
        outcome
    }

    fn shift(&mut self, ticks: Tick, rows: u64) {
        self.epoch += ticks;
        self.now += ticks;
        self.next = self.next.saturating_add(ticks);
        self.last += ticks;
        self.refreshes.shift(ticks);
        for since in &mut self.active_since {
            *since += ticks;
        }
        let size = self.tables.rows;
        let row = |row: u32| ((u64::from(row) + rows) % size) as u32;
        self.queues.shift(row);
        let mapper = &self.tables.mapper;
        self.flights.shift(ticks, |slot| {
            let location = mapper.locate(slot);
            let there = row(location.row);
            (mapper.slot(location.bank, there, location.column), there)
        });
    }

    fn counts_mut(&mut self) -> &mut Outcome {
        &mut self.outcome
    }
}
