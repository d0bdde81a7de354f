//! The state of a channel and what happens in a tick, in the order of the published controller:
//! answers, refresh falls due, a command, one transaction to its command queue.

use super::super::RowBuffers;
use super::answers::{Answers, From};
use super::bus::Bus;
use super::candidates::{Candidates, Kind, after};
use super::flights::{Entered, Flights};
use super::gates::Gates;
use super::parameters::Parameters;
use super::pim::{Order, Pim};
use super::port::{Answer, Ask, Coordinates, Port, Transaction};
use super::queues::Queues;
use super::refresh::Refreshes;
use super::tables::{Refused, Tables};
use super::waiting::Waiting;
use crate::dram::Standard;
use crate::dram::command::PerCommand;
use crate::dram::observer::{NoObserver, Observer};
use crate::time::Tick;

/// A channel of the published controller, with one or two row buffers a bank as the standard's
/// commands say. Time passes from event to event: [`Newton::advance`] visits no tick in which
/// nothing happens, and the commands and answers are those of a walk through every tick.
#[derive(Debug, Clone)]
pub struct Newton {
    pub(super) tables: Tables,
    pub(super) parameters: Parameters,
    pub(super) queues: Queues,
    pub(super) candidates: Candidates,
    pub(super) flights: Flights,
    pub(super) reads: Waiting,
    pub(super) writes: Waiting,
    /// Writes left to move in this drain.
    pub(super) drain: usize,
    /// Address of a read that must move before anything else does.
    pub(super) lock: Option<u64>,
    pub(super) pim: Pim,
    pub(super) gates: Gates,
    pub(super) bus: Bus,
    pub(super) refreshes: Refreshes,
    pub(super) answers: Answers,
    /// The bank that was looked at last.
    pub(super) pointer: usize,
    /// Transactions accepted.
    orders: u64,
    /// First tick that has not been gone through.
    now: Tick,
    /// Next tick in which something happens without another transaction, at least `now`.
    next: Tick,
    /// First tick whose walk over the queues is not yet in `pointer`.
    walked: Tick,
    pub(super) commands: PerCommand<u64>,
}

impl Newton {
    /// An idle channel at tick 0.
    pub fn new(standard: &Standard, parameters: Parameters) -> Result<Newton, Refused> {
        let parameters = parameters.bounded();
        Ok(Newton::of(Tables::of(standard, &parameters)?, parameters))
    }

    fn of(tables: Tables, parameters: Parameters) -> Newton {
        let refreshes = Refreshes::new(&tables, parameters.refresh);
        let mut channel = Newton {
            queues: Queues::new(tables.banks, parameters.bank_queue),
            candidates: Candidates::new(),
            flights: Flights::new(),
            reads: Waiting::new(),
            writes: Waiting::new(),
            drain: 0,
            lock: None,
            pim: Pim::new(),
            gates: Gates::new(),
            bus: Bus::new(&tables),
            answers: Answers::default(),
            pointer: 0,
            orders: 0,
            now: 0,
            next: 0,
            walked: 0,
            commands: PerCommand::default(),
            refreshes,
            tables,
            parameters,
        };
        channel.look_ahead();
        channel
    }

    /// Sharing of the row buffers.
    pub fn buffers(&self) -> RowBuffers {
        self.tables.buffers
    }

    /// Commands issued so far.
    pub fn commands(&self) -> &PerCommand<u64> {
        &self.commands
    }

    /// Next tick in which a command may be issued, a transaction moved or an answer given, if none
    /// is offered before.
    pub fn next_event(&self) -> Tick {
        self.next.min(self.answers.next_at()).max(self.now)
    }

    /// Goes through every tick before `until`.
    #[inline]
    pub fn advance(&mut self, until: Tick, observer: &mut impl Observer) {
        while self.next < until {
            self.visit(self.next, until, observer);
        }
        self.now = self.now.max(until);
        self.next = self.next.max(self.now);
    }

    /// Goes through ticks up to the first one that gives an answer, or every tick before `until`
    /// where none does.
    pub fn advance_to_answer(&mut self, until: Tick, observer: &mut impl Observer) {
        loop {
            let answer = self.answers.next_at();
            if answer < self.next.min(until) {
                self.advance(answer + 1, observer);
                return;
            }
            if self.next >= until {
                self.advance(until, observer);
                return;
            }
            // What follows a command of this tick without a pause gives no answer.
            self.visit(self.next, until.min(answer.saturating_add(1)), observer);
            if answer < self.now {
                return;
            }
        }
    }

