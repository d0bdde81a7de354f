//! A described stream repeats itself, and so does a channel under it: once the whole state, seen
//! from the present tick and the stream's present row, is one that was there before, everything
//! until the stream's end is known. Whole periods are then skipped; nothing of the outcome changes.
//!
//! States are compared after refreshes, where few constraints are still running, and with one kept
//! state at a time: the kept one is renewed after 1, 2, 4, 8 ... refreshes, so that any period is
//! found at the latest after three times its length beyond the transient.

use super::engine::BankQueues;
use super::queue::{Entry, Transactions, key};
use crate::dram::request::{Outcome, Period, Source};
use crate::time::Tick;

/// What the search for a recurrence remembers.
#[derive(Debug)]
pub(super) struct Periodic {
    period: Period,
    rows: u64,
    refreshes: u64,
    renew_at: u64,
    state: Vec<u64>,
    scratch: Vec<u64>,
    at: Tick,
    outcome: Outcome,
    done: bool,
}

impl Periodic {
    pub(super) fn new(period: Option<Period>, rows: u64) -> Option<Periodic> {
        let period = period.filter(|period| period.requests > 0)?;
        Some(Periodic {
            period,
            rows,
            refreshes: 0,
            renew_at: 1,
            state: Vec::new(),
            scratch: Vec::new(),
            at: 0,
            outcome: Outcome::default(),
            done: false,
        })
    }

    /// Called after every refresh: skips what repeats.
    pub(super) fn refreshed(&mut self, channel: &mut BankQueues, source: &mut impl Source) {
        if self.done {
            return;
        }
        self.refreshes += 1;
        for rank in 0..channel.ranks.len() {
            channel.count_standby(rank, channel.now);
        }
        let accepted = channel.outcome.reads + channel.outcome.writes;
        let mut state = std::mem::take(&mut self.scratch);
        state.clear();
        state.push(accepted % self.period.requests);
        let base = accepted / self.period.requests * u64::from(self.period.rows) % self.rows;
        View {
            now: channel.now,
            base,
            rows: self.rows,
            out: &mut state,
        }
        .channel(channel);
        if state == self.state {
            self.skip(channel, source, accepted);
            self.done = true;
        } else if self.refreshes == self.renew_at {
            self.renew_at *= 2;
            self.at = channel.now;
            self.outcome.clone_from(&channel.outcome);
            std::mem::swap(&mut state, &mut self.state);
        }
        self.scratch = state;
    }

    fn skip(&self, channel: &mut BankQueues, source: &mut impl Source, accepted: u64) {
        let requests = accepted - (self.outcome.reads + self.outcome.writes);
        if requests == 0 {
            return;
        }
        let times = source.left() / requests;
        if times == 0 {
            return;
        }
        let ticks = (channel.now - self.at) * times;
        let sweeps = requests / self.period.requests * u64::from(self.period.rows);
        let rows = u128::from(sweeps) * u128::from(times) % u128::from(self.rows);
        source.skip(requests * times);
        channel.outcome.repeat(&self.outcome, times);
        shift(channel, ticks, rows as u64, self.rows);
    }
}

/// A channel's state as words: times from now on, rows from the stream's row on, and nothing that
/// no longer has an effect.
struct View<'a> {
    now: Tick,
    base: u64,
    rows: u64,
    out: &'a mut Vec<u64>,
}

