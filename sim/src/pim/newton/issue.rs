//! Commands of a tick: the head of the PIM queue, and the host's queues round robin.

use super::super::RowBuffers;
use super::answers::From;
use super::candidates::{Kind, after};
use super::channel::Newton;
use super::gates::Gate;
use super::pim::Order;
use super::port::Ask;
use crate::dram::command::Command;
use crate::dram::observer::{Issued, Observer};
use crate::time::Tick;

impl Newton {
    /// Counts and shows a command, and lets others wait for it.
    #[inline]
    pub(super) fn put(
        &mut self,
        command: Command,
        bank: usize,
        row: u32,
        comps: u32,
        t: Tick,
        observer: &mut impl Observer,
    ) {
        self.show(command, bank, row, comps, t, observer);
        self.gates.issued(&self.tables, command, bank, t);
        self.candidates
            .raised(self.tables.kinds_raised[command as usize]);
    }

    #[inline]
    fn show(
        &mut self,
        command: Command,
        bank: usize,
        row: u32,
        comps: u32,
        t: Tick,
        observer: &mut impl Observer,
    ) {
        self.commands[command as usize] += 1;
        observer.command(Issued {
            at: t,
            command,
            bank,
            row,
            comps: Tick::from(comps),
        });
    }

    fn activate(&mut self, bank: usize, row: u32, t: Tick, observer: &mut impl Observer) {
        self.queues.open_bank(bank, row);
        self.put(Command::Act, bank, row, 0, t, observer);
        self.gates.activated(&self.tables, bank, 1, t);
        self.compare(bank);
        self.update(bank);
    }

    pub(super) fn precharge(&mut self, bank: usize, t: Tick, observer: &mut impl Observer) {
        let row = self.queues.close_bank(bank);
        self.put(Command::Pre, bank, row, 0, t, observer);
        self.compare(bank);
        self.update(bank);
    }

    pub(super) fn pim_precharge(&mut self, bank: usize, t: Tick, observer: &mut impl Observer) {
        let row = self.close_pim(bank);
        self.put(Command::PimPre, bank, row, 0, t, observer);
    }

    #[inline]
    fn close_pim(&mut self, bank: usize) -> u32 {
        let row = self.pim.row(bank).unwrap_or(0);
        self.pim.open &= !(1 << bank);
        self.compare(bank);
        if self.queues.filled >> bank & 1 != 0 {
            self.update(bank);
        }
        row
    }

    /// The command of tick `t`, if no refresh took the slot.
    #[inline]
    pub(super) fn issue(&mut self, t: Tick, observer: &mut impl Observer) {
        let refreshing = self.refreshes.rank.is_some();
        match self.tables.buffers {
            RowBuffers::Dual => {
                if !self.pim.skip && !self.pim.queue.is_empty() && !refreshing {
                    if self.head(t, observer) {
                        return;
                    }
                    let waits = !self.pim.queue.is_empty();
                    if waits && self.pim.slack < self.parameters.least_slack {
                        return;
                    }
                }
            }
            RowBuffers::Blocked => {
                if !self.pim.skip && (self.queues.filled == 0 || self.pim.mode) {
                    if !refreshing {
                        self.head(t, observer);
                    }
                    return;
                }
            }
        }
        self.host(t, observer);
    }

    /// What the head of the PIM queue gives in tick `t`; whether that is a command.
    #[inline]
    fn head(&mut self, t: Tick, observer: &mut impl Observer) -> bool {
        while let Some(&head) = self.pim.queue.front() {
            let gwrite = head.ask == Ask::Gwrite;
            if self.pim.gwriting.is_some() {
                if gwrite {
                    return self.gwrite(&head, t, observer);
                }
                if self.parameters.gwrite_stalls {
                    return false;
                }
            } else if gwrite {
                let estimate = self.gwrite_estimate(&head);
                if !self.in_time(t, estimate) {
                    return false;
                }
                self.pim.gwriting = Some(head.bank);
                self.candidates.all_changed();
                return self.gwrite(&head, t, observer);
            }
            match head.ask {
                Ask::Header { .. } => {
                    if let Some(issued) = self.header(&head, t, observer) {
                        return issued;
                    }
                }
                Ask::CompsReadres { .. } | Ask::Comp | Ask::Readres { .. } => {
                    return self.steps(&head, t, observer);
                }
                // They do not come here.
                Ask::Read | Ask::Write | Ask::Gwrite => self.pim.pop(),
            }
        }
        false
    }

