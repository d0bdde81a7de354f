//! A channel of HBM-PIM under the controller of Samsung's PIMSimulator: one command queue, columns of
//! open rows first, barriers, rows closed as soon as nothing up to the next barrier wants them,
//! refreshes that wait for closed banks. Only decision instants are gone through: ticks in which
//! something arrives, becomes legal or falls due.
#![deny(clippy::float_arithmetic)]

use super::access::{Access, CONTROL_COLUMN, ENTER_ALL_BANK, Payload, REGISTERS};
use super::mode::{Mode, ModeLatch};
use super::parameters::{self, Parameters, Quirks};
use crate::dram::command::{COMMANDS, PerCommand};
use crate::dram::gates::{Gates, Place};
use crate::dram::interface::Slots;
use crate::dram::rules::Rules;
use crate::dram::{Command, Issued, Observer, Standard};
use crate::time::Tick;
use std::collections::VecDeque;

/// One channel.
pub(super) struct Channel<'a> {
    standard: &'a Standard,
    quirks: Quirks,
    rules: Rules,
    gates: Gates,
    capacity: usize,
    queue: VecDeque<Access>,
    /// Open row of every bank of the channel.
    open: Vec<Option<u32>>,
    banks_per_rank: usize,
    latch: ModeLatch,
    /// When each refresh unit falls due next.
    due: Vec<Tick>,
    /// Units that wait for their refresh.
    refreshing: VecDeque<usize>,
    /// Where the search for a row to close begins.
    precharge_from: usize,
    /// No activation before: an all-bank one fills more than one activation window.
    windows_full: Tick,
    /// First tick that has not been gone through.
    now: Tick,
    /// Last tick of the data of everything served.
    served: Tick,
    /// Commands by kind.
    pub commands: PerCommand<u64>,
}

/// What to do in a tick.
#[derive(Clone, Copy)]
enum Choice {
    /// The entry of the queue.
    Column(usize),
    /// The row of an entry of the queue.
    Activate(usize),
    /// The row of a bank, or its side, because nobody wants it.
    Close(usize),
    /// Likewise, because a refresh waits.
    CloseForRefresh(usize),
    /// A refresh unit.
    Refresh(usize),
    /// Nothing before this tick.
    Wait(Tick),
}

/// Which of the command buses are free in a tick.
#[derive(Clone, Copy)]
struct Free {
    row: bool,
    column: bool,
}