impl View<'_> {
    fn channel(&mut self, channel: &BankQueues) {
        let now = self.now;
        self.out.extend([
            channel.pointer as u64,
            channel.draining as u64,
            channel.next_refresh - now,
            channel.refreshes % channel.ranks.len() as u64,
            channel.accept_from.saturating_sub(now),
            channel.last.saturating_sub(now),
            channel.unserved,
            u64::from(channel.offered),
        ]);
        self.out.extend(channel.due.iter().map(|&rank| rank as u64));
        if channel.offered {
            let offer = channel.offer;
            let key = self.key(offer.key);
            let at = offer.at.saturating_sub(now);
            self.out
                .extend([at, offer.bank as u64, key, u64::from(offer.write)]);
        }
        let cap = channel.parameters.hit_cap.max(1);
        for bank in &channel.banks {
            self.gates(&bank.gate);
            let open = match bank.open {
                Some(row) => self.key(key(row, 0)),
                None => u64::MAX,
            };
            let queue = &bank.queue;
            self.out
                .extend([open, bank.hits.min(cap), queue.len as u64]);
            self.out.push(u64::from(queue.writes));
            for entry in queue.iter() {
                self.entry(entry);
            }
        }
        for group in &channel.groups {
            self.gates(group);
        }
        for rank in &channel.ranks {
            self.gates(&rank.gate);
            for ((ring, next), window) in rank.windows.iter().zip(&channel.tables.windows) {
                let in_order = ring[*next..].iter().chain(&ring[..*next]);
                self.out.extend(in_order.map(|tick| match tick {
                    Some(tick) if tick + window.distance > now => now - tick,
                    _ => u64::MAX,
                }));
            }
        }
        self.transactions(&channel.reads, channel.banks.len());
        self.transactions(&channel.writes, channel.banks.len());
        for &(bank, entry) in &channel.shared {
            self.out.push(bank as u64);
            self.entry(entry);
        }
    }

    fn gates(&mut self, gates: &[Tick]) {
        let now = self.now;
        self.out
            .extend(gates.iter().map(|gate| gate.saturating_sub(now)));
    }

    fn key(&self, key: u64) -> u64 {
        moved(key, self.rows - self.base, self.rows)
    }

    fn entry(&mut self, entry: Entry) {
        let key = self.key(entry.key);
        self.out.extend([key, self.now - entry.accepted]);
    }

    fn transactions(&mut self, transactions: &Transactions, banks: usize) {
        for bank in 0..banks {
            for (id, entry) in transactions.of(bank) {
                self.out.push(transactions.next_id() - id);
                self.entry(entry);
            }
            self.out.push(u64::MAX);
        }
    }
}

/// The address `by` rows on.
fn moved(key: u64, by: u64, rows: u64) -> u64 {
    let row = ((key >> 32) + by) % rows;
    row << 32 | key & u64::from(u32::MAX)
}

fn shift(channel: &mut BankQueues, ticks: Tick, by: u64, rows: u64) {
    channel.now += ticks;
    channel.next_refresh += ticks;
    channel.accept_from += ticks;
    channel.last += ticks;
    let entry = |entry: &mut Entry| {
        entry.accepted += ticks;
        entry.key = moved(entry.key, by, rows);
    };
    channel.offer.key = moved(channel.offer.key, by, rows);
    channel.pending_reads.clear();
    channel.pending_writes.clear();
    for (bank, state) in channel.banks.iter_mut().enumerate() {
        state.gate = state.gate.map(|gate| gate + ticks);
        state.open = state
            .open
            .map(|row| (moved(key(row, 0), by, rows) >> 32) as u32);
        state.queue.change(entry);
        for (index, entry) in state.queue.iter().enumerate() {
            if state.queue.writes >> index & 1 == 1 {
                channel.pending_writes.add(bank, entry.key);
            } else {
                channel.pending_reads.add(bank, entry.key);
            }
        }
    }
    for group in &mut channel.groups {
        *group = group.map(|gate| gate + ticks);
    }
    for rank in &mut channel.ranks {
        rank.gate = rank.gate.map(|gate| gate + ticks);
        rank.since += ticks;
        for tick in rank.windows.iter_mut().flat_map(|(ring, _)| ring) {
            *tick = tick.map(|tick| tick + ticks);
        }
    }
    channel.reads.change(entry);
    channel.writes.change(entry);
    for bank in 0..channel.banks.len() {
        for (_, entry) in channel.reads.of(bank) {
            channel.pending_reads.add(bank, entry.key);
        }
        for (_, entry) in channel.writes.of(bank) {
            channel.pending_writes.add(bank, entry.key);
        }
    }
    for (_, read) in &mut channel.shared {
        entry(read);
    }
    channel.restart_lanes();
    channel.rows_changed = true;
    channel.changed = true;
}
