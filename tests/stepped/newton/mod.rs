//! The NeuPIMs channel, tick by tick: every queue a list that is walked from its oldest entry, every
//! gate a tick a bank and command. Shares with the engine the standard's data, the names of its
//! parameters and the port.

mod moves;
mod time;

use memwall_sim::dram::bank_queues::RefreshOrder;
use memwall_sim::dram::command::COMMANDS;
use memwall_sim::dram::{Command, Issued, Observer, Standard};
use memwall_sim::pim::newton::Parameters;
use memwall_sim::pim::newton::port::{Answer, Ask, Transaction};
use memwall_sim::time::Tick;
use std::collections::VecDeque;
use std::sync::Arc;

/// Rank, group, bank, row, column.
type Address = (u8, u8, u8, u32, u16);

#[derive(Debug, Clone, Copy)]
struct Entry {
    ask: Ask,
    address: Address,
    bank: usize,
    row: u32,
    tag: u32,
    accepted: Tick,
}

impl Entry {
    fn is_pim(&self) -> bool {
        !matches!(self.ask, Ask::Read | Ask::Write)
    }
}

#[derive(Debug, Clone, Default)]
struct Bank {
    normal: Option<u32>,
    pim: Option<u32>,
    hits: u32,
    queue: Vec<Entry>,
}

struct Return {
    due: Tick,
    tag: u32,
    gwrite: bool,
}

/// A command for a bank.
type Step = (Command, usize);

#[allow(clippy::struct_excessive_bools)]
pub struct Stepped {
    standard: Arc<Standard>,
    p: Parameters,
    dual: bool,
    t: Tick,
    banks: Vec<Bank>,
    allowed: Vec<[Tick; COMMANDS]>,
    /// By rank, ticks of its activations, four times for four at once.
    activations: Vec<VecDeque<Tick>>,
    /// Results on the data bus, as the ticks of reads that would take their place.
    results: Vec<Tick>,
    reads: Vec<Entry>,
    writes: Vec<Entry>,
    pims: Vec<Entry>,
    program: Vec<Entry>,
    pending_reads: Vec<Entry>,
    pending_writes: Vec<Address>,
    pending_pims: Vec<Entry>,
    returns: Vec<Return>,
    answers: VecDeque<Answer>,
    drain: usize,
    lock: Option<Address>,
    pointer: usize,
    due: VecDeque<usize>,
    next_rank: usize,
    in_refresh: bool,
    skip: bool,
    gwriting: Option<usize>,
    slack: i64,
    reserved: Option<u32>,
    mode: bool,
    first_comp: bool,
}

impl Stepped {
    pub fn new(standard: &Arc<Standard>, p: Parameters) -> Stepped {
        let banks = standard.organisation.banks();
        Stepped {
            dual: standard
                .constraints
                .iter()
                .any(|c| c.first == Command::PimPre),
            standard: Arc::clone(standard),
            p,
            t: 0,
            banks: vec![Bank::default(); banks],
            allowed: vec![[0; COMMANDS]; banks],
            activations: vec![VecDeque::new(); standard.organisation.ranks],
            results: Vec::new(),
            reads: Vec::new(),
            writes: Vec::new(),
            pims: Vec::new(),
            program: Vec::new(),
            pending_reads: Vec::new(),
            pending_writes: Vec::new(),
            pending_pims: Vec::new(),
            returns: Vec::new(),
            answers: VecDeque::new(),
            drain: 0,
            lock: None,
            pointer: 0,
            due: VecDeque::new(),
            next_rank: 0,
            in_refresh: false,
            skip: false,
            gwriting: None,
            slack: 0,
            reserved: None,
            mode: false,
            first_comp: true,
        }
    }

    pub fn has_room(&self, ask: Ask) -> bool {
        let queue = match ask {
            Ask::Write => &self.writes,
            Ask::Read => &self.reads,
            _ if self.dual => &self.pims,
            _ => &self.reads,
        };
        queue.len() < self.p.transactions
    }