    /// Whether a header gives a command; `None` where it is over without one.
    #[inline]
    fn header(&mut self, head: &Order, t: Tick, observer: &mut impl Observer) -> Option<bool> {
        self.aim(head.row);
        let estimate = self.tile_estimate(head);
        if !self.in_time(t, estimate) {
            self.pim.tested = false;
            return Some(false);
        }
        self.pim.tested = true;
        self.pim.mode = self.tables.buffers == RowBuffers::Blocked;
        self.reserve(Some(head.row));
        let (pim, normal) = self.in_the_way();
        let mut rest = pim | normal;
        if rest == 0 {
            self.pim.pop();
            self.show(Command::Header, 0, head.row, 0, t, observer);
            return self.parameters.header_slot.then_some(true);
        }
        while rest != 0 {
            let bank = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            if pim >> bank & 1 != 0 {
                if self.gates.of(&self.tables, Gate::PIM_PRE, bank) <= t {
                    if self.parameters.precharge_by_bank {
                        self.pim_precharge(bank, t, observer);
                    } else {
                        self.pim_precharge_all(pim, t, observer);
                    }
                    return Some(true);
                }
            } else if self.gates.of(&self.tables, Gate::PRE, bank) <= t {
                self.precharge(bank, t, observer);
                return Some(true);
            }
        }
        Some(false)
    }

    /// A header's way: while it closes a row every tick, nothing else happens before `until`, or a
    /// refresh or the end of a GWRITE. Goes on from tick `t` and returns the first one not gone
    /// through.
    #[inline]
    pub(super) fn clear_the_way(
        &mut self,
        mut t: Tick,
        until: Tick,
        observer: &mut impl Observer,
    ) -> Tick {
        let Some(&head) = self.pim.queue.front() else {
            return t;
        };
        let mut estimate = self.tile_estimate(&head);
        while t < until {
            // The first one in the way is the first that is looked at.
            let (pim, normal) = self.in_the_way();
            let bank = (pim | normal).trailing_zeros() as usize;
            let lowest = pim != 0 && pim.trailing_zeros() as usize == bank;
            let ready = lowest && self.gates.of(&self.tables, Gate::PIM_PRE, bank) <= t;
            if !ready || self.slack_at(t, estimate) <= 0 {
                break;
            }
            self.in_time(t, estimate);
            self.pim_precharge(bank, t, observer);
            // The group is still to be activated, with one row less to close before.
            estimate -= self.tables.estimate.precharge.cast_signed();
            t += 1;
        }
        t
    }

    /// Closes the PIM rows of those of `banks` that are ready.
    #[cold]
    fn pim_precharge_all(&mut self, banks: u64, t: Tick, observer: &mut impl Observer) {
        for rank in 0..self.tables.ranks {
            let mut rest = banks & self.tables.rank_mask(rank);
            let mut first = None;
            while rest != 0 {
                let bank = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                if self.gates.of(&self.tables, Gate::PIM_PRE, bank) <= t {
                    let row = self.close_pim(bank);
                    self.gates.issued(&self.tables, Command::PimPre, bank, t);
                    let kinds = self.tables.kinds_raised[Command::PimPre as usize];
                    self.candidates.raised(kinds);
                    first = first.or(Some((bank, row)));
                }
            }
            if let Some((bank, row)) = first {
                self.show(Command::PimPreAll, bank, row, 0, t, observer);
            }
        }
    }

    /// What the bank of a GWRITE needs: the gate, and the command behind it.
    #[inline]
    pub(super) fn gwrite_step(&self, head: &Order) -> (Gate, Command) {
        match self.queues.open_row(head.bank) {
            Some(row) if row == head.row => (Gate::GWRITE, Command::Gwrite),
            Some(_) => (Gate::PRE, Command::Pre),
            None if self.pim.row(head.bank) == Some(head.row) => (Gate::PIM_PRE, Command::PimPre),
            None => (Gate::ACT, Command::Act),
        }
    }

