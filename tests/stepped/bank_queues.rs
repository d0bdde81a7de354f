//! DRAMsim3's controller, one cycle at a time: transaction queues, bank queues, round robin.

use super::table::Table;
use memwall_sim::dram::constraint::Constraint;
use memwall_sim::dram::{
    Command, Direction, Issued, Latencies, Organisation, Outcome, Request, Source,
};

/// What a user may set.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub transactions: usize,
    pub bank_queue: usize,
    pub hit_cap: u64,
    /// An idle channel drains above this number of writes.
    pub drain_above: usize,
    pub second_command: bool,
    pub staggered: bool,
    pub read_delay: u64,
    pub refresh_interval: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    id: usize,
    slot: u64,
    bank: usize,
    row: u32,
    write: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bank {
    open: Option<u32>,
    hits: u64,
}

pub struct Stepped {
    settings: Settings,
    organisation: Organisation,
    table: Table,
    now: u64,
    banks: Vec<Bank>,
    queues: Vec<Vec<Entry>>,
    pointer: usize,
    reads: Vec<Entry>,
    writes: Vec<Entry>,
    /// Reads whose column command has not been issued.
    pending_reads: Vec<Entry>,
    /// Writes whose column command has not been issued, by slot.
    pending_writes: Vec<u64>,
    draining: usize,
    /// Return tick and tick of acceptance.
    returning: Vec<(u64, u64)>,
    accepted_at: Vec<u64>,
    due: Vec<usize>,
    refreshes: usize,
    pub outcome: Outcome,
    pub log: Vec<Issued>,
}

impl Stepped {
    pub fn new(
        settings: Settings,
        organisation: &Organisation,
        constraints: &[Constraint],
    ) -> Stepped {
        Stepped {
            settings,
            table: Table::new(constraints, organisation),
            organisation: organisation.clone(),
            now: 0,
            banks: vec![Bank::default(); organisation.banks()],
            queues: vec![Vec::new(); organisation.banks()],
            pointer: 0,
            reads: Vec::new(),
            writes: Vec::new(),
            pending_reads: Vec::new(),
            pending_writes: Vec::new(),
            draining: 0,
            returning: Vec::new(),
            accepted_at: Vec::new(),
            due: Vec::new(),
            refreshes: 0,
            outcome: Outcome::default(),
            log: Vec::new(),
        }
    }

    pub fn run(mut self, source: &mut impl Source) -> (Outcome, Vec<Issued>) {
        let mut next = source.take();
        while next.is_some() || self.outcome.latencies.count() < self.outcome.reads {
            if let Some(request) = next
                && request.at <= self.now
                && self.has_room(request.direction)
            {
                self.accept(request);
                next = source.take();
            }
            self.tick();
        }
        self.outcome.cycles = self.now;
        (self.outcome, self.log)
    }

    fn has_room(&self, direction: Direction) -> bool {
        let queue = match direction {
            Direction::Read => &self.reads,
            Direction::Write => &self.writes,
        };
        queue.len() < self.settings.transactions
    }

    fn accept(&mut self, request: Request) {
        let location = self.organisation.locate(request.slot);
        let write = request.direction == Direction::Write;
        let entry = Entry {
            id: self.accepted_at.len(),
            slot: request.slot,
            bank: location.bank,
            row: location.row,
            write,
        };
        self.accepted_at.push(self.now);
        if write {
            self.outcome.writes += 1;
            if !self.pending_writes.contains(&entry.slot) {
                self.pending_writes.push(entry.slot);
                self.writes.push(entry);
            }
            return;
        }
        self.outcome.reads += 1;
        if self.pending_writes.contains(&entry.slot) {
            self.returning.push((self.now + 1, self.now));
            return;
        }
        if !self
            .pending_reads
            .iter()
            .any(|read| read.slot == entry.slot)
        {
            self.reads.push(entry);
        }
        self.pending_reads.push(entry);
    }

    fn tick(&mut self) {
        let now = self.now;
        let latencies: &mut Latencies = &mut self.outcome.latencies;
        self.returning.retain(|&(at, accepted)| {
            if at <= now {
                latencies.add(now - accepted);
            }
            at > now
        });
        self.count_refreshes();
        let mut first = None;
        if !self.due.is_empty() {
            first = self.refresh_command();
        }
        let first = first.or_else(|| self.scheduled());
        if let Some((command, bank, entry)) = first {
            self.issue(command, bank, entry);
            if self.settings.second_command
                && let Some((second, bank, entry)) = self.scheduled()
            {
                let column = |c| matches!(c, Command::Rd | Command::Wr);
                if column(second) == column(command) {
                    // Dropped: a row command stays in its queue; a column command cannot occur.
                    assert!(!column(second));
                } else {
                    self.issue(second, bank, entry);
                }
            }
        }
        let per_rank = self.banks.len() / self.organisation.units();
        for rank in self.banks.chunks(per_rank) {
            if rank.iter().all(|bank| bank.open.is_none()) {
                self.outcome.idle_ticks += 1;
            } else {
                self.outcome.active_ticks += 1;
            }
        }
        self.move_one();
        self.now += 1;
    }

