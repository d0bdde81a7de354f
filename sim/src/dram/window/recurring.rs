//! Periodic fast-forward: the state of a channel as words that do not depend on when and in which
//! rows it is. Plans are no part of it: they follow from the rest.

use super::gates::Gates;
use super::plan::Plan;
use super::queue::NONE;
use super::{Phase, Window};
use crate::dram::observer::Observer;
use crate::dram::recurrence::{Recurrence, Recurring};
use crate::dram::request::{Outcome, Period, Source};
use crate::time::Tick;

/// Requests between two looks where there is no refresh to look at.
const SPACING: u64 = 1000;

impl Window {
    /// Takes a described stream until it is exhausted, passing over what recurs. A look is worth
    /// its time after a round of refreshes: most distances have passed by then.
    pub(super) fn run_described(
        &mut self,
        source: &mut impl Source,
        period: Period,
        observer: &mut impl Observer,
    ) {
        let mut recurrence = Recurrence::new(period, self.mapper.organisation().rows);
        let spacing = period.requests * SPACING.div_ceil(period.requests.max(1));
        let refreshed = self.refreshes.next != Tick::MAX;
        let (mut from, mut rounds) = (self.now, self.refreshes.rounds);
        while let Some(request) = source.take() {
            from = self.offer(request, from, observer) + 1;
            let taken = recurrence.took();
            let look = if refreshed {
                self.refreshes.rounds != rounds
            } else {
                taken.is_multiple_of(spacing)
            };
            if look {
                rounds = self.refreshes.rounds;
                from += recurrence.show(self, source);
            }
        }
    }

    fn entry_words(&self, index: u16, row: u64, words: &mut Vec<u64>) {
        if index == NONE {
            words.push(u64::MAX);
            return;
        }
        let entry = self.pool.get(index);
        let organisation = self.mapper.organisation();
        let rows = organisation.rows;
        words.push((u64::from(entry.row) + rows - row % rows) % rows);
        words.push(organisation.locate(entry.slot).column << 1 | u64::from(entry.side));
        words.push(self.accepted - entry.id);
        words.push(self.now - entry.at);
        if entry.shared {
            for (_, at) in self.shared.iter().filter(|(of, _)| *of == index) {
                words.push(u64::MAX - (self.now - at));
            }
        }
    }

    fn bank_words(&self, bank: usize, row: u64, words: &mut Vec<u64>) {
        let rows = self.mapper.organisation().rows;
        let b = &self.banks[bank];
        words.push(b.phase as u64);
        if b.phase != Phase::Closed {
            words.push((u64::from(b.row) + rows - row % rows) % rows);
            // Beyond the first, and beyond the cap, more makes no difference.
            words.push(u64::from(
                b.served.min(self.parameters.hit_cap.unwrap_or(1)),
            ));
            let wait = self.wait_before_close.unwrap_or(0);
            words.push((b.used + wait).saturating_sub(self.now));
        }
        self.entry_words(b.active, row, words);
        for list in &b.lists {
            let mut index = list.head;
            while index != NONE {
                self.entry_words(index, row, words);
                index = self.pool.get(index).next;
            }
            words.push(u64::MAX);
        }
    }
}

impl Recurring for Window {
    fn state(&self, row: u64, words: &mut Vec<u64>) {
        let now = self.now;
        words.push(self.serving as u64);
        words.push(self.clock_runs_until.saturating_sub(now));
        words.push(self.last_return.saturating_sub(now));
        if let Some((bank, active)) = self.after_cas {
            words.extend([bank as u64, u64::from(active)]);
        }
        words.push(u64::MAX);
        if let Some((bank, index, deadline)) = self.activating {
            words.extend([bank as u64, deadline.saturating_sub(now)]);
            self.entry_words(index, row, words);
        }
        words.push(u64::MAX);
        let (at, pseudo_channel, bank) = self.barred;
        if at != Tick::MAX && at >= now {
            words.extend([at - now, pseudo_channel as u64]);
            words.push(bank.map_or(u64::MAX, |bank| bank as u64));
        }
        words.push(u64::MAX);
        self.refreshes.words(now, words);
        for bank in 0..self.banks.len() {
            self.bank_words(bank, row, words);
        }
        self.gates.words(now, words);
    }

    fn present(&self) -> Tick {
        self.now
    }

    fn counts(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        for rank in self.activity.iter().filter(|rank| rank.open > 0) {
            outcome.active_ticks += self.now - rank.since;
        }
        outcome
    }

    fn shift(&mut self, ticks: Tick, rows: u64) {
        self.now += ticks;
        for time in [
            &mut self.clock_runs_until,
            &mut self.last_return,
            &mut self.last_answer,
        ] {
            *time += ticks;
        }
        self.last_accepted = self.last_accepted.map(|at| at + ticks);
        if self.barred.0 != Tick::MAX {
            self.barred.0 += ticks;
        }
        if let Some((_, _, deadline)) = &mut self.activating {
            *deadline += ticks;
        }
        if self.hold_at != Tick::MAX {
            self.hold_at += ticks;
        }
        for rank in &mut self.activity {
            rank.since += ticks;
        }
        for (_, at) in &mut self.shared {
            *at += ticks;
        }
        self.refreshes.shift(ticks);
        self.gates.shift(ticks);
        self.shift_rows(ticks, rows);
        self.column_floor = self.now;
        self.row_floor = self.now;
        self.active_plan = Plan::stale(self.now);
        self.forget_plans();
        if self.refreshes.waits() {
            self.maintain_at = self.now;
        }
        self.expect_turn(self.now);
    }

    fn counts_mut(&mut self) -> &mut Outcome {
        &mut self.outcome
    }
}

impl Window {
    fn shift_rows(&mut self, ticks: Tick, rows: u64) {
        let map = &self.mapper;
        let organisation = map.organisation();
        let size = organisation.rows;
        let row = |row: u32| ((u64::from(row) + rows) % size) as u32;
        let slot = |slot: u64| {
            let place = organisation.locate(slot);
            organisation.slot_at(place.bank, row(place.row), place.column)
        };
        for bank in &mut self.banks {
            bank.row = row(bank.row);
            bank.used += ticks;
        }
        self.pool.shift(|entry| {
            entry.at += ticks;
            entry.row = row(entry.row);
            entry.slot = slot(entry.slot);
        });
        self.writes_waiting.shift(slot);
        self.reads_waiting.shift(slot);
    }
}

impl Gates {
    fn words(&self, now: Tick, words: &mut Vec<u64>) {
        self.each(|tick| words.push(tick.saturating_sub(now)));
    }
}
