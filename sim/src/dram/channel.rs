//! One memory channel as a reservation table with decision instants.
//!
//! Every stream (refresh, PIM program, host reads and writes) offers at most one next command a
//! bank; the channel commits the one with the earliest legal tick, ties going to refresh, then PIM,
//! then host columns, then host rows, then age. Between two decisions nothing happens, so no tick
//! is ever stepped. A run of column commands is a lease: it is granted up to the first instant at
//! which anything else could act.
#![deny(clippy::float_arithmetic)]

use super::Standard;
use super::choice::{Action, Choice, Columns};
use super::command::{Command, PerCommand};
use super::gates::Gates;
use super::hold::Hold;
use super::host::HostQueues;
use super::observer::{Issued, Observer};
use super::refresh::Refresh;
use super::rows::Rows;
use super::stream::{BlockId, Completion, Descriptor, Direction, Watch};
use crate::pim::passes::fitting;
use crate::pim::sequencer::{Candidate, Sequencer};
use crate::pim::stages::close_rank;
use crate::pim::{Arbitration, PimProgram};
use crate::time::Tick;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a channel counted; never reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Commands issued, by number.
    pub commands: PerCommand<u64>,
    /// Multiply-accumulate steps of all COMPS_READRES, each of all banks.
    pub comp_steps: u64,
    /// Ticks in which the in-bank MACs were occupied.
    pub pim_busy: Tick,
}

impl Counters {
    /// Commands of one kind.
    pub fn of(&self, command: Command) -> u64 {
        self.commands[command as usize]
    }

    /// `self + later - earlier`: adopts what another channel counted in a phase.
    pub(crate) fn advance_by(&mut self, earlier: &Counters, later: &Counters) {
        for (own, (before, after)) in self
            .commands
            .iter_mut()
            .zip(earlier.commands.iter().zip(later.commands.iter()))
        {
            *own += after - before;
        }
        self.comp_steps += later.comp_steps - earlier.comp_steps;
        self.pim_busy += later.pim_busy - earlier.pim_busy;
    }
}

/// Why `advance` returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A watched block completed.
    Watched(Completion),
    /// The next decision lies at or past the horizon.
    Horizon,
    /// Nothing is left to do.
    Idle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    left: u64,
    last: Tick,
    watch: Watch,
}

/// A channel: state of its banks, its streams, and what it counted.
#[derive(Debug, Clone)]
pub struct Channel {
    pub(super) std: Arc<Standard>,
    pub(super) now: Tick,
    /// Horizon up to which decisions were taken; work that is given later starts no earlier. With
    /// a command in prospect `now` stays behind it: what is chosen must not depend on where a
    /// caller stopped to look.
    reached: Tick,
    /// First free slot of the command bus.
    pub(super) slot: Tick,
    pub(super) gates: Gates,
    pub(super) rows: Rows,
    pub(super) refresh: Refresh,
    pub(super) host: HostQueues,
    pub(super) pim: Sequencer,
    /// What PIM read-outs keep from the host, earliest first.
    pub(super) holds: VecDeque<Hold>,
    blocks: Vec<Block>,
    completions: Vec<Completion>,
    counters: Counters,
    /// Working space of `choose`.
    pub(super) columns: Columns,
}

impl Channel {
    /// An idle channel at tick zero.
    pub fn new(std: Arc<Standard>) -> Channel {
        let organisation = &std.organisation;
        Channel {
            now: 0,
            reached: 0,
            slot: 0,
            gates: Gates::new(organisation, std.distances.windows()),
            rows: Rows::new(organisation.banks()),
            refresh: Refresh::new(
                std.refresh_units.len(),
                std.timing.refi,
                std.controller.refresh_together,
            ),
            host: HostQueues::new(
                organisation.banks(),
                std.controller.bank_queue_bursts,
                std.controller.write_high,
                std.controller.write_low,
            ),
            pim: Sequencer::new(),
            holds: VecDeque::new(),
            blocks: Vec::new(),
            completions: Vec::new(),
            counters: Counters::default(),
            columns: Columns::default(),
            std,
        }
    }

    /// How far decisions are taken.
    pub fn now(&self) -> Tick {
        self.now.max(self.reached)
    }