    pub fn answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    pub fn offer(&mut self, transaction: Transaction) {
        let Transaction { ask, at, tag } = transaction;
        let o = &self.standard.organisation;
        let group = usize::from(at.rank) * o.bank_groups + usize::from(at.group);
        let mut address = (at.rank, at.group, at.bank, at.row, at.column);
        if let Ask::CompsReadres { comps, last } = ask {
            let encoded = comps as usize - 1;
            let place = self.place(encoded);
            let group = place.group % o.bank_groups;
            let bank = encoded % o.banks_per_group;
            address = (
                place.rank as u8,
                group as u8,
                bank as u8,
                at.row,
                u16::from(last),
            );
        }
        if let Ask::Readres { last } = ask {
            address.4 = u16::from(last);
        }
        let entry = Entry {
            ask,
            address,
            bank: group * o.banks_per_group + usize::from(at.bank),
            row: at.row,
            tag,
            accepted: self.t,
        };
        let soon = Return {
            due: self.t + 1,
            tag,
            gwrite: false,
        };
        let written = self.pending_writes.contains(&address);
        match ask {
            Ask::Write => {
                if !written {
                    self.pending_writes.push(address);
                    self.writes.push(entry);
                }
                self.returns.push(soon);
            }
            Ask::Read if written => self.returns.push(soon),
            Ask::Read => {
                let first = !self.pending_reads.iter().any(|r| r.address == address);
                self.pending_reads.push(entry);
                if first {
                    self.reads.push(entry);
                }
            }
            _ => {
                if !matches!(ask, Ask::Header { .. }) {
                    self.pending_pims.push(entry);
                }
                let queue = if self.dual {
                    &mut self.pims
                } else {
                    &mut self.reads
                };
                queue.push(entry);
            }
        }
    }

    pub fn tick(&mut self, observer: &mut impl Observer) {
        self.call_back();
        self.fall_due();
        if !self.refresh(observer) {
            self.command(observer);
        }
        self.move_one();
        self.t += 1;
    }

    fn call_back(&mut self) {
        while let Some(at) = self.returns.iter().position(|r| r.due <= self.t) {
            let given = self.returns.remove(at);
            if given.gwrite {
                self.gwriting = None;
                if self.p.gwrite_stalls {
                    self.slack = 0;
                }
            }
            self.answers.push_back(Answer {
                tag: given.tag,
                at: self.t,
            });
        }
    }

    fn issue(
        &mut self,
        command: Command,
        bank: usize,
        row: u32,
        comps: u32,
        observer: &mut impl Observer,
    ) {
        observer.command(Issued {
            at: self.t,
            command,
            bank,
            row,
            comps: Tick::from(comps),
        });
        self.record(command, bank, Tick::from(comps));
        let dual = self.dual;
        let state = &mut self.banks[bank];
        match command {
            Command::Act => state.normal = Some(row),
            Command::Pre => (state.normal, state.hits) = (None, 0),
            Command::PimPre => state.pim = None,
            Command::Rd | Command::Wr => state.hits += 1,
            Command::GAct => {
                let group = self.place(bank).group;
                for other in 0..self.banks.len() {
                    if self.place(other).group != group {
                        continue;
                    }
                    let state = &mut self.banks[other];
                    if dual {
                        state.pim = Some(row);
                    } else {
                        state.normal = state.normal.or(Some(row));
                    }
                }
            }
            _ => {}
        }
    }

    /// Issues what a bank's rows need for some other command; the row is that to be opened.
    fn prepare(&mut self, (command, bank): Step, row: u32, observer: &mut impl Observer) {
        let state = &self.banks[bank];
        let row = match command {
            Command::Pre => state.normal.unwrap_or(0),
            Command::PimPre => state.pim.unwrap_or(0),
            _ => row,
        };
        self.issue(command, bank, row, 0, observer);
    }

    // Refresh.

    fn interval(&self) -> Option<Tick> {
        let interval = self.standard.refreshes.interval;
        match self.p.refresh {
            RefreshOrder::Off => None,
            RefreshOrder::Simultaneous => Some(interval),
            RefreshOrder::Staggered => Some(interval / self.standard.organisation.ranks as Tick),
        }
    }

