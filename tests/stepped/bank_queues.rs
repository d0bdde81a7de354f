//! The bank-queue controller, tick by tick, in the words of its description.

use memwall_sim::dram::bank_queues::{Parameters, RefreshOrder};
use memwall_sim::dram::command::COMMANDS;
use memwall_sim::dram::constraint::{Constraint, Scope};
use memwall_sim::dram::gates::Place;
use memwall_sim::dram::{
    Command, Direction, Issued, Observer, Organisation, Outcome, Request, Source,
};
use memwall_sim::time::Tick;
use std::collections::VecDeque;

/// What a controller is of: shared by the twins.
#[derive(Debug, Clone)]
pub struct Part {
    pub organisation: Organisation,
    pub constraints: Vec<Constraint>,
    pub read_latency: Tick,
    pub refresh_interval: Tick,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    request: Request,
    bank: usize,
    row: u32,
    accepted: Tick,
}

#[derive(Debug, Clone, Default)]
struct Bank {
    open: Option<u32>,
    hits: u32,
    queue: Vec<Entry>,
}

pub struct Stepped<'a> {
    part: &'a Part,
    parameters: Parameters,
    banks: Vec<Bank>,
    /// Earliest tick of every command at every bank.
    allowed: Vec<[Tick; COMMANDS]>,
    /// Ticks of the commands that a window counts, by rule and rank, youngest first.
    windows: Vec<Vec<VecDeque<Tick>>>,
    reads: Vec<Entry>,
    writes: Vec<Entry>,
    /// Reads not issued yet, with those that share the command of another.
    pending_reads: Vec<Entry>,
    /// Addresses of writes not issued yet.
    pending_writes: Vec<u64>,
    drain: usize,
    pointer: usize,
    due: VecDeque<usize>,
    next_rank: usize,
    blocked: Option<usize>,
    last_event: Tick,
    /// The last column command: the column bus carries one a tick.
    last_column: Option<Tick>,
    pub outcome: Outcome,
}

