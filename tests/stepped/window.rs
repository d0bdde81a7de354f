//! The window controllers as their policy reads, one tick after another: no masks, no cached times,
//! every constraint looked up in a history of commands. Slow, and meant to be.

use crate::ramulator::Part;
use memwall_sim::dram::constraint::Scope;
use memwall_sim::dram::window::{Blocking, Forwarding, Pages, Parameters, RefreshKind, Scheduling};
use memwall_sim::dram::{
    Command, CommandLog, Direction, Issued, Observer, Outcome, Request, Source,
};
use std::collections::VecDeque;

#[derive(Debug, Clone)]
struct Entry {
    id: u64,
    at: u64,
    slot: u64,
    bank: usize,
    row: u32,
    direction: Direction,
    /// Acceptance of reads that share this one's data.
    merged: Vec<u64>,
}

struct Maintenance {
    command: Command,
    banks: Vec<usize>,
}

/// Where the chosen request stands.
#[derive(Clone, Copy, PartialEq)]
enum From {
    Active,
    Reads,
    Writes,
}

const SCOPES: [Scope; 5] = [
    Scope::Bank,
    Scope::Group,
    Scope::Rank,
    Scope::PseudoChannel,
    Scope::Channel,
];

pub struct Stepped {
    part: Part,
    p: Parameters,
    /// By scope, node and command: the last issue ticks, latest first.
    history: Vec<Vec<Vec<VecDeque<u64>>>>,
    open: Vec<Option<u32>>,
    served: Vec<u32>,
    used: Vec<u64>,
    reads: Vec<Entry>,
    writes: Vec<Entry>,
    active: Vec<Entry>,
    activating: Option<(Entry, u64)>,
    maintenance: VecDeque<Maintenance>,
    write_mode: bool,
    clock_runs_until: u64,
    after_cas: Option<(From, u64)>,
    /// Tick, pseudo-channel, bank or none for all.
    paired: (u64, usize, Option<usize>),
    ids: u64,
    last_return: u64,
    /// Tick of return and of acceptance.
    returns: Vec<(u64, u64)>,
    pub outcome: Outcome,
    pub log: CommandLog,
}

impl Stepped {
    pub fn new(part: &Part, p: Parameters) -> Stepped {
        let o = &part.organisation;
        let banks = o.banks();
        let empty = vec![VecDeque::new(); memwall_sim::dram::command::COMMANDS];
        Stepped {
            part: part.clone(),
            p,
            history: vec![vec![empty; banks]; SCOPES.len()],
            open: vec![None; banks],
            served: vec![0; banks],
            used: vec![0; banks],
            reads: Vec::new(),
            writes: Vec::new(),
            active: Vec::new(),
            activating: None,
            maintenance: VecDeque::new(),
            write_mode: false,
            clock_runs_until: 0,
            after_cas: None,
            paired: (u64::MAX, 0, None),
            ids: 0,
            last_return: 0,
            returns: Vec::new(),
            outcome: Outcome::default(),
            log: CommandLog::default(),
        }
    }

    /// Runs a source with at most `a_tick` acceptances a tick.
    pub fn run(&mut self, source: &mut impl Source, a_tick: usize) {
        let mut next = source.take();
        let mut last = None;
        let mut t = 0;
        while next.is_some() || !self.returns.is_empty() || self.reads_wait() {
            for _ in 0..a_tick {
                let Some(request) = next else { break };
                if t < request.at || !self.accept(request, t) {
                    break;
                }
                last = Some(t);
                next = source.take();
            }
            self.tick(t);
            while let Some(i) = self.returns.iter().position(|&(at, _)| at <= t) {
                let (at, accepted) = self.returns.remove(i);
                self.outcome.latencies.add(at - accepted);
                last = last.max(Some(at));
            }
            t += 1;
        }
        self.outcome.cycles = last.map_or(0, |last| last + 1);
    }

    fn reads_wait(&self) -> bool {
        let activating = self.activating.iter().map(|(entry, _)| entry);
        let mut all = self.reads.iter().chain(&self.active).chain(activating);
        all.any(|entry| entry.direction == Direction::Read)
    }