    fn fall_due(&mut self) {
        let ranks = self.standard.organisation.ranks;
        let Some(interval) = self.interval() else {
            return;
        };
        if self.t == 0 || !self.t.is_multiple_of(interval) {
            return;
        }
        if self.p.refresh == RefreshOrder::Simultaneous {
            self.due.extend(0..ranks);
        } else {
            self.due.push_back(self.next_rank);
            self.next_rank = (self.next_rank + 1) % ranks;
        }
    }

    fn refresh(&mut self, observer: &mut impl Observer) -> bool {
        let Some(&rank) = self.due.front() else {
            return false;
        };
        self.in_refresh = true;
        let banks: Vec<usize> = (0..self.banks.len())
            .filter(|bank| self.place(*bank).rank == rank)
            .collect();
        let mut ready = 0;
        for &bank in &banks {
            let state = &self.banks[bank];
            let needs = if state.normal.is_some() {
                Command::Pre
            } else if state.pim.is_some() {
                Command::PimPre
            } else {
                Command::Ref
            };
            if !self.ready(needs, bank) {
                continue;
            }
            if needs != Command::Ref {
                self.prepare((needs, bank), 0, observer);
                return true;
            }
            ready += 1;
        }
        if ready < banks.len() {
            return false;
        }
        self.issue(Command::Ref, banks[0], 0, 0, observer);
        self.due.pop_front();
        self.in_refresh = false;
        self.skip = false;
        self.slack = 0;
        self.reserved = None;
        true
    }

    // Commands.

    fn command(&mut self, observer: &mut impl Observer) {
        if self.dual {
            if !self.skip && !self.program.is_empty() && !self.in_refresh {
                if self.head(observer) {
                    return;
                }
                if !self.program.is_empty() && self.slack < self.p.least_slack.cast_signed() {
                    return;
                }
            }
        } else if !self.skip && (self.mode || self.banks.iter().all(|b| b.queue.is_empty())) {
            if !self.in_refresh {
                self.head(observer);
            }
            return;
        }
        for _ in 0..self.banks.len() {
            self.pointer = (self.pointer + 1) % self.banks.len();
            if self.in_refresh && self.due.front() == Some(&self.place(self.pointer).rank) {
                continue;
            }
            if self.host(self.pointer, observer) || (!self.dual && self.mode) {
                return;
            }
        }
    }

    fn in_time(&mut self, estimate: i64) -> bool {
        let ahead = match self.interval() {
            Some(interval) => (interval - (self.t + 1) % interval).cast_signed(),
            None => 1 << 40,
        };
        self.slack = (ahead - estimate).max(0);
        let passes = ahead > estimate || !self.p.deadline;
        if !passes {
            self.skip = true;
        }
        passes
    }

    /// The row buffer that steps use.
    fn open(&self, bank: usize) -> Option<u32> {
        if self.dual {
            self.banks[bank].pim
        } else {
            self.banks[bank].normal
        }
    }

    fn tile_estimate(&self, row: u32, comps: u32, read_outs: u32) -> i64 {
        let timing = &self.standard.timing;
        let banks_per_group = self.standard.organisation.banks_per_group;
        let (mut precharges, mut activations) = (0, 0);
        for group in 0..self.banks.len() / banks_per_group {
            let banks = group * banks_per_group..(group + 1) * banks_per_group;
            let open: Vec<_> = banks.map(|bank| self.open(bank)).collect();
            if open.iter().all(|open| *open == Some(row)) {
                continue;
            }
            activations += 1;
            for open in open.into_iter().flatten() {
                precharges += i64::from(open != row);
            }
        }
        let precharge = if self.p.coarse_estimate {
            timing.rtp.cast_signed()
        } else {
            1
        };
        precharges * precharge
            + timing.faw.cast_signed() * (activations / 2 - 1)
            + timing.rcd_rd.cast_signed()
            + timing.burst.max(timing.ccd_s).cast_signed() * i64::from(comps.max(6))
            + timing.burst.max(timing.ccd_l).cast_signed() * (i64::from(read_outs) - 1)
    }

