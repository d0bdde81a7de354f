//! State of the channel, and the loop over its events.

use super::Parameters;
use super::address::Filter;
use super::lanes::Lanes;
use super::periodic::Periodic;
use super::queue::{BankQueue, Entry, Transactions, key};
use super::tables::{ACT, Gate, PRE, RD, REF, Tables, USED, WR};
use crate::dram::interface::Slots;
use crate::dram::mapper::Mapper;
use crate::dram::observer::{Issued, Observer};
use crate::dram::request::{Outcome, Request, Source};
use crate::dram::standard::Standard;
use crate::dram::stream::Direction;
use crate::time::Tick;
use std::collections::VecDeque;

/// A request that is offered and not yet accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub at: Tick,
    pub key: u64,
    pub bank: usize,
    pub write: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Bank {
    pub gate: Gate,
    pub open: Option<u32>,
    /// Column commands since the row was opened.
    pub hits: u64,
    pub group: usize,
    pub rank: usize,
    pub queue: BankQueue,
}

#[derive(Debug, Clone)]
pub(super) struct Rank {
    pub gate: Gate,
    /// Ticks of the latest activations by window, a ring each with its next place.
    pub windows: Vec<(Vec<Option<Tick>>, usize)>,
    pub open: usize,
    /// Since when the number of open banks has been zero, or not.
    pub since: Tick,
}

/// When the next command can be issued, and which banks have one then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Next {
    pub at: Tick,
    pub rows: u64,
    pub columns: u64,
}

/// A channel with a queue for every bank, served in turn.
#[derive(Debug, Clone)]
pub struct BankQueues {
    pub(super) parameters: Parameters,
    /// Read command to the end of its data.
    pub(super) read_latency: Tick,
    /// Ticks between two refreshes to fall due.
    pub(super) interval: Tick,
    pub(super) two_slots: bool,
    pub(super) tables: Tables,
    pub(super) mapper: Mapper,
    pub(super) per_rank: usize,
    /// Rows of a bank.
    pub(super) rows: u64,
    /// The next tick to process.
    pub(super) now: Tick,
    pub(super) banks: Vec<Bank>,
    pub(super) groups: Vec<Gate>,
    pub(super) ranks: Vec<Rank>,
    pub(super) lanes: Lanes,
    /// Earliest row command of the ranks that do not wait for a refresh, unless `rows_changed`.
    pub(super) row_at: Tick,
    pub(super) rows_changed: bool,
    /// The next command, unless `changed`.
    pub(super) next: Next,
    pub(super) changed: bool,
    /// Bank served last.
    pub(super) pointer: usize,
    /// Banks whose open row has queued hits.
    pub(super) columns: u64,
    pub(super) full: u64,
    pub(super) filled: u64,
    pub(super) reads: Transactions,
    pub(super) writes: Transactions,
    pub(super) draining: usize,
    pub(super) pending_reads: Filter,
    pub(super) pending_writes: Filter,
    /// Reads that share the command of an earlier one: bank and entry.
    pub(super) shared: Vec<(usize, Entry)>,
    pub(super) next_refresh: Tick,
    pub(super) refreshes: u64,
    pub(super) due: VecDeque<usize>,
    pub(super) offer: Offer,
    /// Whether `offer` waits. Not an `Option`: its copies would stall on fields just stored.
    pub(super) offered: bool,
    /// Earliest tick at which the next request may be accepted.
    pub(super) accept_from: Tick,
    pub(super) unserved: u64,
    /// Last tick at which something was accepted or returned.
    pub(super) last: Tick,
    pub(super) outcome: Outcome,
}

