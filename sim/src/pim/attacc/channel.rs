//! The controller of one channel: a queue of PIM requests served oldest first, row commands ahead
//! of their turn, a row and a column command in one tick, refreshes before everything else.
#![deny(clippy::float_arithmetic)]

use super::gates::{Gates, row_unit};
use super::request::{Ask, Request};
use super::{Level, Parameters, Quirks};
use crate::dram::Standard;
use crate::dram::command::{Command, PerCommand};
use crate::dram::interface::Slot;
use crate::dram::observer::Issued;
use crate::time::Tick;
use std::collections::VecDeque;

/// No row is open.
const CLOSED: u32 = u32::MAX;

/// A request with what it needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    request: Request,
    /// `None` for a barrier.
    command: Option<Command>,
    /// A step on an open row.
    hit: bool,
}

/// What the scheduler found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Best {
    index: usize,
    command: Option<Command>,
    ready: bool,
}

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Channel {
    gates: Gates,
    /// Requests in order of arrival.
    queue: VecDeque<Entry>,
    /// Entries that are neither barriers nor steps on open rows. Without any, and with a step at
    /// the head, the head is next, and no search is needed.
    others: usize,
    room: usize,
    level: Level,
    of_group: usize,
    /// Open row of every set of banks that is opened together.
    rows: Vec<u32>,
    open: usize,
    quirks: Quirks,
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
            queue: VecDeque::with_capacity(room),
            others: 0,
            room,
            level: parameters.level,
            of_group: o.banks_per_group.max(1),
            rows: vec![CLOSED; o.banks()],
            open: 0,
            quirks: parameters.quirks,
            interval: standard.refreshes.interval.max(1),
            next_refresh: standard.refreshes.interval.max(1),
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
        let entry = self.entry(request);
        self.others += usize::from(entry.command.is_some() && !entry.hit);
        self.queue.push_back(entry);
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

    fn entry(&self, request: Request) -> Entry {
        let (command, hit) = match request.ask {
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
        };
        Entry {
            request,
            command,
            hit,
        }
    }

    /// Rows were opened or closed: what every request needs next.
    fn look_again(&mut self) {
        self.others = 0;
        for index in 0..self.queue.len() {
            let entry = self.entry(self.queue[index].request);
            self.others += usize::from(entry.command.is_some() && !entry.hit);
            self.queue[index] = entry;
        }
    }

    #[inline]
    fn ready_at(&self, entry: Entry) -> Tick {
        let bank = usize::from(entry.request.bank);
        let ready = |command| self.gates.ready(command, bank);
        entry.command.map_or(0, ready)
    }

    fn barrier_ahead(&self) -> bool {
        let head = self.queue.front();
        head.is_some_and(|head| head.command.is_none())
    }

    /// The head, where nothing but steps on open rows and barriers waits: no other request can be
    /// ready before it, nor taken instead of it, once the distance between steps of the channel is
    /// what holds it back.
    #[inline]
    fn plain(&self, now: Tick) -> Option<(Entry, Tick)> {
        if self.others > 0 || self.due > 0 {
            return None;
        }
        let head = *self.queue.front().filter(|head| head.hit)?;
        let at = self.ready_at(head);
        let steps = self.gates.of_channel(self.level.mac());
        (at <= steps.max(now)).then_some((head, at))
    }

    /// Goes through the requests that may be served now, in order: the head, and behind it those
    /// that no step on an open row of their bank keeps waiting; behind a barrier row commands at
    /// most. `visit` gets the place, the request and its earliest tick, and ends it with `true`.
    #[inline]
    fn candidates(&self, mut visit: impl FnMut(usize, Entry, Tick) -> bool) {
        let Some(&head) = self.queue.front() else {
            return;
        };
        if visit(0, head, self.ready_at(head)) {
            return;
        }
        let hit = |hits, entry: &Entry| hits | u64::from(entry.hit) << entry.request.bank;
        let hits = self.queue.iter().fold(0, hit);
        let (act, pre) = (Some(self.level.act()), Some(self.level.pre()));
        let mut barrier = false;
        for (index, &entry) in self.queue.iter().enumerate().skip(1) {
            barrier |= entry.command.is_none();
            if barrier {
                if self.quirks.rows_wait_at_barriers {
                    return;
                }
                if entry.command != act && entry.command != pre {
                    continue;
                }
            }
            if !entry.hit && hits >> entry.request.bank & 1 == 1 {
                continue;
            }
            if visit(index, entry, self.ready_at(entry)) {
                return;
            }
        }
    }

    /// Takes the barrier at the head away, or every one there.
    fn drop_barriers(&mut self) {
        while self.barrier_ahead() {
            self.queue.pop_front();
            self.changed = true;
            if self.quirks.barriers_take_slots {
                break;
            }
        }
    }

    /// The request to serve at `now`.
    fn best(&mut self, now: Tick) -> Option<Best> {
        self.drop_barriers();
        if let Some((head, at)) = self.plain(now) {
            return Some(Best {
                index: 0,
                command: head.command,
                ready: at <= now,
            });
        }
        let mut best: Option<Best> = None;
        self.candidates(|index, entry, at| {
            let ready = at <= now;
            if ready || index == 0 {
                best = Some(Best {
                    index,
                    command: entry.command,
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
        if self.barrier_ahead() {
            return now + 1;
        }
        if let Some((_, at)) = self.plain(now + 1) {
            return next.min(at.max(now + 1));
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
            self.next_refresh += self.interval;
        }
        if self.due > 0 {
            let (command, bank) = self.refresh_step();
            if self.gates.ready(command, bank) <= now {
                self.refresh(command, bank, now, seen);
            }
            // The row bus is the refresh's even where it waits.
            self.second(now, Slot::Column, seen);
            return;
        }
        match self.serve(now, None, seen) {
            Some(Slot::Row) => self.second(now, Slot::Column, seen),
            Some(Slot::Column) => self.second(now, Slot::Row, seen),
            None => self.drop_barriers(),
        }
    }

    /// The command of the other bus.
    fn second(&mut self, now: Tick, slot: Slot, seen: &mut impl FnMut(Issued)) {
        if self.quirks.one_command_a_tick {
            self.drop_barriers();
        } else {
            self.serve(now, Some(slot), seen);
        }
    }

    fn refresh(&mut self, command: Command, bank: usize, now: Tick, seen: &mut impl FnMut(Issued)) {
        if command == Command::PreAb {
            self.rows.fill(CLOSED);
            self.open = 0;
            self.look_again();
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
        let Entry { request, hit, .. } = self.queue[best.index];
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
            self.look_again();
        } else {
            self.queue.remove(best.index);
            self.others -= usize::from(!hit);
        }
        let bank = usize::from(request.bank);
        self.issue(command, bank, request.row, now, seen);
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