    fn head(&mut self, observer: &mut impl Observer) -> bool {
        loop {
            let Some(&head) = self.program.first() else {
                return false;
            };
            let gwrite = head.ask == Ask::Gwrite;
            if self.gwriting.is_some() {
                if gwrite {
                    return self.gwrite(head, observer);
                }
                if self.p.gwrite_stalls {
                    return false;
                }
            } else if gwrite {
                let timing = &self.standard.timing;
                let open = (timing.rp + timing.rcd_rd).cast_signed();
                let before = match self.banks[head.bank].normal {
                    None => open,
                    Some(row) if row == head.row => 0,
                    Some(_) => open + timing.rtp.cast_signed(),
                };
                if !self.in_time(before + self.gwrite_ticks().cast_signed()) {
                    return false;
                }
                self.gwriting = Some(head.bank);
                return self.gwrite(head, observer);
            }
            let Ask::Header { comps, read_outs } = head.ask else {
                return self.steps(head, observer);
            };
            if !self.in_time(self.tile_estimate(head.row, comps, read_outs)) {
                return false;
            }
            self.reserved = Some(head.row);
            self.mode = !self.dual;
            let mut ready = 0;
            for bank in 0..self.banks.len() {
                let state = &self.banks[bank];
                let needs = match (self.dual, state.pim, state.normal) {
                    (true, Some(row), _) if row != head.row => Command::PimPre,
                    (true, None, Some(row)) if row == head.row => Command::Pre,
                    (false, _, Some(row)) if row != head.row => Command::Pre,
                    _ => {
                        ready += 1;
                        continue;
                    }
                };
                if self.ready(needs, bank) {
                    if needs == Command::PimPre && !self.p.precharge_by_bank {
                        self.close_all(head.row, observer);
                    } else {
                        self.prepare((needs, bank), 0, observer);
                    }
                    return true;
                }
            }
            if ready < self.banks.len() {
                return false;
            }
            self.program.remove(0);
            self.issue(Command::Header, 0, head.row, 0, observer);
            if self.p.header_slot {
                return true;
            }
        }
    }

    fn close_all(&mut self, row: u32, observer: &mut impl Observer) {
        for rank in 0..self.standard.organisation.ranks {
            let mut shown = None;
            for bank in 0..self.banks.len() {
                let away = self.banks[bank].pim.filter(|open| *open != row);
                if let Some(old) = away
                    && self.place(bank).rank == rank
                    && self.ready(Command::PimPre, bank)
                {
                    self.banks[bank].pim = None;
                    self.record(Command::PimPre, bank, 0);
                    shown = shown.or(Some((bank, old)));
                }
            }
            if let Some((bank, row)) = shown {
                observer.command(Issued {
                    at: self.t,
                    command: Command::PimPreAll,
                    bank,
                    row,
                    comps: 0,
                });
            }
        }
    }

    fn gwrite_ticks(&self) -> Tick {
        self.standard.parameter("t_gwrite").expect("a PIM part")
    }

    fn gwrite(&mut self, head: Entry, observer: &mut impl Observer) -> bool {
        let state = &self.banks[head.bank];
        let needs = match state.normal {
            Some(row) if row == head.row => Command::Gwrite,
            Some(_) => Command::Pre,
            None if state.pim == Some(head.row) => Command::PimPre,
            None => Command::Act,
        };
        if !self.ready(needs, head.bank) {
            return false;
        }
        if needs != Command::Gwrite {
            self.prepare((needs, head.bank), head.row, observer);
            return true;
        }
        self.issue(Command::Gwrite, head.bank, head.row, 0, observer);
        self.answered(self.t + self.gwrite_ticks(), true);
        true
    }

    /// The head of the PIM queue is over; it is answered at `due`.
    fn answered(&mut self, due: Tick, gwrite: bool) {
        let entry = self.program.remove(0);
        let mut pending = self.pending_pims.iter();
        let at = pending.position(|p| p.address == entry.address);
        self.pending_pims.remove(at.expect("a pending transaction"));
        self.returns.push(Return {
            due,
            tag: entry.tag,
            gwrite,
        });
    }