impl BankQueues {
    /// An idle channel. Errors name what this controller cannot represent.
    pub fn new(standard: &Standard, parameters: Parameters) -> Result<BankQueues, String> {
        let organisation = &standard.organisation;
        let banks = organisation.banks();
        if banks > 64 || organisation.pseudo_channels > 1 {
            return Err(format!(
                "the bank-queue controller has at most 64 banks in one pseudo-channel, not \
                 {banks} in {}",
                organisation.pseudo_channels
            ));
        }
        if !(1..=32).contains(&parameters.bank_queue)
            || !(1..=1024).contains(&parameters.transactions)
        {
            return Err("a bank queue has 1 to 32 entries, a transaction queue 1 to 1024".into());
        }
        let ranks = organisation.units();
        let interval = if parameters.staggered {
            standard.refreshes.interval / ranks as Tick
        } else {
            standard.refreshes.interval
        };
        if interval == 0 {
            return Err("the refresh interval must not be zero".into());
        }
        let tables = Tables::new(&standard.constraints)?;
        let rank = Rank {
            gate: [0; 5],
            windows: tables
                .windows
                .iter()
                .map(|window| (vec![None; window.count], 0))
                .collect(),
            open: 0,
            since: 0,
        };
        Ok(BankQueues {
            read_latency: standard.read_latency(),
            interval,
            two_slots: standard.interface.slots == Slots::RowAndColumn,
            mapper: Mapper::new(organisation),
            per_rank: banks / ranks,
            rows: organisation.rows,
            now: 0,
            banks: (0..banks)
                .map(|bank| {
                    let place = organisation.place(bank);
                    Bank {
                        gate: [0; 5],
                        open: None,
                        hits: 0,
                        group: place.group,
                        rank: place.rank,
                        queue: BankQueue::new(parameters.bank_queue),
                    }
                })
                .collect(),
            groups: vec![[0; 5]; organisation.groups()],
            ranks: vec![rank; ranks],
            lanes: Lanes::new(banks),
            row_at: 0,
            rows_changed: true,
            next: Next::default(),
            changed: true,
            pointer: 0,
            columns: 0,
            full: 0,
            filled: 0,
            reads: Transactions::new(parameters.transactions, banks),
            writes: Transactions::new(parameters.transactions, banks),
            draining: 0,
            pending_reads: Filter::new(),
            pending_writes: Filter::new(),
            shared: Vec::new(),
            next_refresh: interval,
            refreshes: 0,
            due: VecDeque::new(),
            offer: Offer::default(),
            offered: false,
            accept_from: 0,
            unserved: 0,
            last: 0,
            outcome: Outcome::default(),
            tables,
            parameters,
        })
    }

    /// Runs a source to its end: until every request is accepted and every read has returned.
    pub fn run<O: Observer>(mut self, source: &mut impl Source, observer: &mut O) -> Outcome {
        let period = source.period().filter(|_| !O::WATCHES);
        let mut periodic = Periodic::new(period, self.rows);
        self.take(source);
        while self.offered {
            let refreshed = self.outcome.commands[USED[REF] as usize];
            if self.step(Tick::MAX, observer) {
                self.accept_from = self.now + 1;
                self.take(source);
            } else if let Some(periodic) = &mut periodic
                && self.outcome.commands[USED[REF] as usize] != refreshed
            {
                periodic.refreshed(&mut self, source);
            }
        }
        if self.outcome.reads + self.outcome.writes == 0 {
            return self.outcome;
        }
        let last = self.settle(observer);
        self.finish(last, observer)
    }

    #[inline]
    fn take(&mut self, source: &mut impl Source) {
        match source.take() {
            Some(request) => self.set_offer(request),
            None => self.offered = false,
        }
    }

    #[inline]
    fn set_offer(&mut self, request: Request) {
        let location = self.mapper.locate(request.slot);
        self.offer = Offer {
            at: request.at,
            bank: location.bank,
            key: key(location.row, location.column),
            write: request.direction == Direction::Write,
        };
        self.offered = true;
    }

    /// Offers a request from tick `from` on, and advances the channel until it is accepted; returns
    /// that tick, up to which, but not including it, everything has happened.
    pub fn offer(&mut self, request: Request, from: Tick, observer: &mut impl Observer) -> Tick {
        self.set_offer(request);
        self.accept_from = from;
        while !self.step(Tick::MAX, observer) {}
        self.offered = false;
        self.now
    }

    /// Advances until every read has returned; the last such tick, or that of the last acceptance.
    pub fn settle(&mut self, observer: &mut impl Observer) -> Tick {
        while self.unserved > 0 {
            self.step(Tick::MAX, observer);
        }
        self.last
    }

    /// Goes on through tick `last`, at which a whole system has ended, and gives what it came to.
    pub fn finish(&mut self, last: Tick, observer: &mut impl Observer) -> Outcome {
        while self.now <= last {
            self.step(last, observer);
        }
        for rank in 0..self.ranks.len() {
            self.count_standby(rank, last + 1);
        }
        self.outcome.cycles = last + 1;
        std::mem::take(&mut self.outcome)
    }

    /// Advances to the next tick at which something happens, and through it; not past `horizon`.
    /// True if the offered request was accepted: then `now` is its tick, which is yet to come.
    #[inline]
    fn step(&mut self, horizon: Tick, observer: &mut impl Observer) -> bool {
        if self.changed {
            self.look();
        }
        let event = if self.moves() {
            self.now
        } else {
            self.next.at.min(self.next_refresh)
        };
        if self.offered {
            let full = if self.offer.write {
                self.writes.is_full()
            } else {
                self.reads.is_full()
            };
            let at = self.offer.at.max(self.accept_from).max(self.now);
            if !full && at <= event {
                self.now = at;
                self.accept();
                return true;
            }
        }
        if event > horizon {
            self.now = horizon + 1;
            return false;
        }
        self.now = event;
        if self.lanes.is_far(event) {
            self.restart_lanes();
        }
        if event == self.next_refresh {
            self.refresh_due();
            self.rows_changed = true;
            self.look();
        }
        if self.next.at == event {
            self.issue_commands(observer);
        }
        self.move_one();
        self.now = event + 1;
        self.changed = true;
        false
    }