    fn accept(&mut self, request: Request, t: u64) -> bool {
        let place = self.part.organisation.locate(request.slot);
        let entry = Entry {
            id: self.ids,
            at: t,
            slot: request.slot,
            bank: place.bank,
            row: place.row,
            direction: request.direction,
            merged: Vec::new(),
        };
        let written = self.writes.iter().any(|w| w.slot == request.slot);
        if request.direction == Direction::Write {
            if !(written && self.p.coalescing) {
                if self.writes.len() == self.p.write_buffer {
                    return false;
                }
                self.writes.push(entry);
            }
            self.outcome.writes += 1;
        } else if written && self.p.forwarding != Forwarding::Off {
            let at = match self.p.forwarding {
                Forwarding::After(ticks) => t + ticks,
                _ => t.max(self.last_return),
            };
            self.returns.push((at, t));
            self.outcome.reads += 1;
        } else if self.p.merging && self.merge(&entry) {
            self.outcome.reads += 1;
        } else {
            if self.reads.len() == self.p.read_buffer {
                return false;
            }
            self.reads.push(entry);
            self.outcome.reads += 1;
        }
        self.ids += 1;
        true
    }

    fn merge(&mut self, entry: &Entry) -> bool {
        let activating = self.activating.iter_mut().map(|(entry, _)| entry);
        let mut waiting = self
            .reads
            .iter_mut()
            .chain(&mut self.active)
            .chain(activating);
        let same = |e: &&mut Entry| e.direction == Direction::Read && e.slot == entry.slot;
        let found = waiting.find(same);
        found.map(|e| e.merged.push(entry.at)).is_some()
    }

    fn tick(&mut self, t: u64) {
        self.refresh_due(t);
        if self.part.protocol.two_slots {
            if !self.part.protocol.rising_edges || t.is_multiple_of(2) {
                self.column_slot(t);
            }
            self.row_slot(t);
        } else {
            self.single_slot(t);
        }
        let o = &self.part.organisation;
        let of_unit = o.banks() / o.units();
        for unit in self.open.chunks(of_unit) {
            if unit.iter().any(Option::is_some) {
                self.outcome.active_ticks += 1;
            } else {
                self.outcome.idle_ticks += 1;
            }
        }
    }

    fn unit_of_refresh(&self, bank: usize) -> usize {
        match self.part.protocol.all_bank {
            Scope::PseudoChannel => self.part.organisation.place(bank).pseudo_channel,
            _ => self.part.organisation.place(bank).rank,
        }
    }

    fn refresh_due(&mut self, t: u64) {
        let o = self.part.organisation.clone();
        let units = match self.part.protocol.all_bank {
            Scope::PseudoChannel => o.pseudo_channels,
            _ => o.units(),
        };
        for unit in 0..units {
            let banks: Vec<usize> = (0..o.banks())
                .filter(|&bank| self.unit_of_refresh(bank) == unit)
                .collect();
            let (command, steps) = match self.p.refresh.kind {
                RefreshKind::None => return,
                RefreshKind::AllBank => (Command::Ref, 1),
                RefreshKind::PerBank => (Command::RefBank, banks.len()),
                RefreshKind::SameBank => (Command::RefSame, o.banks_per_group),
            };
            let interval = self.part.protocol.refresh_interval / steps as u64;
            let shift = if self.p.refresh.stagger {
                unit as u64 * interval / units as u64
            } else {
                0
            };
            let clock = t + 1;
            if clock < interval + shift || !(clock - shift).is_multiple_of(interval) {
                continue;
            }
            let turn = ((clock - shift) / interval - 1) as usize % steps;
            let banks = match command {
                Command::Ref => banks,
                Command::RefBank => vec![banks[turn]],
                _ => {
                    let same = |&bank: &usize| bank % o.banks_per_group == turn;
                    banks.into_iter().filter(same).collect()
                }
            };
            self.maintenance.push_back(Maintenance { command, banks });
        }
    }

    fn node(&self, scope: Scope, bank: usize) -> usize {
        let place = self.part.organisation.place(bank);
        match scope {
            Scope::Bank => place.bank,
            Scope::Group => place.group,
            Scope::Rank => place.rank,
            Scope::PseudoChannel => place.pseudo_channel,
            Scope::Channel => 0,
        }
    }

