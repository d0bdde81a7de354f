//! The controller of one channel: a queue of PIM requests served oldest first, row commands ahead
//! of their turn, a row and a column command in one tick, refreshes before everything else.
#![deny(clippy::float_arithmetic)]

use super::gates::{Gates, row_unit};
use super::request::{Ask, Request};
use super::{Level, Parameters};
use crate::dram::Standard;
use crate::dram::command::{Command, PerCommand};
use crate::dram::interface::Slot;
use crate::dram::observer::Issued;
use crate::time::Tick;

/// No row is open.
const CLOSED: u32 = u32::MAX;

/// What the scheduler found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Best {
    index: usize,
    /// `None` for a barrier.
    command: Option<Command>,
    ready: bool,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channel {
    gates: Gates,
    /// Requests in order of arrival.
    queue: Vec<Request>,
    room: usize,
    level: Level,
    of_group: usize,
    /// Open row of every set of banks that is opened together.
    rows: Vec<u32>,
    open: usize,
    barriers_take_slots: bool,
    interval: Tick,
    next_refresh: Tick,
    /// Refreshes that are due, of pseudo-channels in turn.
    due: u64,
    /// First bank of every pseudo-channel.
    pseudo: Vec<usize>,
    /// Pseudo-channel of the next refresh.
    turn: usize,
    /// Something changed at the last decision: another may be possible one tick on.
    changed: bool,
    commands: PerCommand<u64>,
}

