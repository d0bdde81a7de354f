//! A channel of Ramulator 2.0 in the wrapper that the simulator puts around it: a queue of 256 in
//! front of read and write buffers, the oldest request whose next command is ready, requests whose
//! row was opened for them first, one command a tick.
//!
//! Refresh is left out, as it is there: the manager asks for it by rank, and the HBM2 model has no
//! such level (`all_bank_refresh.cpp`).

use super::OnnximError;
use crate::dram::mapper::Mapper;
use crate::dram::standard::Standard;
use crate::dram::window::gates::{Gates, Kind};
use std::collections::VecDeque;

/// Requests in front of the controller (`ramulator2.cc`).
const QUEUE: usize = 256;
/// Entries of a buffer: one more than its size of 32, by the test on it (`request.h`).
const BUFFER: usize = 257;
/// Writes are served above 0.8 of 32 entries, reads again below 0.2.
const WRITE_HIGH: usize = 205;
const WRITE_LOW: usize = 51;
/// No row open.
const CLOSED: u32 = u32::MAX;

/// A request of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// Burst of the channel.
    pub(super) slot: u32,
    pub(super) tag: u32,
    pub(super) core: u16,
    pub(super) write: bool,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    access: Access,
    arrived: u64,
    bank: u32,
    row: u32,
}

/// A channel.
#[derive(Debug)]
pub(super) struct Channel {
    mapper: Mapper,
    gates: Gates,
    rows: Vec<u32>,
    queue: VecDeque<Access>,
    /// Reads, writes, and those whose row was opened for them.
    buffers: [Vec<Waiting>; 2],
    active: Vec<Waiting>,
    writing: bool,
    /// Reads under way, with the tick of their data, in order.
    reading: VecDeque<(u64, Access)>,
    read_latency: u64,
    /// Answers.
    pub(super) answers: VecDeque<Access>,
    /// Reads and writes answered.
    pub(super) served: [u64; 2],
    /// Earliest tick in which anything can happen.
    pub(super) wake: u64,
}

impl Channel {
    pub(super) fn new(standard: &Standard) -> Result<Channel, OnnximError> {
        let organisation = &standard.organisation;
        let gates = Gates::new(organisation, &standard.constraints)
            .map_err(|error| OnnximError::Memory(error.to_string()))?;
        Ok(Channel {
            mapper: Mapper::new(organisation),
            gates,
            rows: vec![CLOSED; organisation.banks()],
            queue: VecDeque::new(),
            buffers: [Vec::new(), Vec::new()],
            active: Vec::new(),
            writing: false,
            reading: VecDeque::new(),
            read_latency: standard.timing.cl + standard.timing.burst,
            answers: VecDeque::new(),
            served: [0; 2],
            wake: u64::MAX,
        })
    }

    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < QUEUE
    }

    /// Takes a request, from tick `next` on.
    pub(super) fn push(&mut self, access: Access, next: u64) {
        self.queue.push_back(access);
        self.wake = self.wake.min(next);
    }

    /// Tick `now`, counted from 1.
    pub(super) fn tick(&mut self, now: u64) {
        let accepted = self.accept(now);
        if let Some((_, access)) = self.reading.pop_front_if(|(due, _)| *due <= now) {
            self.served[0] += 1;
            self.answers.push_back(access);
        }
        let ready = self.schedule(now);
        let more = accepted && !self.queue.is_empty();
        let data = self.reading.front().map_or(u64::MAX, |(due, _)| *due);
        self.wake = if more { now + 1 } else { ready.min(data) }.max(now + 1);
    }

    /// Takes the head of the queue into its buffer, or answers it from a waiting write.
    fn accept(&mut self, now: u64) -> bool {
        let Some(&access) = self.queue.front() else {
            return false;
        };
        let waits = |waiting: &Waiting| waiting.access.slot == access.slot;
        if !access.write && self.buffers[1].iter().any(waits) {
            self.reading.push_back((now, access));
        } else {
            let buffer = &mut self.buffers[usize::from(access.write)];
            if buffer.len() == BUFFER {
                return false;
            }
            let at = self.mapper.locate(u64::from(access.slot));
            buffer.push(Waiting {
                access,
                arrived: now,
                bank: at.bank as u32,
                row: at.row,
            });
        }
        self.queue.pop_front();
        true
    }

    /// What a request needs next.
    #[inline]
    fn command(&self, waiting: &Waiting) -> Kind {
        let open = self.rows[waiting.bank as usize];
        if open == waiting.row {
            if waiting.access.write {
                Kind::Wr
            } else {
                Kind::Rd
            }
        } else if open == CLOSED {
            Kind::Act
        } else {
            Kind::Pre
        }
    }

    /// Issues a command if one is ready; the earliest tick at which another may be.
    fn schedule(&mut self, now: u64) -> u64 {
        let mut earliest = u64::MAX;
        let mut best: Option<usize> = None;
        for (index, waiting) in self.active.iter().enumerate() {
            let ready = self
                .gates
                .ready(self.command(waiting), waiting.bank as usize);
            earliest = earliest.min(ready);
            let older = best.is_none_or(|best| waiting.arrived < self.active[best].arrived);
            if ready <= now && older {
                best = Some(index);
            }
        }
        if let Some(index) = best {
            let waiting = self.active.remove(index);
            self.column(&waiting, now);
            return now + 1;
        }
        self.turn();
        let side = usize::from(self.writing);
        let mut found = None;
        for (index, waiting) in self.buffers[side].iter().enumerate() {
            let kind = self.command(waiting);
            let ready = self.gates.ready(kind, waiting.bank as usize);
            if ready <= now {
                found = Some((index, kind));
                break;
            }
            earliest = earliest.min(ready);
        }
        let Some((index, kind)) = found else {
            return earliest;
        };
        let waiting = self.buffers[side][index];
        let bank = waiting.bank as usize;
        match kind {
            Kind::Rd | Kind::Wr => {
                self.buffers[side].remove(index);
                self.column(&waiting, now);
            }
            Kind::Act => {
                self.buffers[side].remove(index);
                self.gates.issue(kind, bank, now);
                self.rows[bank] = waiting.row;
                self.active.push(waiting);
            }
            // A row that was opened for a request stays until that request is served; the tick
            // passes without a command.
            _ if self.active.iter().any(|active| active.bank == waiting.bank) => {}
            _ => {
                self.gates.issue(kind, bank, now);
                self.rows[bank] = CLOSED;
            }
        }
        now + 1
    }

    fn column(&mut self, waiting: &Waiting, now: u64) {
        let kind = self.command(waiting);
        self.gates.issue(kind, waiting.bank as usize, now);
        if waiting.access.write {
            self.served[1] += 1;
            self.answers.push_back(waiting.access);
        } else {
            let due = now + self.read_latency;
            self.reading.push_back((due, waiting.access));
        }
    }

    /// Which buffer is served. Reads that run out turn the channel to writes, even without any.
    fn turn(&mut self) {
        let [reads, writes] = [0, 1].map(|side: usize| self.buffers[side].len());
        if self.writing {
            self.writing = writes > WRITE_LOW || reads == 0;
        } else {
            self.writing = writes >= WRITE_HIGH || reads == 0;
        }
    }
}
