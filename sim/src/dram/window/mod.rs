//! A controller that chooses among a window of requests, oldest ready first, hits before others:
//! Ramulator's policy and, with other parameters, our own. It jumps from one tick at which
//! something can be issued to the next; `tests/stepped/window.rs` has the same policy tick by tick.
//!
//! Of the requests that wait, each bank has three that can be chosen: the oldest hit, the oldest
//! miss, and the one for which its row was opened. A plan keeps the earliest of each kind over
//! all banks; it is made anew only after it has been carried out or has turned out wrong.

mod accept;
mod bits;
mod due;
pub(crate) mod gates;
mod issue;
mod maintain;
mod parameters;
mod pending;
mod plan;
mod protocol;
mod queue;
mod recurring;
mod slots;

pub use parameters::{
    Blocking, Forwarding, Pages, Parameters, RefreshKind, RefreshPolicy, Scheduling, WindowError,
};
pub use protocol::{DataClock, Protocol, TwoPhase};

use super::constraint::Constraint;
use super::mapper::Mapper;
use super::observer::Observer;
use super::organisation::Organisation;
use super::request::{Outcome, Source};
use super::standard::Standard;
use crate::time::Tick;
use bits::Banks;
use due::Refreshes;
use gates::Gates;
use pending::Pending;
use plan::{Plan, Side};
use queue::{List, NONE, Pool};

/// What a bank's row buffer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    /// Between the two halves of an activation.
    Activating,
    Open,
}

#[derive(Debug, Clone, Copy)]
struct Bank {
    phase: Phase,
    row: u32,
    /// Column commands since the row was opened.
    served: u32,
    /// Tick of the last activation or column command.
    used: Tick,
    /// The request for which the row was opened, until it is served.
    active: u16,
    /// Reads, writes.
    lists: [List; 2],
}

impl Bank {
    fn open_row(&self) -> Option<u32> {
        (self.phase == Phase::Open).then_some(self.row)
    }
}

/// How long ranks have had open banks.
#[derive(Debug, Clone, Copy, Default)]
struct Activity {
    open: u32,
    since: Tick,
}

/// A channel under a window controller.
#[derive(Debug, Clone)]
pub struct Window {
    parameters: Parameters,
    protocol: Protocol,
    wait_before_close: Option<Tick>,
    protects_hits: bool,
    /// Whether a request may be answered by, or join, a write that waits.
    looks_up_writes: bool,
    mapper: Mapper,
    gates: Gates,
    pool: Pool,
    banks: Vec<Bank>,
    /// Reads, writes.
    sides: [Side; 2],
    /// Requests in each buffer.
    queued: [usize; 2],
    /// Reads whose column command is still to come.
    reads_left: usize,
    serving: usize,
    /// Banks with an open row.
    open: Banks,
    /// Banks with a request for which their row was opened.
    active: Banks,
    promotions: u64,
    /// When, in order, each bank last had a request promoted to the active buffer.
    active_turns: Vec<u64>,
    activating: Option<(usize, u16, Tick)>,
    clock_runs_until: Tick,
    after_cas: Option<(usize, bool)>,
    /// Tick, pseudo-channel, bank or none for all: precharges barred next to a row command.
    barred: (Tick, usize, Option<usize>),
    blocked: Banks,
    refreshes: Refreshes,
    writes_waiting: Pending,
    reads_waiting: Pending,
    /// Acceptance of reads that share the data of an entry.
    shared: Vec<(u16, Tick)>,

    /// First tick that has not been passed.
    now: Tick,
    column_floor: Tick,
    row_floor: Tick,
    active_plan: Plan,
    hit_plan: Plan,
    row_plan: Plan,
    close_plan: Plan,
    maintain_at: Tick,
    turn_at: Tick,
    hold_at: Tick,

    accepted: u64,
    last_accepted: Option<Tick>,
    /// Return of the last read issued.
    last_return: Tick,
    /// Last answer from a waiting write.
    last_answer: Tick,
    activity: Vec<Activity>,
    outcome: Outcome,
}