    /// Other nodes of the scope inside the same parent.
    fn siblings(&self, scope: Scope, bank: usize) -> Vec<usize> {
        let o = &self.part.organisation;
        let wider = |scope| match scope {
            Scope::Bank => Scope::Group,
            Scope::Group => Scope::Rank,
            Scope::Rank => Scope::PseudoChannel,
            _ => Scope::Channel,
        };
        let own = self.node(scope, bank);
        let parent = self.node(wider(scope), bank);
        let others = (0..o.banks()).filter(|&b| self.node(wider(scope), b) == parent);
        let mut nodes: Vec<usize> = others.map(|b| self.node(scope, b)).collect();
        nodes.dedup();
        nodes.retain(|&node| node != own);
        nodes
    }

    fn in_time(&self, command: Command, bank: usize, t: u64) -> bool {
        let edges = self.part.protocol.rising_edges;
        if edges && !t.is_multiple_of(2) {
            if !matches!(command, Command::Pre | Command::PreAll) {
                return false;
            }
            let (tick, pseudo_channel, barred) = self.paired;
            let same = self.part.organisation.place(bank).pseudo_channel == pseudo_channel;
            let all = command == Command::PreAll || barred.is_none_or(|barred| barred == bank);
            if t == tick && same && all {
                return false;
            }
        }
        self.part.constraints.iter().all(|c| {
            if c.then != command || c.distance == 0 {
                return true;
            }
            let nodes = if c.sibling {
                self.siblings(c.scope, bank)
            } else {
                vec![self.node(c.scope, bank)]
            };
            nodes.iter().all(|&node| {
                let past = &self.history[c.scope as usize][node][c.first as usize];
                let counted = past.get(usize::from(c.window) - 1);
                counted.is_none_or(|&at| at + c.distance <= t)
            })
        })
    }

    fn issue(&mut self, command: Command, banks: &[usize], row: u32, t: u64) {
        for scope in SCOPES {
            let mut nodes: Vec<usize> = banks.iter().map(|&b| self.node(scope, b)).collect();
            nodes.sort_unstable();
            nodes.dedup();
            for node in nodes {
                let past = &mut self.history[scope as usize][node][command as usize];
                past.push_front(t);
                past.truncate(4);
            }
        }
        self.outcome.commands[command as usize] += 1;
        self.log.command(Issued {
            at: t,
            command,
            bank: banks[0],
            row,
            comps: 0,
        });
        let column = matches!(command, Command::Rd | Command::Wr);
        if self.part.protocol.rising_edges && t.is_multiple_of(2) && !column {
            let all = matches!(command, Command::PreAll | Command::Ref);
            let ticks = if command == Command::Act { 3 } else { 1 };
            let pseudo_channel = self.part.organisation.place(banks[0]).pseudo_channel;
            self.paired = (t + ticks, pseudo_channel, (!all).then_some(banks[0]));
        }
        for &bank in banks {
            match command {
                Command::Act => {
                    self.open[bank] = Some(row);
                    self.served[bank] = 0;
                    self.used[bank] = t;
                }
                Command::Pre | Command::PreAll => self.open[bank] = None,
                Command::Rd | Command::Wr => {
                    self.outcome.row_hits += u64::from(self.served[bank] > 0);
                    self.served[bank] += 1;
                    self.used[bank] = t;
                }
                _ => {}
            }
        }
    }

    fn channel_waits(&self) -> bool {
        self.p.refresh.blocking == Blocking::Channel && !self.maintenance.is_empty()
    }

    fn blocked(&self, bank: usize) -> bool {
        let head = self.maintenance.front();
        head.is_some_and(|head| head.banks.contains(&bank))
    }

    fn turn(&mut self) {
        let (reads, writes) = (self.reads.len(), self.writes.len());
        if self.write_mode {
            self.write_mode = writes > self.p.write_low || reads == 0;
        } else {
            let any = writes > 0 || self.p.idle_turns_to_writes;
            self.write_mode = writes >= self.p.write_high || reads == 0 && any;
        }
    }

    fn buffer(&self, from: From) -> &Vec<Entry> {
        match from {
            From::Active => &self.active,
            From::Reads => &self.reads,
            From::Writes => &self.writes,
        }
    }

    fn served_from(&self) -> From {
        if self.write_mode {
            From::Writes
        } else {
            From::Reads
        }
    }

    fn column(direction: Direction) -> Command {
        match direction {
            Direction::Read => Command::Rd,
            Direction::Write => Command::Wr,
        }
    }