    fn gwrite(&mut self, head: &Order, t: Tick, observer: &mut impl Observer) -> bool {
        let (gate, command) = self.gwrite_step(head);
        if self.gates.of(&self.tables, gate, head.bank) > t {
            return false;
        }
        match command {
            Command::Gwrite => {
                self.pim.pop();
                self.put(command, head.bank, head.row, 0, t, observer);
                let end = t + self.tables.gwrite;
                self.pim.gwrites.push_back(end);
                self.answers.enter(From::Gwrite, end, head.tag);
            }
            Command::Pre => self.precharge(head.bank, t, observer),
            Command::PimPre => self.pim_precharge(head.bank, t, observer),
            _ => self.activate(head.bank, head.row, t, observer),
        }
        true
    }

    /// The end of every GWRITE that is over in tick `t`.
    #[inline]
    pub(super) fn end_gwrites(&mut self, t: Tick) {
        while self.pim.gwrites.front().is_some_and(|end| *end <= t) {
            self.pim.gwrites.pop_front();
            self.pim.gwriting = None;
            if self.parameters.gwrite_stalls {
                self.pim.slack = 0;
            }
            self.pim.tested = false;
            self.candidates.all_changed();
        }
    }

    /// A command on the rows of all banks, or the activation that it needs.
    #[inline]
    fn steps(&mut self, head: &Order, t: Tick, observer: &mut impl Observer) -> bool {
        let mut closed = self.tables.all() & !self.open_for_steps();
        if closed != 0 {
            while closed != 0 {
                let bank = closed.trailing_zeros() as usize;
                closed &= closed - 1;
                if self.g_act_at(bank) <= t {
                    self.g_act(bank, head.row, t, observer);
                    return true;
                }
            }
            return false;
        }
        if self.gates.of_channel(Newton::gate_of(head.ask)) > t {
            return false;
        }
        self.pim.pop();
        let result = t + self.tables.read_latency;
        match head.ask {
            Ask::Comp => {
                self.put(Command::Comp, 0, head.row, 1, t, observer);
                if self.pim.first_comp {
                    self.pim.first_comp = false;
                    self.gates
                        .raise_channel(Gate::READRES, t + self.tables.fill);
                }
                self.answers.enter(From::Comp, t + 1, head.tag);
            }
            Ask::Readres { last } => {
                self.put(Command::Readres, 0, head.row, 0, t, observer);
                self.pim.first_comp = true;
                self.answers.enter(From::Result, result, head.tag);
                if last {
                    self.pim.mode = false;
                    self.pim.slack = 0;
                    self.reserve(None);
                }
            }
            Ask::CompsReadres { comps, .. } => {
                self.put(Command::CompsReadres, 0, head.row, comps, t, observer);
                let (whole, read_out) = self.tables.run(comps);
                self.gates.raise_channel(Gate::COMPS_READRES, t + whole);
                if !self.parameters.early_precharge {
                    self.gates.raise_channel(Gate::PIM_PRE, t + whole);
                }
                if !self.parameters.result_off_bus {
                    self.bus.reserve(t + read_out, t);
                }
                let late = if self.parameters.early_result {
                    0
                } else {
                    read_out
                };
                self.answers.enter(From::Result, result + late, head.tag);
            }
            _ => {}
        }
        true
    }

    #[inline]
    fn g_act(&mut self, bank: usize, row: u32, t: Tick, observer: &mut impl Observer) {
        let first = bank - bank % self.tables.group_banks;
        for other in first..first + self.tables.group_banks {
            match self.tables.buffers {
                RowBuffers::Dual => self.pim.open_bank(other, row),
                RowBuffers::Blocked if self.queues.open_row(other).is_some() => continue,
                RowBuffers::Blocked => self.queues.open_bank(other, row),
            }
            self.compare(other);
            if self.queues.filled >> other & 1 != 0 {
                self.update(other);
            }
        }
        self.put(Command::GAct, bank, row, 0, t, observer);
        if !self.parameters.gact_outside_window {
            self.gates
                .activated(&self.tables, bank, self.tables.group_banks, t);
        }
    }