    /// Goes through the next tick; the first is tick 0.
    #[inline]
    pub fn tick_with(&mut self, observer: &mut impl Observer) {
        self.advance(self.now + 1, observer);
    }

    /// Whether a single bank's queue is looked at in a tick, whatever it holds.
    #[inline]
    pub(super) fn walks(&self) -> bool {
        self.pim.mode && self.pim.skip
    }

    /// Goes through the ticks up to `t`, of which only that one changes anything, and perhaps some
    /// after it and before `until`.
    fn visit(&mut self, t: Tick, until: Tick, observer: &mut impl Observer) {
        if self.walks() {
            self.walk(t);
        }
        self.end_gwrites(t);
        let mut issued = false;
        if t == self.refreshes.due || self.refreshes.rank.is_some() || self.refreshes.any_due() {
            issued = self.refresh(t, observer);
        }
        if !issued {
            self.issue(t, observer);
        }
        self.move_one();
        self.now = t + 1;
        if self.can_move() {
            self.next = self.now;
        } else {
            if self.closes_rows() {
                let gwrite = self.pim.gwrites.front().copied().unwrap_or(Tick::MAX);
                let until = until.min(self.refreshes.due).min(gwrite);
                self.now = self.clear_the_way(self.now, until, observer);
            }
            self.look_ahead();
        }
        self.walked = self.now;
    }

    /// The pointer's way over the ticks before `t`, in each of which it goes on by one queue.
    #[cold]
    fn walk(&mut self, t: Tick) {
        let banks = self.tables.all() & !self.refreshes.blocked;
        let ticks = t - self.walked;
        let round = Tick::from(banks.count_ones());
        if banks == 0 || ticks == 0 {
            return;
        }
        // The first step may come from a bank that is not on the way.
        for _ in 0..=(ticks - 1) % round {
            self.pointer = after(self.pointer, banks);
        }
    }

    /// Banks whose queue is not looked at.
    #[inline]
    pub(super) fn closed_to_host(&self) -> u64 {
        let gwrite = self.pim.gwriting.map_or(0, |bank| 1 << bank);
        self.refreshes.blocked | gwrite
    }

    #[inline]
    pub(super) fn earliest(&mut self, kind: Kind, blocked: u64, soon: Tick) -> (Tick, u64) {
        let gates = (&self.gates, &self.bus);
        self.candidates
            .earliest(kind, &self.tables, gates, blocked, soon)
    }

    /// Whether a header that has passed its test is at the head, and the head is served.
    #[inline]
    fn closes_rows(&self) -> bool {
        self.pim.tested
            && !self.pim.skip
            && self.tables.buffers == RowBuffers::Dual
            && self.parameters.precharge_by_bank
            && self.refreshes.rank.is_none()
            && !self.refreshes.any_due()
            && (self.pim.gwriting.is_none() || !self.parameters.gwrite_stalls)
    }

    /// Finds the next tick in which something happens, no transaction being ready to move.
    #[inline]
    fn look_ahead(&mut self) {
        let soon = self.now;
        // In the last tick before a refresh the slack is that of a whole interval.
        let refresh = self.refreshes.due;
        let mut at = if refresh > soon { refresh - 1 } else { refresh };
        if refresh == Tick::MAX {
            at = refresh;
        }
        at = at.max(soon);
        if let Some(end) = self.pim.gwrites.front() {
            at = at.min(*end);
        }
        if let Some(rank) = self.refreshes.rank {
            at = at.min(self.refresh_step_at(rank));
        } else if self.refreshes.any_due() {
            at = soon;
        }
        if at > soon {
            at = at.min(self.issue_at(soon, at));
        }
        self.next = at.max(soon);
    }

    /// Earliest tick from `soon` to `bound` in which a command other than a refresh's is issued.
    #[inline]
    fn issue_at(&mut self, soon: Tick, bound: Tick) -> Tick {
        let free = self.refreshes.rank.is_none();
        let asked = !self.pim.skip && !self.pim.queue.is_empty();
        match self.tables.buffers {
            RowBuffers::Dual if asked && free => {
                let head = self.head_at(soon);
                if head <= soon {
                    return soon;
                }
                head.min(self.host_at(soon, bound.min(head), true))
            }
            RowBuffers::Blocked if !self.pim.skip && (self.queues.filled == 0 || self.pim.mode) => {
                if free {
                    self.head_at(soon)
                } else {
                    Tick::MAX
                }
            }
            // A bank's turn depends on the pointer, which moves every tick.
            _ if self.walks() && self.queues.filled != 0 => soon,
            _ => self.host_at(soon, bound, false),
        }
    }