    fn is_activating(&self, bank: usize) -> bool {
        self.activating
            .as_ref()
            .is_some_and(|(e, _)| e.bank == bank)
    }

    fn has_active(&self, bank: usize) -> bool {
        self.active.iter().any(|e| e.bank == bank) || self.is_activating(bank)
    }

    /// The command that brings a request of the served buffer on now, if it may be issued.
    fn next_command(&self, entry: &Entry, t: u64) -> Option<Command> {
        if self.blocked(entry.bank) || self.is_activating(entry.bank) {
            return None;
        }
        let buffer = self.buffer(self.served_from());
        let bank = entry.bank;
        let of_bank = || buffer.iter().filter(move |e| e.bank == bank);
        let command = match self.open[bank] {
            None if self.activating.is_some() => return None,
            None => Command::Act,
            Some(row) => {
                let hit = of_bank().find(|e| e.row == row);
                let miss = of_bank().find(|e| e.row != row);
                if entry.row == row {
                    let spent = self.p.hit_cap.is_some_and(|cap| self.served[bank] >= cap);
                    let older = miss.zip(hit).is_some_and(|(miss, hit)| miss.at < hit.at);
                    if spent && older {
                        return None;
                    }
                    Self::column(entry.direction)
                } else {
                    let protects = self.p.scheduling == Scheduling::RowHit;
                    if protects && hit.is_some_and(|hit| hit.at <= entry.at) {
                        return None;
                    }
                    if self.has_active(bank) {
                        return None;
                    }
                    Command::Pre
                }
            }
        };
        self.in_time(command, bank, t).then_some(command)
    }

    fn best_active(&self, t: u64) -> Option<u64> {
        let ready = |e: &&Entry| self.in_time(Self::column(e.direction), e.bank, t);
        let best = self.active.iter().filter(ready).min_by_key(|e| e.at);
        best.map(|e| e.id)
    }

    fn best_queued(&self, t: u64, want: impl Fn(Command) -> bool) -> Option<(u64, Command)> {
        for entry in self.buffer(self.served_from()) {
            if let Some(command) = self.next_command(entry, t)
                && want(command)
            {
                return Some((entry.id, command));
            }
        }
        None
    }

    fn take(&mut self, from: From, id: u64) -> Entry {
        let buffer = match from {
            From::Active => &mut self.active,
            From::Reads => &mut self.reads,
            From::Writes => &mut self.writes,
        };
        let i = buffer.iter().position(|e| e.id == id).expect("it waits");
        buffer.remove(i)
    }

    fn issue_column(&mut self, from: From, id: u64, t: u64) {
        let entry = self.take(from, id);
        let command = Self::column(entry.direction);
        self.issue(command, &[entry.bank], entry.row, t);
        if entry.direction == Direction::Read {
            let at = t + self.part.protocol.read_latency;
            self.last_return = self.last_return.max(at);
            self.returns.push((at, entry.at));
            for &accepted in &entry.merged {
                self.returns.push((at, accepted));
            }
        }
        if let Some(clock) = self.part.protocol.data_clock {
            let ticks = match entry.direction {
                Direction::Read => clock.read,
                Direction::Write => clock.write,
            };
            self.clock_runs_until = self.clock_runs_until.max(t + ticks);
        }
    }

    fn issue_row(&mut self, id: u64, command: Command, t: u64) {
        let from = self.served_from();
        let entry = self
            .buffer(from)
            .iter()
            .find(|e| e.id == id)
            .expect("it waits");
        let (bank, row) = (entry.bank, entry.row);
        if command == Command::Pre {
            self.issue(Command::Pre, &[bank], 0, t);
            return;
        }
        self.issue(Command::Act, &[bank], row, t);
        if let Some(two) = self.part.protocol.two_phase {
            let entry = self.take(from, id);
            self.activating = Some((entry, t + two.deadline));
        } else if self.p.active_buffer {
            let entry = self.take(from, id);
            self.active.push(entry);
        }
    }

    fn column_slot(&mut self, t: u64) {
        if let Some(id) = self.best_active(t) {
            self.issue_column(From::Active, id, t);
        } else if !self.channel_waits() {
            self.turn();
            let column = |command| matches!(command, Command::Rd | Command::Wr);
            if let Some((id, _)) = self.best_queued(t, column) {
                self.issue_column(self.served_from(), id, t);
            }
        }
    }