    /// Whether host row commands are held to the slack.
    #[inline]
    pub(super) fn slack_counts(&self, slack: Tick) -> bool {
        self.parameters.slack_rule && slack > 0 && !self.pim.queue.is_empty()
    }

    /// Slack that a host command of this kind needs more than, and takes.
    #[inline]
    pub(super) fn slack_of(&self, kind: Kind) -> Option<(Tick, Tick)> {
        let (pre, act) = (self.tables.slack_of_pre, self.tables.slack_of_act);
        match kind {
            Kind::Act => Some((act, act)),
            Kind::Pre => Some((pre + act, pre)),
            Kind::Column | Kind::PimPre => None,
        }
    }

    /// A host command of tick `t`.
    #[inline]
    fn host(&mut self, t: Tick, observer: &mut impl Observer) {
        let blocked = self.closed_to_host();
        let counts = self.slack_counts(self.pim.slack);
        let mut due = [0; 4];
        for kind in Kind::ALL {
            let held = counts
                && self
                    .slack_of(kind)
                    .is_some_and(|(needs, _)| self.pim.slack <= needs);
            if !held {
                let (at, banks) = self.earliest(kind, blocked, t);
                due[kind as usize] = if at <= t { banks } else { 0 };
            }
        }
        let of = |kind: Kind| due[kind as usize];
        let mut any = of(Kind::Column) | of(Kind::Act) | of(Kind::Pre) | of(Kind::PimPre);
        if self.walks() {
            // One queue a tick.
            self.pointer = after(self.pointer, self.tables.all() & !self.refreshes.blocked);
            any &= 1 << self.pointer;
        }
        if any == 0 {
            return;
        }
        let bank = after(self.pointer, any);
        self.pointer = bank;
        let is = |kind: Kind| of(kind) >> bank & 1 != 0;
        let entry = |kind| self.candidates.entry(kind, bank);
        let kind = match (is(Kind::Act), is(Kind::PimPre)) {
            (true, true) if entry(Kind::PimPre) < entry(Kind::Act) => Kind::PimPre,
            (true, _) => Kind::Act,
            (false, true) => Kind::PimPre,
            (false, false) if is(Kind::Pre) => Kind::Pre,
            (false, false) => Kind::Column,
        };
        if counts && let Some((_, takes)) = self.slack_of(kind) {
            self.pim.slack -= takes;
        }
        match kind {
            Kind::Act => {
                let row = self.queues.row(bank, entry(Kind::Act));
                self.activate(bank, row, t, observer);
            }
            Kind::PimPre => self.pim_precharge(bank, t, observer),
            Kind::Pre => self.precharge(bank, t, observer),
            Kind::Column => self.column(bank, t, observer),
        }
    }

    /// The oldest column command of a bank that is ready.
    #[inline]
    fn column(&mut self, bank: usize, t: Tick, observer: &mut impl Observer) {
        let queue = self.queues.of[bank];
        let reads = queue.hits & !queue.writes;
        let writes = queue.hits & queue.writes;
        let ready = |gate, write| {
            self.gates.of(&self.tables, gate, bank) <= t && self.bus.free_from(write, t) == t
        };
        // Mostly there is but one kind, and it is the one that made the bank ready.
        let kinds = match (reads != 0, writes != 0) {
            (true, false) => reads,
            (false, _) => writes,
            (true, true) => {
                let reads = if ready(Gate::RD, false) { reads } else { 0 };
                reads | if ready(Gate::WR, true) { writes } else { 0 }
            }
        };
        let position = kinds.trailing_zeros() % 128;
        let write = queue.writes >> position & 1 != 0;
        let flight = self.queues.remove(bank, position);
        let served = &mut self.queues.of[bank].served;
        *served = served.saturating_add(1);
        let command = if write { Command::Wr } else { Command::Rd };
        self.put(command, bank, queue.open, 0, t, observer);
        self.update(bank);
        if write {
            self.flights.leave(flight, |_| {});
            return;
        }
        let at = t + self.tables.read_latency;
        let answers = &mut self.answers;
        answers.enter(From::Read, at, self.flights.get(flight).tag);
        self.flights
            .leave(flight, |tag| answers.enter(From::Read, at, tag));
    }
}