    /// Earliest tick from `soon` to `bound` in which the host's queues give a command; `beside` a
    /// PIM command that waits.
    #[inline]
    fn host_at(&mut self, soon: Tick, bound: Tick, beside: bool) -> Tick {
        if self.queues.filled == 0 {
            return Tick::MAX;
        }
        // While a header waits its test is repeated, and the slack falls every tick.
        let falling = beside && self.pim.tested;
        let estimate = match self.pim.queue.front() {
            Some(head) if falling => self.tile_estimate(head),
            _ => 0,
        };
        let blocked = self.closed_to_host();
        let mut earliest = Tick::MAX;
        for kind in Kind::ALL {
            let (at, _) = self.earliest(kind, blocked, soon);
            if at >= bound.min(earliest) {
                continue;
            }
            let slack = if falling {
                self.slack_at(at, estimate).max(0).cast_unsigned()
            } else {
                self.pim.slack
            };
            let stops = beside && slack < self.parameters.least_slack;
            let held = self.slack_counts(slack)
                && self.slack_of(kind).is_some_and(|(needs, _)| slack <= needs);
            if !stops && !held {
                earliest = at;
            }
        }
        earliest
    }

    fn bank(&self, at: Coordinates) -> usize {
        let group = usize::from(at.rank) * self.tables.groups_of_rank + usize::from(at.group);
        let bank = group * self.tables.group_banks + usize::from(at.bank);
        bank % self.tables.banks
    }

    fn key(bank: usize, row: u32, column: u16) -> u64 {
        u64::from(row) << 32 | (bank as u64) << 16 | u64::from(column)
    }

    fn accept(&mut self, transaction: Transaction) {
        let Transaction { ask, at, tag } = transaction;
        let (t, order) = (self.now, self.orders);
        self.orders += 1;
        let bank = self.bank(at);
        let mut key = Newton::key(bank, at.row, at.column);
        let mut steps = 0;
        match ask {
            Ask::Read | Ask::Write => {
                let write = ask == Ask::Write;
                let written = self.flights.find(key, true).is_some();
                if write || written {
                    self.answers.enter(From::Acceptance, t + 1, tag);
                }
                if written {
                    return;
                }
                if !write && let Some(pending) = self.flights.find(key, false) {
                    self.flights.share(pending, tag);
                    return;
                }
                let id = self.flights.enter(Entered {
                    key,
                    accepted: t,
                    order,
                    row: at.row,
                    tag,
                    bank,
                    write,
                });
                let queue = if write {
                    &mut self.writes
                } else {
                    &mut self.reads
                };
                queue.push(bank, id, &mut self.flights);
                return;
            }
            // The number of steps travels where the bank of a read would, the end of the tile where
            // its column would.
            Ask::CompsReadres { comps, last } => {
                let encoded = comps.saturating_sub(1) as usize % self.tables.banks;
                key = Newton::key(encoded, at.row, u16::from(last));
            }
            Ask::Readres { last } => key = Newton::key(bank, at.row, u16::from(last)),
            Ask::Header { comps, read_outs } => {
                steps = self.tables.steps_expected(comps, read_outs);
            }
            Ask::Gwrite | Ask::Comp => {}
        }
        self.pim.ask(Order {
            ask,
            row: at.row,
            bank,
            key,
            tag,
            accepted: t,
            number: order,
            steps,
        });
    }
}

impl Port for Newton {
    fn has_room(&self, ask: Ask) -> bool {
        let shared = self.tables.buffers == RowBuffers::Blocked;
        let waiting = match ask {
            Ask::Write => self.writes.len,
            _ if shared => self.reads.len + self.pim.asked.len(),
            Ask::Read => self.reads.len,
            _ => self.pim.asked.len(),
        };
        waiting < self.parameters.transactions
    }

    fn offer(&mut self, transaction: Transaction) {
        self.accept(transaction);
        if self.next > self.now && self.can_move() {
            self.next = self.now;
        }
    }

    fn tick(&mut self) {
        self.tick_with(&mut NoObserver);
    }

    fn now(&self) -> Tick {
        self.now
    }

    fn answer(&mut self) -> Option<Answer> {
        self.answers.take(self.now)
    }
}