    #[inline]
    fn accept(&mut self) {
        let now = self.now;
        self.last = self.last.max(now);
        let (bank, key) = (self.offer.bank, self.offer.key);
        let entry = Entry { key, accepted: now };
        if self.offer.write {
            self.outcome.writes += 1;
            if !self.holds_write(bank, key) {
                self.pending_writes.add(bank, key);
                self.writes.push(bank, entry);
            }
            return;
        }
        self.outcome.reads += 1;
        if self.holds_write(bank, key) {
            self.outcome.latencies.add(1);
            self.last = self.last.max(now + 1);
            return;
        }
        self.unserved += 1;
        if self.holds_read(bank, key) {
            self.shared.push((bank, entry));
            return;
        }
        self.pending_reads.add(bank, key);
        self.reads.push(bank, entry);
    }

    #[inline]
    pub(super) fn holds_write(&self, bank: usize, key: u64) -> bool {
        self.pending_writes.may_hold(bank, key) && self.holds(&self.writes, true, bank, key)
    }

    #[inline]
    pub(super) fn holds_read(&self, bank: usize, key: u64) -> bool {
        self.pending_reads.may_hold(bank, key) && self.holds(&self.reads, false, bank, key)
    }

    fn holds(&self, transactions: &Transactions, write: bool, bank: usize, key: u64) -> bool {
        let queue = &self.banks[bank].queue;
        let queued = queue.iter().enumerate();
        queued
            .filter(|(index, _)| (queue.writes >> index & 1 == 1) == write)
            .any(|(_, entry)| entry.key == key)
            || transactions.of(bank).any(|(_, entry)| entry.key == key)
    }

    fn refresh_due(&mut self) {
        self.next_refresh += self.interval;
        let ranks = self.ranks.len();
        if self.parameters.staggered {
            self.due.push_back((self.refreshes % ranks as u64) as usize);
            self.refreshes += 1;
        } else {
            self.due.extend(0..ranks);
        }
    }

    pub(super) fn count_standby(&mut self, rank: usize, until: Tick) {
        let rank = &mut self.ranks[rank];
        let ticks = until - rank.since;
        if rank.open > 0 {
            self.outcome.active_ticks += ticks;
        } else {
            self.outcome.idle_ticks += ticks;
        }
        rank.since = until;
    }

    /// Takes a command into account.
    #[inline]
    pub(super) fn issue(
        &mut self,
        command: usize,
        bank: usize,
        row: u32,
        observer: &mut impl Observer,
    ) {
        let now = self.now;
        let after = &self.tables.after[command];
        let state = &mut self.banks[bank];
        let (group, rank) = (state.group, state.rank);
        raise(&mut state.gate, now, &after.bank);
        raise(&mut self.groups[group], now, &after.group);
        raise(&mut self.ranks[rank].gate, now, &after.rank);
        if self.ranks.len() > 1 {
            for (index, other) in self.ranks.iter_mut().enumerate() {
                if index != rank {
                    raise(&mut other.gate, now, &after.others);
                }
            }
        }
        self.rows_changed |= command != RD && command != WR;
        match command {
            ACT => {
                self.count_standby(rank, now);
                let state = &mut self.ranks[rank];
                state.open += 1;
                for ((ring, next), window) in state.windows.iter_mut().zip(&self.tables.windows) {
                    ring[*next] = Some(now);
                    *next = (*next + 1) % ring.len();
                    if let Some(oldest) = ring[*next] {
                        state.gate[ACT] = state.gate[ACT].max(oldest + window.distance);
                    }
                }
                let bank = &mut self.banks[bank];
                bank.open = Some(row);
                bank.hits = 0;
                bank.queue.opened(row);
            }
            PRE => {
                self.count_standby(rank, now);
                self.ranks[rank].open -= 1;
                let bank = &mut self.banks[bank];
                bank.open = None;
                bank.hits = 0;
                bank.queue.hits = 0;
            }
            RD | WR => {
                let bank = &mut self.banks[bank];
                self.outcome.row_hits += u64::from(bank.hits > 0);
                bank.hits += 1;
            }
            _ => {}
        }
        self.outcome.commands[USED[command] as usize] += 1;
        observer.command(Issued {
            at: now,
            command: USED[command],
            bank,
            row,
            comps: 0,
        });
    }
}

#[inline]
fn raise(gate: &mut Gate, now: Tick, distances: &[(u8, u32)]) {
    for &(then, distance) in distances {
        let gate = &mut gate[usize::from(then)];
        *gate = (*gate).max(now + Tick::from(distance));
    }
}