    fn steps(&mut self, head: Entry, observer: &mut impl Observer) -> bool {
        let command = match head.ask {
            Ask::CompsReadres { .. } => Command::CompsReadres,
            Ask::Comp => Command::Comp,
            _ => Command::Readres,
        };
        let mut ready = 0;
        for bank in 0..self.banks.len() {
            if self.open(bank).is_some() {
                ready += usize::from(self.ready(command, bank));
                continue;
            }
            let group = self.place(bank).group;
            let all = (0..self.banks.len())
                .filter(|other| self.place(*other).group == group)
                .all(|other| self.ready(Command::GAct, other));
            if self.ready(Command::GAct, bank) && (all || self.p.gact_by_one_bank) {
                self.issue(Command::GAct, bank, head.row, 0, observer);
                return true;
            }
        }
        if ready < self.banks.len() {
            return false;
        }
        let latency = self.standard.read_latency();
        match head.ask {
            Ask::CompsReadres { comps, .. } => {
                self.issue(command, 0, head.row, comps, observer);
                let timing = &self.standard.timing;
                let run = timing.burst.max(timing.ccd_s) * Tick::from(comps.max(6));
                if !self.p.result_off_bus {
                    let now = self.t;
                    self.results.retain(|at| at + 100 > now);
                    self.results.push(now + run);
                }
                let late = if self.p.early_result { 0 } else { run };
                self.answered(self.t + latency + late, false);
            }
            Ask::Comp => {
                self.issue(command, 0, head.row, 1, observer);
                if self.first_comp {
                    let fill = self.standard.timing.ccd_s * 6;
                    for bank in 0..self.banks.len() {
                        self.hold(bank, Command::Readres, self.t + fill);
                    }
                    self.first_comp = false;
                }
                // It is called back before the next tick's command.
                self.answered(self.t, false);
            }
            Ask::Readres { last } => {
                self.issue(command, 0, head.row, 0, observer);
                self.first_comp = true;
                self.answered(self.t + latency, false);
                if last {
                    self.mode = false;
                    self.reserved = None;
                    self.slack = 0;
                }
            }
            _ => panic!("{:?} in the PIM queue", head.ask),
        }
        true
    }

    /// A command for one bank's queue.
    fn host(&mut self, bank: usize, observer: &mut impl Observer) -> bool {
        for index in 0..self.banks[bank].queue.len() {
            let state = &self.banks[bank];
            let entry = state.queue[index];
            if self.reserved == Some(entry.row) || self.gwriting == Some(bank) {
                continue;
            }
            let needs = match state.normal {
                None if state.pim == Some(entry.row) => Command::PimPre,
                None => Command::Act,
                Some(row) if row != entry.row => Command::Pre,
                Some(_) if entry.ask == Ask::Read => Command::Rd,
                Some(_) => Command::Wr,
            };
            if !self.ready(needs, bank) {
                continue;
            }
            let hit_waits = state.queue.iter().any(|e| Some(e.row) == state.normal);
            if needs == Command::Pre && (index > 0 || (hit_waits && state.hits < self.p.hit_cap)) {
                continue;
            }
            let older = &state.queue[..index];
            if needs == Command::Wr
                && older
                    .iter()
                    .any(|e| e.ask == Ask::Read && e.address == entry.address)
            {
                continue;
            }
            let timing = &self.standard.timing;
            let (above, takes) = match needs {
                Command::Pre => (timing.rp + timing.rcd_wr, timing.rp),
                Command::Act => (timing.rcd_wr, timing.rcd_wr),
                _ => (0, 0),
            };
            if self.p.slack_rule && self.slack > 0 && !self.program.is_empty() {
                if self.slack <= above.cast_signed() {
                    continue;
                }
                self.slack -= takes.cast_signed();
            }
            if !matches!(needs, Command::Rd | Command::Wr) {
                self.prepare((needs, bank), entry.row, observer);
                return true;
            }
            self.issue(needs, bank, entry.row, 0, observer);
            self.banks[bank].queue.remove(index);
            if needs == Command::Wr {
                self.pending_writes.retain(|w| *w != entry.address);
            } else {
                let due = self.t + self.standard.read_latency();
                let done = |r: &&Entry| r.address == entry.address;
                let tags = self.pending_reads.iter().filter(done).map(|r| r.tag);
                self.returns.extend(tags.map(|tag| Return {
                    due,
                    tag,
                    gwrite: false,
                }));
                self.pending_reads.retain(|r| r.address != entry.address);
            }
            return true;
        }
        false
    }
}