impl Channel {
    pub(crate) fn new(standard: &Standard, parameters: &Parameters) -> Channel {
        let o = &standard.organisation;
        let room = parameters.queue.max(1);
        let first_bank = |pseudo: usize| {
            let mut places = standard.places.iter();
            let place = places.find(|place| place.pseudo_channel == pseudo);
            place.map_or(0, |place| place.bank)
        };
        Channel {
            gates: Gates::new(standard, parameters),
            queue: Vec::with_capacity(room),
            room,
            level: parameters.level,
            of_group: o.banks_per_group,
            rows: vec![CLOSED; o.banks()],
            open: 0,
            barriers_take_slots: parameters.quirks.barriers_take_slots,
            interval: standard.refreshes.interval,
            next_refresh: standard.refreshes.interval,
            due: 0,
            pseudo: (0..o.pseudo_channels).map(first_bank).collect(),
            turn: 0,
            changed: false,
            commands: PerCommand::default(),
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.queue.len() < self.room
    }

    /// Takes a request; only with room.
    pub(crate) fn push(&mut self, request: Request) {
        self.queue.push(request);
        self.changed = true;
    }

    /// Whether nothing waits, refreshes included.
    pub(crate) fn idle(&self) -> bool {
        self.queue.is_empty() && self.due == 0
    }

    pub(crate) fn commands(&self) -> &PerCommand<u64> {
        &self.commands
    }

    fn unit(&self, request: Request) -> usize {
        row_unit(self.level, usize::from(request.bank), self.of_group)
    }

    /// The command that a request needs next, and whether it is a step on an open row.
    #[inline]
    fn next_command(&self, request: Request) -> (Option<Command>, bool) {
        match request.ask {
            Ask::Mac => match self.rows[self.unit(request)] {
                row if row == request.row => (Some(self.level.mac()), true),
                CLOSED => (Some(self.level.act()), false),
                _ => (Some(self.level.pre()), false),
            },
            Ask::WrGb => (Some(Command::WrGb), false),
            Ask::MvSb => (Some(Command::MvSb), false),
            Ask::MvGb => (Some(Command::MvGb), false),
            Ask::Softmax => (Some(Command::Sfm), false),
            Ask::Barrier => (None, false),
        }
    }

    #[inline]
    fn ready_at(&self, command: Option<Command>, bank: u8) -> Tick {
        command.map_or(0, |command| self.gates.ready(command, usize::from(bank)))
    }

    /// Banks on whose open rows steps wait.
    fn hits(&self) -> u64 {
        let hit = |request: &&Request| self.next_command(**request).1;
        let banks = self.queue.iter().filter(hit);
        banks.fold(0, |hits, request| hits | 1 << request.bank)
    }

    /// Goes through the requests that may be served now, in order: the head, and behind it those
    /// that no step on an open row of their bank keeps waiting; behind a barrier row commands only.
    /// `visit` gets the place, the command and its earliest tick, and ends it with `true`.
    #[inline]
    fn candidates(&self, mut visit: impl FnMut(usize, Option<Command>, Tick) -> bool) {
        let Some(&head) = self.queue.first() else {
            return;
        };
        let (command, _) = self.next_command(head);
        if visit(0, command, self.ready_at(command, head.bank)) {
            return;
        }
        let hits = self.hits();
        let mut barrier = false;
        for (index, &request) in self.queue.iter().enumerate().skip(1) {
            let (command, hit) = self.next_command(request);
            barrier |= command.is_none();
            let row = command == Some(self.level.act()) || command == Some(self.level.pre());
            if barrier && !row || !hit && hits >> request.bank & 1 == 1 {
                continue;
            }
            if visit(index, command, self.ready_at(command, request.bank)) {
                return;
            }
        }
    }

    /// The request to serve at `now`, after the barrier at the head, or every one there, is taken
    /// away.
    fn best(&mut self, now: Tick) -> Option<Best> {
        while self.queue.first().map(|head| head.ask) == Some(Ask::Barrier) {
            self.queue.remove(0);
            self.changed = true;
            if self.barriers_take_slots {
                break;
            }
        }
        let mut best: Option<Best> = None;
        self.candidates(|index, command, at| {
            let ready = at <= now;
            if ready || index == 0 {
                best = Some(Best {
                    index,
                    command,
                    ready,
                });
            }
            ready
        });
        best
    }

    /// The tick of the next decision after `now`: when a candidate gets ready, when a refresh comes
    /// due, at once while there are barriers to take away. Nothing happens before it.
    pub(crate) fn next(&self, now: Tick) -> Tick {
        let mut next = self.next_refresh;
        if self.queue.first().map(|head| head.ask) == Some(Ask::Barrier) {
            return now + 1;
        }
        let soonest = if self.changed { 0 } else { now + 1 };
        let mut offer = |at: Tick| {
            if at >= soonest {
                next = next.min(at.max(now + 1));
            }
        };
        if self.due > 0 {
            let (command, bank) = self.refresh_step();
            offer(self.gates.ready(command, bank));
        }
        self.candidates(|_, _, at| {
            offer(at);
            false
        });
        next
    }

    /// What the first refresh that is due needs next, and where.
    fn refresh_step(&self) -> (Command, usize) {
        let bank = self.pseudo[self.turn];
        if self.open > 0 {
            (Command::PreAb, bank)
        } else {
            (Command::Ref, bank)
        }
    }

    /// One decision. `seen` gets every command.
    pub(crate) fn tick(&mut self, now: Tick, seen: &mut impl FnMut(Issued)) {
        self.changed = false;
        if now == self.next_refresh {
            self.due += self.pseudo.len() as u64;
            self.next_refresh += self.interval.max(1);
        }
        if self.due > 0 {
            let (command, bank) = self.refresh_step();
            if self.gates.ready(command, bank) <= now {
                self.refresh(command, bank, now, seen);
            }
            // The row bus is the refresh's even where it waits.
            self.serve(now, Some(Slot::Column), seen);
            return;
        }
        match self.serve(now, None, seen) {
            Some(Slot::Row) => self.serve(now, Some(Slot::Column), seen),
            Some(Slot::Column) => self.serve(now, Some(Slot::Row), seen),
            None => {
                self.best(now);
                None
            }
        };
    }

    fn refresh(
        &mut self,
        command: Command,
        bank: usize,
        now: Tick,
        seen: &mut impl FnMut(Issued),
    ) {
        if command == Command::PreAb {
            self.rows.fill(CLOSED);
            self.open = 0;
        } else {
            self.due -= 1;
            self.turn = (self.turn + 1) % self.pseudo.len();
        }
        self.issue(command, bank, 0, now, seen);
    }

    /// Serves the best request if it is ready, and of the slot where that is asked for. The slot
    /// that was taken; none for a barrier.
    fn serve(
        &mut self,
        now: Tick,
        slot: Option<Slot>,
        seen: &mut impl FnMut(Issued),
    ) -> Option<Slot> {
        let best = self.best(now).filter(|best| best.ready)?;
        let request = self.queue[best.index];
        let Some(command) = best.command else {
            if slot.is_none() {
                self.queue.remove(best.index);
                self.changed = true;
            }
            return None;
        };
        let row = command == self.level.act() || command == self.level.pre();
        let takes = if row { Slot::Row } else { Slot::Column };
        if slot.is_some_and(|slot| slot != takes) {
            return None;
        }
        if row {
            let unit = self.unit(request);
            let opened = command == self.level.act();
            self.rows[unit] = if opened { request.row } else { CLOSED };
            self.open = if opened { self.open + 1 } else { self.open - 1 };
        } else {
            self.queue.remove(best.index);
        }
        self.issue(command, usize::from(request.bank), request.row, now, seen);
        Some(takes)
    }

    fn issue(
        &mut self,
        command: Command,
        bank: usize,
        row: u32,
        now: Tick,
        seen: &mut impl FnMut(Issued),
    ) {
        self.changed = true;
        self.commands[command as usize] += 1;
        self.gates.issued(command, bank, now);
        seen(Issued {
            at: now,
            command,
            bank,
            row,
            comps: 0,
        });
    }
}
