//! A channel of Ramulator 2.0 in the wrapper that the simulator puts around it: a queue of 256 in
//! front of read and write buffers, the oldest request whose next command is ready, requests whose
//! row was opened for them first, one command a tick.
//!
//! Refresh is left out, as it is there: the manager asks for it by rank, and the HBM2 model has no
//! such level (`all_bank_refresh.cpp`).

use super::OnnximError;
use super::pool::{Access, CLOSED, Pool, Waiting};
use crate::dram::mapper::Mapper;
use crate::dram::standard::Standard;
use crate::dram::window::gates::{Gates, Kind};
use std::collections::VecDeque;

/// Requests in front of the controller (`ramulator2.cc`).
const QUEUE: usize = 256;
/// Size of a buffer in the authors' branch; Ramulator 2.0 itself has 32. With 32 the recorded
/// products that fill a channel take 30 to 50 % longer, with 256 they agree to the cycle.
const SIZE: usize = 256;
/// Entries of a buffer: one more than its size, by the test on it (`request.h`).
const BUFFER: usize = SIZE + 1;
/// Writes are served above 0.8 of the size, reads again below 0.2.
const WRITE_HIGH: usize = SIZE * 8 / 10 + 1;
const WRITE_LOW: usize = SIZE * 2 / 10;

/// A channel.
#[derive(Debug)]
pub(super) struct Channel {
    mapper: Mapper,
    gates: Gates,
    /// Open row of each bank.
    rows: Vec<u32>,
    queue: VecDeque<Access>,
    reads: Pool,
    writes: Pool,
    /// Requests whose row was opened for them, with their bank.
    active: Vec<(usize, Waiting)>,
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
        let banks = organisation.banks();
        Ok(Channel {
            mapper: Mapper::new(organisation),
            gates,
            rows: vec![CLOSED; banks],
            queue: VecDeque::new(),
            reads: Pool::new(Kind::Rd, banks),
            writes: Pool::new(Kind::Wr, banks),
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

    fn pool(&mut self, write: bool) -> &mut Pool {
        if write {
            &mut self.writes
        } else {
            &mut self.reads
        }
    }

    /// Takes the head of the queue into its buffer, or answers it from a waiting write.
    fn accept(&mut self, now: u64) -> bool {
        let Some(&access) = self.queue.front() else {
            return false;
        };
        let at = self.mapper.locate(u64::from(access.slot));
        if !access.write && self.writes.has(at.bank, access.slot) {
            self.reading.push_back((now, access));
        } else {
            let open = self.rows[at.bank];
            let pool = self.pool(access.write);
            if pool.count() == BUFFER {
                return false;
            }
            let waiting = Waiting {
                access,
                arrived: now,
                row: at.row,
            };
            pool.push(at.bank, waiting, open);
        }
        self.queue.pop_front();
        true
    }

    /// Issues a command if one is ready; the earliest tick at which another may be.
    fn schedule(&mut self, now: u64) -> u64 {
        let mut earliest = u64::MAX;
        let mut best: Option<(u64, usize)> = None;
        for (index, (bank, waiting)) in self.active.iter().enumerate() {
            // Its row is open: nothing closes it before.
            let ready = self.gates.ready(column(waiting.access), *bank);
            earliest = earliest.min(ready);
            let older = best.is_none_or(|(arrived, _)| waiting.arrived < arrived);
            if ready <= now && older {
                best = Some((waiting.arrived, index));
            }
        }
        if let Some((_, index)) = best {
            let (bank, waiting) = self.active.remove(index);
            self.serve(bank, waiting.access, now);
            return now + 1;
        }
        self.turn();
        let pool = if self.writing {
            &self.writes
        } else {
            &self.reads
        };
        let next = match pool.next(&self.rows, &self.gates, now) {
            Ok(next) => next,
            Err(ready) => return earliest.min(ready),
        };
        let bank = next.bank;
        match next.kind {
            Kind::Pre => {
                // A row that was opened for a request stays until that request is served; the tick
                // passes without a command.
                if !self.active.iter().any(|(active, _)| *active == bank) {
                    self.gates.issue(Kind::Pre, bank, now);
                    self.open(bank, CLOSED);
                }
            }
            kind => {
                let open = self.rows[bank];
                let Some(waiting) = self.pool(self.writing).take(next, open) else {
                    return now + 1;
                };
                if kind == Kind::Act {
                    self.gates.issue(kind, bank, now);
                    self.open(bank, waiting.row);
                    self.active.push((bank, waiting));
                } else {
                    self.serve(bank, waiting.access, now);
                }
            }
        }
        now + 1
    }

    fn open(&mut self, bank: usize, row: u32) {
        self.rows[bank] = row;
        self.reads.opened(bank, row);
        self.writes.opened(bank, row);
    }

    /// The column command of a request.
    fn serve(&mut self, bank: usize, access: Access, now: u64) {
        self.gates.issue(column(access), bank, now);
        if access.write {
            self.served[1] += 1;
            self.answers.push_back(access);
        } else {
            self.reading.push_back((now + self.read_latency, access));
        }
    }

    /// Which buffer is served. Reads that run out turn the channel to writes, even without any.
    fn turn(&mut self) {
        let (reads, writes) = (self.reads.count(), self.writes.count());
        let enough = if self.writing {
            writes > WRITE_LOW
        } else {
            writes >= WRITE_HIGH
        };
        self.writing = enough || reads == 0;
    }
}

fn column(access: Access) -> Kind {
    if access.write { Kind::Wr } else { Kind::Rd }
}