    fn count_refreshes(&mut self) {
        let ranks = self.organisation.units();
        let interval = if self.settings.staggered {
            self.settings.refresh_interval / ranks as u64
        } else {
            self.settings.refresh_interval
        };
        if self.now == 0 || !self.now.is_multiple_of(interval) {
            return;
        }
        if self.settings.staggered {
            self.due.push(self.refreshes % ranks);
            self.refreshes += 1;
        } else {
            self.due.extend(0..ranks);
        }
    }

    fn refresh_command(&mut self) -> Option<(Command, usize, Option<usize>)> {
        let rank = self.due[0];
        let per_rank = self.banks.len() / self.organisation.units();
        let first = rank * per_rank;
        let mut ready = 0;
        for bank in first..first + per_rank {
            if self.banks[bank].open.is_some() {
                if self.table.ready(Command::Pre, bank, self.now) {
                    return Some((Command::Pre, bank, None));
                }
            } else if self.table.ready(Command::Ref, bank, self.now) {
                ready += 1;
            }
        }
        (ready == per_rank).then_some((Command::Ref, first, None))
    }

    fn scheduled(&mut self) -> Option<(Command, usize, Option<usize>)> {
        let count = self.queues.len();
        let per_rank = count / self.organisation.units();
        for _ in 0..count {
            self.pointer = (self.pointer + 1) % count;
            let bank = self.pointer;
            if self.due.first() == Some(&(bank / per_rank)) {
                continue;
            }
            if let Some((command, index)) = self.first_ready(bank) {
                return Some((command, bank, Some(index)));
            }
        }
        None
    }

    fn first_ready(&self, bank: usize) -> Option<(Command, usize)> {
        let queue = &self.queues[bank];
        let state = self.banks[bank];
        for (index, entry) in queue.iter().enumerate() {
            let command = match state.open {
                None => Command::Act,
                Some(row) if row != entry.row => Command::Pre,
                Some(_) if entry.write => Command::Wr,
                Some(_) => Command::Rd,
            };
            if !self.table.ready(command, bank, self.now) {
                continue;
            }
            let allowed = match command {
                Command::Pre => {
                    let hit_waits = queue.iter().any(|other| Some(other.row) == state.open);
                    index == 0 && (!hit_waits || state.hits >= self.settings.hit_cap)
                }
                Command::Wr => !queue[..index]
                    .iter()
                    .any(|other| !other.write && other.slot == entry.slot),
                _ => true,
            };
            if allowed {
                return Some((command, index));
            }
        }
        None
    }

    fn issue(&mut self, command: Command, bank: usize, index: Option<usize>) {
        let now = self.now;
        let mut row = 0;
        if let Some(index) = index {
            row = self.queues[bank][index].row;
        }
        match command {
            Command::Act => {
                self.banks[bank] = Bank {
                    open: Some(row),
                    hits: 0,
                }
            }
            Command::Pre => {
                row = self.banks[bank].open.unwrap_or(0);
                self.banks[bank] = Bank::default();
            }
            Command::Ref => {
                self.due.remove(0);
            }
            _ => {
                self.outcome.row_hits += u64::from(self.banks[bank].hits > 0);
                self.banks[bank].hits += 1;
                let entry = self.queues[bank].remove(index.expect("columns come from queues"));
                if entry.write {
                    self.pending_writes.retain(|&slot| slot != entry.slot);
                } else {
                    let done = now + self.settings.read_delay;
                    let (served, waiting): (Vec<Entry>, Vec<Entry>) = self
                        .pending_reads
                        .drain(..)
                        .partition(|read| read.slot == entry.slot);
                    self.pending_reads = waiting;
                    let accepted = served.iter().map(|read| (done, self.accepted_at[read.id]));
                    self.returning.extend(accepted);
                }
            }
        }
        self.table.issue(command, bank, now);
        self.outcome.commands[command as usize] += 1;
        self.log.push(Issued {
            at: now,
            command,
            bank,
            row,
            comps: 0,
        });
    }

    fn move_one(&mut self) {
        let idle = self.queues.iter().all(Vec::is_empty);
        let waiting = self.writes.len();
        if self.draining == 0
            && (waiting >= self.settings.transactions
                || (waiting > self.settings.drain_above && idle))
        {
            self.draining = waiting;
        }
        let queue = if self.draining > 0 {
            &mut self.writes
        } else {
            &mut self.reads
        };
        let room = |entry: &Entry| self.queues[entry.bank].len() < self.settings.bank_queue;
        let Some(index) = queue.iter().position(room) else {
            return;
        };
        let entry = queue[index];
        if entry.write {
            let read_waits = self
                .pending_reads
                .iter()
                .any(|read| read.slot == entry.slot);
            if read_waits {
                self.draining = 0;
                return;
            }
            self.draining -= 1;
        }
        queue.remove(index);
        self.queues[entry.bank].push(entry);
    }
}