    /// What the channel counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Gives the channel a host stream that may start at `release`. Streams of one direction enter
    /// the bank queues in order of release, equal releases in the order given. An empty stream completes at its release.
    pub fn push(&mut self, release: Tick, stream: Descriptor, watch: Watch) -> BlockId {
        let block = self.new_block(release, stream.total_bursts(), watch);
        if stream.total_bursts() > 0 {
            let release = release.max(self.reached);
            self.host
                .queue_mut(stream.direction)
                .push(release, block, stream);
        }
        block
    }

    /// Gives the channel a PIM program that may start at `release`. The part must have a PIM side;
    /// an empty program completes at its release. Passes over open rows for which refreshes could
    /// not wait are parted.
    pub fn push_pim(&mut self, release: Tick, program: PimProgram, watch: Watch) -> BlockId {
        let program = match &self.std.pim {
            Some(pim) => fitting(program, &self.std, pim),
            None => program,
        };
        let block = self.new_block(release, u64::from(!program.ops.is_empty()), watch);
        if !program.ops.is_empty() {
            let release = release.max(self.reached);
            self.pim.push(release, block, program);
        }
        block
    }

    fn new_block(&mut self, release: Tick, left: u64, watch: Watch) -> BlockId {
        let block = BlockId(self.blocks.len() as u32);
        self.blocks.push(Block {
            left,
            last: release,
            watch,
        });
        if left == 0 {
            self.completions.push(Completion { block, at: release });
        }
        block
    }

    /// Makes the channel stop when `block` completes.
    pub fn watch(&mut self, block: BlockId) {
        if let Some(block) = self.blocks.get_mut(block.0 as usize) {
            block.watch = Watch::Stop;
        }
    }

    /// Completion tick of a block, once it is known.
    pub fn completed(&self, block: BlockId) -> Option<Tick> {
        self.blocks
            .get(block.0 as usize)
            .filter(|block| block.left == 0)
            .map(|block| block.last)
    }

    /// Lets the refreshes of a long idle time pass at once; observers are not told of them.
    fn skip_idle(&mut self, horizon: Tick) -> bool {
        let closed = self.rows.host_open == 0 && self.rows.pim_open == 0;
        if horizon == Tick::MAX || !closed || !self.is_drained() {
            return false;
        }
        let skipped = self.refresh.skip_idle(horizon);
        let units = self.std.refresh_units.len() as u64;
        self.counters.commands[Command::Ref as usize] += skipped * units;
        skipped > 0
    }

    /// Whether all work given so far is done.
    pub fn is_drained(&self) -> bool {
        self.host.is_empty() && self.pim.is_empty()
    }

    /// Takes decisions before `horizon`, until a watched block completes. With `horizon` at
    /// `Tick::MAX` it returns `Idle` when no work is left; else it keeps refreshing up to the
    /// horizon.
    pub fn advance(&mut self, horizon: Tick, observer: &mut impl Observer) -> Stop {
        loop {
            self.host_admit();
            let direction = self.host.turn();
            let (choice, runner_up) = self.choose(direction);
            if horizon == Tick::MAX && self.is_drained() {
                return Stop::Idle;
            }
            let event = self.next_event();
            match choice {
                Some(choice) if choice.at < event && choice.at < horizon => {
                    let limit = runner_up.min(event).min(horizon);
                    if let Some(done) = self.commit(choice, limit, observer) {
                        return Stop::Watched(done);
                    }
                }
                _ if event < horizon => {
                    if self.skip_idle(horizon) {
                        continue;
                    }
                    self.now = self.now.max(event);
                    self.refresh.fall_due(self.now);
                }
                _ => {
                    if horizon != Tick::MAX {
                        self.reached = self.reached.max(horizon);
                        if choice.is_none() {
                            self.now = self.now.max(horizon);
                        }
                    }
                    return Stop::Horizon;
                }
            }
        }
    }

    fn host_admit(&mut self) {
        // One row buffer and PIM first: no host request enters while PIM work is at hand.
        let held = self.has_one_buffer()
            && self.pim.has_work(self.now)
            && self.arbitration() == Arbitration::PimFirst;
        if !held {
            self.host.admit(self.now, &self.std.organisation);
        }
    }