impl<'a> Stepped<'a> {
    pub fn new(part: &'a Part, parameters: Parameters) -> Stepped<'a> {
        Stepped {
            part,
            parameters,
            banks: vec![Bank::default(); part.organisation.banks()],
            allowed: vec![[0; COMMANDS]; part.organisation.banks()],
            windows: vec![vec![VecDeque::new(); part.organisation.units()]; part.constraints.len()],
            reads: Vec::new(),
            writes: Vec::new(),
            pending_reads: Vec::new(),
            pending_writes: Vec::new(),
            drain: 0,
            pointer: 0,
            due: VecDeque::new(),
            next_rank: 0,
            blocked: None,
            last_event: 0,
            last_column: None,
            outcome: Outcome::default(),
        }
    }

    pub fn will_accept(&self, direction: Direction) -> bool {
        let queue = match direction {
            Direction::Read => &self.reads,
            Direction::Write => &self.writes,
        };
        queue.len() < self.parameters.transactions
    }

    pub fn accept(&mut self, request: Request, t: Tick) {
        let location = self.part.organisation.locate(request.slot);
        let entry = Entry {
            request,
            bank: location.bank,
            row: location.row,
            accepted: t,
        };
        self.last_event = self.last_event.max(t);
        let slot = request.slot;
        let written = self.pending_writes.contains(&slot);
        if request.direction == Direction::Write {
            self.outcome.writes += 1;
            if !(self.parameters.merging && written) {
                self.pending_writes.push(slot);
                self.writes.push(entry);
            }
            return;
        }
        self.outcome.reads += 1;
        if self.parameters.merging && written {
            self.returned(t, t + 1);
            return;
        }
        let first = !self.reads_pending(slot);
        self.pending_reads.push(entry);
        if !self.parameters.merging || first {
            self.reads.push(entry);
        }
    }

    fn returned(&mut self, accepted: Tick, t: Tick) {
        self.outcome.latencies.add(t - accepted);
        self.last_event = self.last_event.max(t);
    }

    fn reads_pending(&self, slot: u64) -> bool {
        self.pending_reads.iter().any(|r| r.request.slot == slot)
    }

    /// Tick of the last acceptance or return so far known, once no read waits.
    pub fn settled(&self) -> Option<Tick> {
        self.pending_reads.is_empty().then_some(self.last_event)
    }

    fn place(&self, bank: usize) -> Place {
        self.part.organisation.place(bank)
    }

    fn reaches(rule: &Constraint, from: Place, to: Place) -> bool {
        let same = |scope| match scope {
            Scope::Bank => from.bank == to.bank,
            Scope::Group => from.group == to.group,
            Scope::Rank => from.rank == to.rank,
            Scope::PseudoChannel => from.pseudo_channel == to.pseudo_channel,
            Scope::Channel => true,
        };
        if !rule.sibling {
            return same(rule.scope);
        }
        let parent = match rule.scope {
            Scope::Bank => Scope::Group,
            Scope::Group => Scope::Rank,
            Scope::Rank => Scope::PseudoChannel,
            Scope::PseudoChannel | Scope::Channel => Scope::Channel,
        };
        same(parent) && !same(rule.scope)
    }

    /// Whether every distance to what was issued before is kept.
    fn ready(&self, command: Command, bank: usize, t: Tick) -> bool {
        let rank = self.place(bank).rank;
        let mut windows = self.part.constraints.iter().zip(&self.windows);
        t >= self.allowed[bank][command as usize]
            && windows.all(|(rule, seen)| {
                rule.window == 1
                    || rule.then != command
                    || seen[rank]
                        .get(usize::from(rule.window) - 1)
                        .is_none_or(|at| at + rule.distance <= t)
            })
    }

    fn record(&mut self, command: Command, bank: usize, t: Tick) {
        let from = self.place(bank);
        for (index, rule) in self.part.constraints.iter().enumerate() {
            if rule.first != command {
                continue;
            }
            if rule.window > 1 {
                assert_eq!(rule.scope, Scope::Rank);
                self.windows[index][from.rank].push_front(t);
                self.windows[index][from.rank].truncate(64);
                continue;
            }
            for bank in 0..self.banks.len() {
                if Self::reaches(rule, from, self.place(bank)) {
                    let allowed = &mut self.allowed[bank][rule.then as usize];
                    *allowed = (*allowed).max(t + rule.distance);
                }
            }
        }
    }

    fn rank_banks(&self, rank: usize) -> std::ops::Range<usize> {
        let o = &self.part.organisation;
        let banks = o.bank_groups * o.banks_per_group;
        rank * banks..(rank + 1) * banks
    }

    fn issue(&mut self, (command, bank, row): Chosen, t: Tick, observer: &mut impl Observer) {
        observer.command(Issued {
            at: t,
            command,
            bank,
            row,
            comps: 0,
        });
        self.outcome.commands[command as usize] += 1;
        self.record(command, bank, t);
        let state = &mut self.banks[bank];
        match command {
            Command::Act => state.open = Some(row),
            Command::Pre => (state.open, state.hits) = (None, 0),
            Command::Rd | Command::Wr => {
                self.last_column = Some(t);
                self.outcome.row_hits += u64::from(state.hits > 0);
                state.hits += 1;
            }
            _ => {}
        }
    }

    /// The first queue after the pointer that has a command to issue; a column command leaves it.
    fn choose(&mut self, t: Tick) -> Option<(Chosen, Option<Entry>)> {
        for step in 1..=self.banks.len() {
            let bank = (self.pointer + step) % self.banks.len();
            if self.blocked == Some(self.place(bank).rank) {
                continue;
            }
            if let Some((index, command, row)) = self.first_ready(bank, t) {
                self.pointer = bank;
                let column = matches!(command, Command::Rd | Command::Wr);
                let entry = column.then(|| self.banks[bank].queue.remove(index));
                let row = match command {
                    Command::Pre => self.banks[bank].open.unwrap_or(row),
                    _ => row,
                };
                return Some(((command, bank, row), entry));
            }
        }
        None
    }

    fn first_ready(&self, bank: usize, t: Tick) -> Option<(usize, Command, u32)> {
        let state = &self.banks[bank];
        for (index, entry) in state.queue.iter().enumerate() {
            let command = match state.open {
                None => Command::Act,
                Some(row) if row != entry.row => Command::Pre,
                Some(_) if entry.request.direction == Direction::Read => Command::Rd,
                Some(_) => Command::Wr,
            };
            let column = matches!(command, Command::Rd | Command::Wr);
            if !self.ready(command, bank, t) || (column && self.last_column == Some(t)) {
                continue;
            }
            let hit_waits = state.queue.iter().any(|e| Some(e.row) == state.open);
            let capped = state.hits >= self.parameters.hit_cap;
            if command == Command::Pre && (index > 0 || (hit_waits && !capped)) {
                continue;
            }
            let older = &state.queue[..index];
            let slot = entry.request.slot;
            if command == Command::Wr
                && self.parameters.merging
                && older
                    .iter()
                    .any(|e| e.request.slot == slot && e.request.direction == Direction::Read)
            {
                continue;
            }
            return Some((index, command, entry.row));
        }
        None
    }

    /// A precharge of the rank whose refresh is due, or the refresh.
    fn refresh(&mut self, t: Tick) -> Option<Chosen> {
        let &rank = self.due.front()?;
        self.blocked = Some(rank);
        let mut range = self.rank_banks(rank);
        let first = range.start;
        let open = |bank: &usize| self.banks[*bank].open.is_some();
        let close = range
            .clone()
            .find(|bank| open(bank) && self.ready(Command::Pre, *bank, t));
        if let Some(bank) = close {
            return Some((Command::Pre, bank, self.banks[bank].open.unwrap_or(0)));
        }
        if range.all(|bank| !open(&bank) && self.ready(Command::Ref, bank, t)) {
            self.due.pop_front();
            self.blocked = None;
            return Some((Command::Ref, first, 0));
        }
        None
    }

    fn fall_due(&mut self, t: Tick) {
        let ranks = self.part.organisation.units();
        let interval = self.part.refresh_interval;
        match self.parameters.refresh {
            RefreshOrder::Simultaneous if t > 0 && t.is_multiple_of(interval) => {
                self.due.extend(0..ranks);
            }
            RefreshOrder::Staggered if t > 0 && t.is_multiple_of(interval / ranks as u64) => {
                self.due.push_back(self.next_rank);
                self.next_rank = (self.next_rank + 1) % ranks;
            }
            _ => {}
        }
    }

    fn put(&mut self, chosen: (Chosen, Option<Entry>), t: Tick, observer: &mut impl Observer) {
        if let Some(entry) = chosen.1 {
            let slot = entry.request.slot;
            if entry.request.direction == Direction::Write {
                if let Some(at) = self.pending_writes.iter().position(|&w| w == slot) {
                    self.pending_writes.remove(at);
                }
            } else {
                // With merging off, an entry answers itself alone.
                let merging = self.parameters.merging;
                let served =
                    |r: &Entry| r.request.slot == slot && (merging || r.accepted == entry.accepted);
                let (done, wait) = std::mem::take(&mut self.pending_reads)
                    .into_iter()
                    .partition::<Vec<_>, _>(served);
                self.pending_reads = wait;
                let once = if merging { done.len() } else { 1 };
                // Equal slot and tick of acceptance: the others keep waiting.
                self.pending_reads.extend_from_slice(&done[once..]);
                for read in &done[..once] {
                    self.returned(read.accepted, t + self.part.read_latency);
                }
            }
        }
        self.issue(chosen.0, t, observer);
    }

    /// One tick, after the host has had its turn.
    pub fn tick(&mut self, t: Tick, observer: &mut impl Observer) {
        self.fall_due(t);
        let refresh = self.refresh(t).map(|chosen| (chosen, None));
        if let Some(first) = refresh.or_else(|| self.choose(t)) {
            self.put(first, t, observer);
            if self.parameters.second_slot
                && let Some(second) = self.choose(t)
            {
                let column = |c: Command| matches!(c, Command::Rd | Command::Wr);
                if column(second.0.0) == column(first.0.0) {
                    assert!(second.1.is_none(), "two column commands in a tick");
                } else {
                    self.put(second, t, observer);
                }
            }
        }
        for rank in 0..self.part.organisation.units() {
            if self.rank_banks(rank).any(|b| self.banks[b].open.is_some()) {
                self.outcome.active_ticks += 1;
            } else {
                self.outcome.idle_ticks += 1;
            }
        }
        self.move_one();
    }

    fn move_one(&mut self) {
        let idle = self.banks.iter().all(|b| b.queue.is_empty());
        let full = self.writes.len() >= self.parameters.transactions;
        if self.drain == 0 && (full || (self.writes.len() > self.parameters.drain_above && idle)) {
            self.drain = self.writes.len();
        }
        let room = |e: &Entry| self.banks[e.bank].queue.len() < self.parameters.bank_queue;
        if self.drain > 0 {
            let Some(at) = self.writes.iter().position(room) else {
                return;
            };
            if !(self.parameters.merging && self.reads_pending(self.writes[at].request.slot)) {
                self.drain -= 1;
                let entry = self.writes.remove(at);
                self.banks[entry.bank].queue.push(entry);
                return;
            }
            self.drain = 0;
            // DRAMsim3 ends the tick here also when every later tick would end the same way.
            let again = full || self.writes.len() > self.parameters.drain_above;
            if !(idle && again) {
                return;
            }
        }
        if let Some(at) = self.reads.iter().position(room) {
            let entry = self.reads.remove(at);
            self.banks[entry.bank].queue.push(entry);
        }
    }
}

type Chosen = (Command, usize, u32);

/// One channel, one request a tick at most.
pub fn run(
    part: &Part,
    parameters: Parameters,
    source: &mut impl Source,
    observer: &mut impl Observer,
) -> Outcome {
    let mut channel = Stepped::new(part, parameters);
    let mut next = source.take();
    let mut t = 0;
    loop {
        if let Some(request) = next
            && request.at <= t
            && channel.will_accept(request.direction)
        {
            channel.accept(request, t);
            next = source.take();
        }
        channel.tick(t, observer);
        if next.is_none() && channel.settled().is_some_and(|end| end <= t) {
            break;
        }
        t += 1;
    }
    channel.outcome.cycles = t + 1;
    channel.outcome
}