impl<'a> Channel<'a> {
    /// An idle channel at tick zero, every bank closed.
    pub(super) fn new(standard: &'a Standard, parameters: &Parameters) -> Channel<'a> {
        let units = standard.refresh_units.len();
        let staggered = standard.refreshes.interval / units.max(1) as Tick;
        Channel {
            standard,
            quirks: parameters.quirks,
            rules: Rules::of(&standard.constraints, &standard.organisation),
            gates: Gates::new(&standard.organisation, standard.distances.windows()),
            capacity: parameters.queue,
            queue: VecDeque::new(),
            open: vec![None; standard.organisation.banks()],
            banks_per_rank: parameters::banks(standard),
            latch: ModeLatch::new(parameters::banks(standard)),
            due: (1..=units as Tick).map(|unit| unit * staggered).collect(),
            refreshing: VecDeque::new(),
            precharge_from: 0,
            windows_full: 0,
            now: 0,
            served: 0,
            commands: PerCommand([0; COMMANDS]),
        }
    }

    /// Serves accesses, one of which reaches the queue each tick while it has room, and returns the
    /// ticks gone through in all: up to and with that of the last data.
    pub(super) fn serve(
        &mut self,
        accesses: impl Iterator<Item = Access>,
        observer: &mut impl Observer,
    ) -> Tick {
        self.serve_columns(accesses, observer, &mut |_: &Access| {})
    }

    /// [`Channel::serve`], with the accesses shown in the order of their column commands.
    pub(super) fn serve_columns(
        &mut self,
        mut accesses: impl Iterator<Item = Access>,
        observer: &mut impl Observer,
        columns: &mut impl FnMut(&Access),
    ) -> Tick {
        let both = matches!(self.standard.interface.slots, Slots::RowAndColumn);
        let mut coming = accesses.next();
        let mut at = self.now;
        while coming.is_some() || !self.queue.is_empty() || at <= self.served {
            self.fall_due(at);
            let any = Free {
                row: true,
                column: true,
            };
            let choice = self.choose(at, any);
            let mut next = match choice {
                Choice::Wait(until) => until,
                _ => at + 1,
            };
            let column = matches!(choice, Choice::Column(_));
            let issued = !matches!(choice, Choice::Wait(_));
            self.issue(choice, at, observer, columns);
            if both && issued {
                let rest = Free {
                    row: column,
                    column: !column,
                };
                let choice = self.choose(at, rest);
                self.issue(choice, at, observer, columns);
            }
            if self.queue.len() < self.capacity
                && let Some(access) = coming.take()
            {
                self.queue.push_back(access);
                coming = accesses.next();
                next = at + 1;
            }
            let due = self.due.iter().copied().min().unwrap_or(Tick::MAX);
            let work_left = coming.is_some() || !self.queue.is_empty();
            let end = if work_left {
                Tick::MAX
            } else {
                self.served + 1
            };
            at = next.min(due).min(end).max(at + 1);
        }
        self.now = at.max(self.served + 1);
        self.now
    }

    fn fall_due(&mut self, at: Tick) {
        for (unit, due) in self.due.iter_mut().enumerate() {
            if *due <= at {
                *due += self.standard.refreshes.interval;
                if self.quirks.refresh_yields {
                    self.refreshing.clear();
                }
                self.refreshing.push_back(unit);
            }
        }
    }

    /// Whether commands of a bank act on its side: on the first rank outside single-bank mode.
    fn all_bank(&self, bank: usize) -> bool {
        bank < self.banks_per_rank && self.latch.mode() != Mode::SingleBank
    }

    /// Banks that a command to a bank acts on.
    fn reached(&self, bank: usize) -> impl Iterator<Item = usize> + use<> {
        let (first, step, end) = if self.all_bank(bank) && !self.quirks.two_bank_view {
            (bank % 2, 2, self.banks_per_rank)
        } else {
            (bank, 1, bank + 1)
        };
        (first..end).step_by(step)
    }

    /// The command that the channel puts on its bus, of a kind and to a bank.
    fn command(&self, single: Command, bank: usize) -> Command {
        if !self.all_bank(bank) {
            return single;
        }
        match single {
            Command::Act => Command::ActAb,
            Command::Pre => Command::PreAb,
            Command::Rd => Command::RdAb,
            Command::Wr => Command::WrAb,
            other => other,
        }
    }

    /// Command and place whose distances count.
    fn timed(&self, single: Command, bank: usize) -> (Command, Place) {
        let all = self.all_bank(bank);
        if all && !self.quirks.two_bank_view {
            (self.command(single, bank), self.standard.places[bank % 2])
        } else {
            (single, self.standard.places[bank])
        }
    }

    fn ready(&self, single: Command, bank: usize) -> Tick {
        let (command, place) = self.timed(single, bank);
        self.gates.ready(command, place)
    }

    fn activate_ready(&self, bank: usize) -> Tick {
        let ready = self.ready(Command::Act, bank);
        if self.quirks.no_activation_window {
            return ready;
        }
        let rows = if self.all_bank(bank) { 4 } else { 1 };
        let window = self.gates.window(self.standard.places[bank].rank, rows);
        ready.max(window).max(self.windows_full)
    }

    fn column(access: &Access) -> Command {
        if access.write {
            Command::Wr
        } else {
            Command::Rd
        }
    }

    fn choose(&self, at: Tick, free: Free) -> Choice {
        let mut wait = Tick::MAX;
        if free.row
            && let Some(choice) = self.refresh(at, &mut wait)
        {
            return choice;
        }
        if free.column
            && let Some(choice) = self.column_of_open_row(at, &mut wait)
        {
            return choice;
        }
        if free.row
            && let Some(choice) = self
                .row_to_open(at, &mut wait)
                .or_else(|| self.row_to_close(at, &mut wait))
        {
            return choice;
        }
        Choice::Wait(wait)
    }

    fn refresh(&self, at: Tick, wait: &mut Tick) -> Option<Choice> {
        let &unit = self.refreshing.front()?;
        let of_unit = |bank: usize| {
            let rank = self.standard.places[bank].rank;
            self.standard.refresh_unit_of[rank] == unit
        };
        let mut closed = true;
        for bank in (0..self.open.len()).filter(|&bank| of_unit(bank)) {
            if self.open[bank].is_none() {
                continue;
            }
            closed = false;
            let ready = self.ready(Command::Pre, bank);
            if ready <= at {
                return Some(Choice::CloseForRefresh(bank));
            }
            *wait = ready.min(*wait);
        }
        if !closed {
            return None;
        }
        let ready = if self.quirks.refresh_beside_precharge {
            0
        } else {
            let banks = (0..self.open.len()).filter(|&bank| of_unit(bank));
            let ready =
                banks.map(|bank| self.gates.ready(Command::Ref, self.standard.places[bank]));
            ready.max().unwrap_or(0)
        };
        if ready <= at {
            return Some(Choice::Refresh(unit));
        }
        *wait = ready.min(*wait);
        None
    }

    fn column_of_open_row(&self, at: Tick, wait: &mut Tick) -> Option<Choice> {
        for (index, access) in self.queue.iter().enumerate() {
            if index > 0 && access.barrier {
                return None;
            }
            let bank = usize::from(access.bank);
            if self.open[bank] == Some(access.row) {
                let ready = self.ready(Self::column(access), bank);
                if ready > at {
                    *wait = ready.min(*wait);
                } else if !self.repeats(index) {
                    return Some(Choice::Column(index));
                }
            }
            if access.barrier {
                return None;
            }
        }
        None
    }

    /// Whether an access ahead in the queue goes to the same burst.
    fn repeats(&self, index: usize) -> bool {
        let place = |access: &Access| (access.bank, access.row, access.column);
        let of = place(&self.queue[index]);
        self.queue.range(..index).any(|other| place(other) == of)
    }

    /// The row of the first access that finds its bank closed. Behind a barrier at the head of the
    /// queue rows are opened ahead of time.
    fn row_to_open(&self, at: Tick, wait: &mut Tick) -> Option<Choice> {
        // Accesses go to the first rank.
        let unit = self.standard.refresh_unit_of[0];
        if !self.quirks.refresh_yields && self.refreshing.front() == Some(&unit) {
            return None;
        }
        let mut seen: u64 = 0;
        for (index, access) in self.queue.iter().enumerate() {
            if index > 0 && access.barrier {
                return None;
            }
            let bank = usize::from(access.bank);
            if seen & 1 << bank != 0 {
                continue;
            }
            seen |= 1 << bank;
            // In all-bank mode only banks 0 and 1 are addresses, and those that led there.
            if self.all_bank(bank) && bank >= 2 && access.row != ENTER_ALL_BANK {
                continue;
            }
            if self.reached(bank).any(|bank| self.open[bank].is_some()) {
                continue;
            }
            let ready = self.activate_ready(bank);
            if ready <= at {
                return Some(Choice::Activate(index));
            }
            *wait = ready.min(*wait);
        }
        None
    }

    /// The next bank, in rotation, whose row nothing up to the first barrier wants.
    fn row_to_close(&self, at: Tick, wait: &mut Tick) -> Option<Choice> {
        let mut wanted: u64 = 0;
        for access in &self.queue {
            let bank = usize::from(access.bank);
            if self.open[bank] == Some(access.row) {
                wanted |= 1 << bank;
            }
            if access.barrier {
                break;
            }
        }
        let ranks = self.standard.organisation.ranks;
        let banks = self.open.len();
        for step in 0..banks {
            // Ranks take turns before banks do.
            let turn = (self.precharge_from + step) % banks;
            let bank = turn % ranks * self.banks_per_rank + turn / ranks;
            let is_wanted = |bank: usize| wanted & 1 << bank != 0;
            if self.open[bank].is_none() || self.reached(bank).any(is_wanted) {
                continue;
            }
            let ready = self.ready(Command::Pre, bank);
            if ready <= at {
                return Some(Choice::Close(bank));
            }
            *wait = ready.min(*wait);
        }
        None
    }

    fn issue(
        &mut self,
        choice: Choice,
        at: Tick,
        observer: &mut impl Observer,
        columns: &mut impl FnMut(&Access),
    ) {
        match choice {
            Choice::Wait(_) => {}
            Choice::Column(index) => {
                if let Some(access) = self.queue.remove(index) {
                    columns(&access);
                    self.issue_column(access, at, observer);
                }
            }
            Choice::Activate(index) => {
                let access = self.queue[index];
                self.issue_activate(access, at, observer);
            }
            Choice::Close(bank) => {
                let ranks = self.standard.organisation.ranks;
                let (rank, bank_of_rank) = (bank / self.banks_per_rank, bank % self.banks_per_rank);
                self.precharge_from = bank_of_rank * ranks + rank;
                self.issue_precharge(bank, at, observer);
            }
            Choice::CloseForRefresh(bank) => self.issue_precharge(bank, at, observer),
            Choice::Refresh(unit) => {
                self.refreshing.pop_front();
                let of_unit = |bank: &usize| {
                    let rank = self.standard.places[*bank].rank;
                    self.standard.refresh_unit_of[rank] == unit
                };
                let first = (0..self.open.len()).find(of_unit).unwrap_or(0);
                self.enter(Command::Ref, first, 0, at, observer);
            }
        }
    }

    fn issue_column(&mut self, access: Access, at: Tick, observer: &mut impl Observer) {
        let (bank, single) = (usize::from(access.bank), Self::column(&access));
        self.enter(single, bank, access.row, at, observer);
        let t = &self.standard.timing;
        let data = if access.write {
            at + t.write_done()
        } else {
            at + self.standard.interface.cycles(single) + t.read_done()
        };
        self.served = self.served.max(data);
        if (access.row, access.column) == (REGISTERS, CONTROL_COLUMN)
            && let Payload::Control(control) = access.payload
        {
            self.latch.control(control.pim);
        }
    }

    fn issue_activate(&mut self, access: Access, at: Tick, observer: &mut impl Observer) {
        let bank = usize::from(access.bank);
        self.enter(Command::Act, bank, access.row, at, observer);
        if !self.quirks.no_activation_window {
            let rank = self.standard.places[bank].rank;
            if self.all_bank(bank) {
                self.gates.activate(rank, 4, at);
                // As many windows as the rows would fill one after the other.
                let windows = (self.banks_per_rank as Tick / 2).div_ceil(4);
                self.windows_full = at + windows * self.standard.timing.faw;
            } else {
                self.gates.activate(rank, 1, at);
            }
        }
        for reached in self.reached(bank) {
            self.open[reached] = Some(access.row);
        }
        self.latch.activated(bank, access.row, access.column);
    }

    fn issue_precharge(&mut self, bank: usize, at: Tick, observer: &mut impl Observer) {
        let row = self.open[bank].unwrap_or(0);
        self.enter(Command::Pre, bank, row, at, observer);
        let all = self.all_bank(bank);
        for reached in self.reached(bank) {
            self.open[reached] = None;
        }
        let of_latch = if all && !self.quirks.two_bank_view {
            bank % 2
        } else {
            bank
        };
        self.latch.precharged(of_latch, row);
    }

    /// Counts and shows a command and raises the gates behind it.
    fn enter(
        &mut self,
        single: Command,
        bank: usize,
        row: u32,
        at: Tick,
        observer: &mut impl Observer,
    ) {
        let command = self.command(single, bank);
        let (timed, place) = self.timed(single, bank);
        self.gates.issued(self.rules.after(timed), place, at, 0);
        self.commands[command as usize] += 1;
        observer.command(Issued {
            at,
            command,
            bank,
            row,
            comps: 0,
        });
    }
}