impl Window {
    /// An idle channel with every bank closed.
    pub fn new(
        organisation: &Organisation,
        constraints: &[Constraint],
        protocol: Protocol,
        parameters: Parameters,
    ) -> Result<Window, WindowError> {
        parameters.check()?;
        protocol.check(parameters.active_buffer)?;
        let o = organisation;
        let sizes = [o.banks(), o.units(), o.groups(), o.rows as usize];
        if sizes.contains(&0) || o.banks() > bits::MOST_BANKS {
            return Err(WindowError::Banks);
        }
        let banks = o.banks();
        let entries = parameters.read_buffer + parameters.write_buffer + banks;
        Ok(Window {
            wait_before_close: match parameters.pages {
                Pages::Open => None,
                Pages::Closed => Some(0),
                Pages::Timeout(ticks) => Some(ticks),
            },
            protects_hits: parameters.scheduling == Scheduling::RowHit,
            looks_up_writes: parameters.coalescing || parameters.forwarding != Forwarding::Off,
            mapper: Mapper::new(o),
            gates: Gates::new(o, constraints)?,
            pool: Pool::new(entries),
            banks: vec![
                Bank {
                    phase: Phase::Closed,
                    row: 0,
                    served: 0,
                    used: 0,
                    active: NONE,
                    lists: [List::EMPTY; 2],
                };
                banks
            ],
            sides: [Side::new(banks), Side::new(banks)],
            queued: [0; 2],
            reads_left: 0,
            serving: 0,
            open: Banks::default(),
            active: Banks::default(),
            promotions: 0,
            active_turns: vec![0; banks],
            activating: None,
            clock_runs_until: 0,
            after_cas: None,
            barred: (Tick::MAX, 0, None),
            blocked: Banks::default(),
            refreshes: Refreshes::new(parameters.refresh, &protocol, o, constraints)?,
            writes_waiting: Pending::new(),
            reads_waiting: Pending::new(),
            shared: Vec::new(),
            now: 0,
            column_floor: 0,
            row_floor: 0,
            active_plan: Plan::NONE,
            hit_plan: Plan::NONE,
            row_plan: Plan::NONE,
            close_plan: Plan::NONE,
            maintain_at: Tick::MAX,
            turn_at: 0,
            hold_at: Tick::MAX,
            accepted: 0,
            last_accepted: None,
            last_return: 0,
            last_answer: 0,
            activity: vec![Activity::default(); o.units()],
            outcome: Outcome::default(),
            parameters,
            protocol,
        })
    }

    /// A channel of a standard.
    pub fn of(standard: &Standard, parameters: Parameters) -> Result<Window, WindowError> {
        let protocol = Protocol::of(standard)?;
        let constraints = &standard.constraints;
        Window::new(&standard.organisation, constraints, protocol, parameters)
    }

    /// Runs a source to its end: every request accepted, at most one a tick, and every read
    /// returned. Writes that wait at that tick stay where they are. Where nobody watches, whole
    /// periods of a described stream are passed over at once when the channel's state recurs.
    pub fn run<O: Observer>(&mut self, source: &mut impl Source, observer: &mut O) -> Outcome {
        if let (true, Some(period)) = (O::IDLE, source.period()) {
            self.run_described(source, period, observer);
        }
        let mut from = self.now;
        while let Some(request) = source.take() {
            from = self.offer(request, from, observer) + 1;
        }
        let last = self.drain(observer);
        self.finish(last, observer)
    }

    /// Goes on until every accepted read has its data; the tick of the last acceptance or return.
    pub fn drain(&mut self, observer: &mut impl Observer) -> Option<Tick> {
        while self.reads_left > 0 {
            let next = self.next_event();
            if next == Tick::MAX {
                break;
            }
            self.pass(next, observer);
        }
        let answered = self.last_return.max(self.last_answer);
        self.last_accepted.map(|at| at.max(answered))
    }

    /// Goes on to the end of tick `last`, the last one counted, and gives what it all came to.
    pub fn finish(&mut self, last: Option<Tick>, observer: &mut impl Observer) -> Outcome {
        let cycles = last.map_or(0, |last| last + 1);
        self.advance(cycles, observer);
        let mut outcome = self.outcome.clone();
        outcome.cycles = cycles;
        for rank in self.activity.iter().filter(|rank| rank.open > 0) {
            outcome.active_ticks += cycles.saturating_sub(rank.since);
        }
        outcome.idle_ticks = cycles * self.activity.len() as u64 - outcome.active_ticks;
        outcome
    }

    /// Passes every tick below `limit`.
    #[inline]
    pub fn advance(&mut self, limit: Tick, observer: &mut impl Observer) {
        loop {
            let next = self.next_event();
            if next >= limit {
                break;
            }
            self.pass(next, observer);
        }
        self.now = self.now.max(limit);
    }

    /// The next tick at which anything can happen without a new request.
    #[inline]
    fn next_event(&self) -> Tick {
        let columns = self.active_plan.at.min(self.hit_plan.at);
        let rows = self.row_plan.at.min(self.close_plan.at);
        let rare = self.maintain_at.min(self.turn_at).min(self.hold_at);
        let next = columns.min(rows).min(rare).min(self.refreshes.next);
        next.max(self.now)
    }
}