    fn row_slot(&mut self, t: u64) {
        if self.maintain(t) || self.channel_waits() {
            return;
        }
        self.turn();
        let row = |command| matches!(command, Command::Act | Command::Pre);
        if let Some((id, command)) = self.best_queued(t, row) {
            self.issue_row(id, command, t);
        } else {
            self.close_idle(t);
        }
    }

    fn single_slot(&mut self, t: u64) {
        if self
            .activating
            .as_ref()
            .is_some_and(|&(_, deadline)| deadline <= t)
        {
            self.second_phase(t);
            return;
        }
        if let Some((from, id)) = self.after_cas {
            let entry = self
                .buffer(from)
                .iter()
                .find(|e| e.id == id)
                .expect("it waits");
            if self.in_time(Self::column(entry.direction), entry.bank, t) {
                self.after_cas = None;
                self.issue_column(from, id, t);
            }
            return;
        }
        if let Some(id) = self.best_active(t) {
            self.clocked_column(From::Active, id, t);
            return;
        }
        if self.maintain(t) {
            return;
        }
        if !self.channel_waits() {
            self.turn();
            match self.best_queued(t, |_| true) {
                Some((id, command)) if matches!(command, Command::Act | Command::Pre) => {
                    self.issue_row(id, command, t);
                    return;
                }
                Some((id, _)) => {
                    self.clocked_column(self.served_from(), id, t);
                    return;
                }
                None => {}
            }
            if self.close_idle(t) {
                return;
            }
        }
        if self.activating.is_some() {
            self.second_phase(t);
        }
    }

    fn second_phase(&mut self, t: u64) {
        let (entry, _) = self.activating.take().expect("asked before");
        self.issue(Command::Act2, &[entry.bank], entry.row, t);
        self.active.push(entry);
    }

    fn clocked_column(&mut self, from: From, id: u64, t: u64) {
        if self.part.protocol.data_clock.is_none() || t < self.clock_runs_until {
            self.issue_column(from, id, t);
            return;
        }
        let pending = self.activating.as_ref();
        if pending.is_some_and(|&(_, deadline)| deadline <= t + 1) {
            self.second_phase(t);
            return;
        }
        let entry = self
            .buffer(from)
            .iter()
            .find(|e| e.id == id)
            .expect("it waits");
        self.issue(Command::Cas, &[entry.bank], 0, t);
        self.after_cas = Some((from, id));
    }

    fn maintain(&mut self, t: u64) -> bool {
        let Some(head) = self.maintenance.front() else {
            return false;
        };
        let banks = head.banks.clone();
        let command = head.command;
        let open: Vec<usize> = banks
            .iter()
            .copied()
            .filter(|&b| self.open[b].is_some())
            .collect();
        if open.is_empty() {
            let fine = banks.iter().all(|&bank| self.in_time(command, bank, t));
            if fine {
                self.issue(command, &banks, 0, t);
                self.maintenance.pop_front();
            }
            return fine;
        }
        if command == Command::Ref {
            let free = banks.iter().all(|&bank| !self.has_active(bank));
            let fine = free && banks.iter().all(|&b| self.in_time(Command::PreAll, b, t));
            if fine {
                self.issue(Command::PreAll, &banks, 0, t);
            }
            return fine;
        }
        let Some(&bank) = open.iter().find(|&&bank| !self.has_active(bank)) else {
            return false;
        };
        let fine = self.in_time(Command::Pre, bank, t);
        if fine {
            self.issue(Command::Pre, &[bank], 0, t);
        }
        fine
    }

    fn close_idle(&mut self, t: u64) -> bool {
        let wait = match self.p.pages {
            Pages::Open => return false,
            Pages::Closed => 0,
            Pages::Timeout(ticks) => ticks,
        };
        for bank in 0..self.open.len() {
            let Some(row) = self.open[bank] else { continue };
            let mut queued = self.reads.iter().chain(&self.writes);
            let hit = queued.any(|e| e.bank == bank && e.row == row);
            let free = !hit && !self.has_active(bank) && !self.blocked(bank);
            let old = self.served[bank] > 0 && t >= self.used[bank] + wait;
            if free && old && self.in_time(Command::Pre, bank, t) {
                self.issue(Command::Pre, &[bank], 0, t);
                return true;
            }
        }
        false
    }
}