    /// The next instant at which the set of candidates changes by itself.
    fn next_event(&self) -> Tick {
        let release = [
            self.host.next_release(self.now),
            self.pim.next_release(self.now),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or(Tick::MAX);
        release
            .min(self.refresh.next_due())
            .min(self.next_slice().unwrap_or(Tick::MAX))
    }

    fn commit(
        &mut self,
        choice: Choice,
        limit: Tick,
        observer: &mut impl Observer,
    ) -> Option<Completion> {
        let at = choice.at;
        self.now = at;
        self.slot = at + 1;
        match choice.action {
            Action::Refresh { unit } => {
                let bank = self.std.refresh_units[unit].trailing_zeros() as usize;
                self.issue(Command::Ref, bank, 0, 0, observer);
                self.refresh.done(unit);
                self.pim.refreshed();
                None
            }
            Action::Close { bank, pim } => {
                let command = self.close_command(pim);
                self.issue(command, bank, 0, 0, observer);
                if pim {
                    self.rows.close_pim(bank);
                } else {
                    self.rows.close_host(bank);
                }
                None
            }
            Action::CloseRank { rank } => {
                let bank = self.std.rank_banks(rank).trailing_zeros() as usize;
                if let Some(pim) = &self.std.pim {
                    close_rank(&self.std, pim, &mut self.rows, rank);
                    let command = pim.row_buffers.close_all_command();
                    self.issue(command, bank, 0, 0, observer);
                }
                None
            }
            Action::Activate { bank, row } => {
                self.issue(Command::Act, bank, row, 0, observer);
                self.rows.open_host(bank, row);
                None
            }
            Action::Pim(candidate) => self.commit_pim_lease(candidate, limit, observer),
            Action::Column { bank, direction } => {
                self.commit_columns(bank, direction, limit, observer)
            }
        }
    }

    fn commit_columns(
        &mut self,
        bank: usize,
        direction: Direction,
        limit: Tick,
        observer: &mut impl Observer,
    ) -> Option<Completion> {
        let first = self.now;
        let stride = self.std.column_stride(direction);
        let queue = self.host.queue(direction);
        let run = *queue.front(bank)?;
        let (command, done) = match direction {
            Direction::Read => (Command::Rd, self.std.timing.read_done()),
            Direction::Write => (Command::Wr, self.std.timing.write_done()),
        };
        let mut bursts = run.bursts.min(self.std.controller.max_lease);
        bursts = bursts.min(self.host.bursts_to_turn());
        if let Some((blocked, lacking)) = queue.blocked
            && blocked == bank
        {
            bursts = bursts.min(lacking);
        }
        let mut end = limit;
        let spans = self.holds.iter().map(|hold| hold.closed(direction));
        if let Some((from, _)) = spans.into_iter().find(|(_, to)| first < *to) {
            end = end.min(from);
        }
        if end > first + 1 {
            bursts = bursts.min((end - 1 - first) / stride + 1);
        } else {
            bursts = 1;
        }
        let last = first + (bursts - 1) * stride;
        for index in 0..bursts {
            observer.command(Issued {
                at: first + index * stride,
                command,
                bank,
                row: run.head.row,
                comps: 0,
            });
        }
        // Gates only rise, so those of the last command of the run stand for all.
        self.gates.issued(
            self.std.rules.after(command),
            self.std.places[bank],
            last,
            0,
        );
        self.counters.commands[command as usize] += bursts;
        self.now = last;
        self.slot = last + 1;
        self.host.queue_mut(direction).serve(bank, bursts);
        self.progress(run.block, bursts, last + done)
    }

    /// Commands of one stage of a PIM operation follow one another as far as nothing else could act:
    /// within a stage they only push the candidates of other streams back.
    fn commit_pim_lease(
        &mut self,
        first: Candidate,
        limit: Tick,
        observer: &mut impl Observer,
    ) -> Option<Completion> {
        let mut candidate = first;
        let mut granted = 1;
        loop {
            let stage = self.pim.stage();
            if let Some(done) = self.commit_pim(candidate, observer) {
                return Some(done);
            }
            if self.pim.stage() != stage || granted >= self.std.controller.max_lease {
                return None;
            }
            candidate = self.pim_candidate(false)?;
            if candidate.at >= limit {
                return None;
            }
            granted += 1;
            self.now = candidate.at;
            self.slot = candidate.at + 1;
        }
    }

    fn commit_pim(
        &mut self,
        candidate: Candidate,
        observer: &mut impl Observer,
    ) -> Option<Completion> {
        self.issue(
            candidate.command,
            candidate.bank,
            candidate.row,
            candidate.comps,
            observer,
        );
        let pim = self.std.pim.as_ref()?;
        let steps = pim.comp * candidate.comps;
        self.counters.comp_steps += candidate.comps;
        self.counters.pim_busy += steps;
        let read_out = matches!(candidate.command, Command::CompsReadres | Command::Readres);
        if read_out && !pim.quirks.result_off_bus {
            while self.holds.front().is_some_and(|hold| hold.over(self.now)) {
                self.holds.pop_front();
            }
            let data = pim.read_out_ticks(&self.std);
            let hold = Hold::new(&self.std.timing, self.now + steps, data);
            self.holds.push_back(hold);
        }
        let Channel { std, rows, pim, .. } = self;
        let (block, at) = pim.issued(std, rows, candidate)?;
        self.progress(block, 1, at)
    }

    fn issue(
        &mut self,
        command: Command,
        bank: usize,
        row: u32,
        comps: Tick,
        observer: &mut impl Observer,
    ) {
        let place = self.std.places[bank];
        let mut last = self.now;
        match command {
            Command::Act => self.gates.activate(place.rank, 1, self.now),
            Command::ActAb => {
                if let Some(pim) = &self.std.pim {
                    for behind in pim.opening(&self.std) {
                        last = self.now + behind;
                        if !pim.quirks.all_bank_act_outside_window {
                            self.gates.activate(place.rank, 1, last);
                        }
                    }
                }
            }
            Command::GAct if !self.gact_outside_window() => {
                let rows = self.std.organisation.banks_per_group;
                self.gates.activate(place.rank, rows, self.now);
            }
            _ => {}
        }
        // What opens banks one behind the other counts from the last of them.
        let rules = self.std.rules.after(command);
        self.gates.issued(rules, place, last, comps);
        self.counters.commands[command as usize] += 1;
        observer.command(Issued {
            at: self.now,
            command,
            bank,
            row,
            comps,
        });
    }

    fn progress(&mut self, block: BlockId, units: u64, at: Tick) -> Option<Completion> {
        let entry = &mut self.blocks[block.0 as usize];
        entry.left -= units;
        entry.last = entry.last.max(at);
        if entry.left > 0 {
            return None;
        }
        let done = Completion {
            block,
            at: entry.last,
        };
        let stop = entry.watch == Watch::Stop;
        self.completions.push(done);
        stop.then_some(done)
    }

    /// Completions since the last call, in the order in which their last command was issued.
    pub fn take_completions(&mut self) -> Vec<Completion> {
        std::mem::take(&mut self.completions)
    }

    /// Forgets completed blocks; handles given out before become invalid. Only when drained.
    pub fn forget_blocks(&mut self) {
        if self.is_drained() {
            self.blocks.clear();
            self.completions.clear();
        }
    }

    /// Makes two drained channels comparable at `at`: constraints that have expired by then are
    /// forgotten.
    pub fn settle(&mut self, at: Tick) {
        self.gates.clip(at);
        self.now = self.now.max(at);
        self.slot = self.slot.max(at);
        self.pim.settle(at);
        self.holds.retain(|hold| !hold.over(at));
    }

    /// Whether two drained channels will treat equal work equally.
    pub fn same_state(&self, other: &Channel) -> bool {
        self.is_drained()
            && other.is_drained()
            && self.now == other.now
            && self.slot == other.slot
            && self.gates == other.gates
            && self.rows == other.rows
            && self.refresh == other.refresh
            && self.pim == other.pim
            && self.holds == other.holds
            && self.host.same_turn(&other.host)
    }

    /// Takes over the state of a channel that did the same work, keeping its own counters and
    /// adding what the other counted since `before`.
    pub fn adopt(&mut self, other: &Channel, before: &Counters) {
        let mut counters = self.counters;
        counters.advance_by(before, &other.counters);
        self.clone_from(other);
        self.counters = counters;
    }
}
