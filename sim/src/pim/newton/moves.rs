//! Transactions to command queues: one a tick, after the command.

use super::super::RowBuffers;
use super::channel::Newton;
use super::flights::FlightId;

/// What a tick does to the transaction queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Nothing,
    Read(FlightId),
    Write(FlightId),
    /// The oldest PIM transaction.
    Pim,
    /// The oldest write with room waits for what is older: the drain ends.
    Refuse,
    /// The same, and until the read at this address has moved only reads do.
    Lock(u64),
}

/// The queue that is looked at.
#[derive(Clone, Copy)]
enum Queue {
    Reads,
    Writes,
    Pim,
}

impl Newton {
    /// Writes left to move in the drain of this tick, and what moves.
    #[inline]
    pub(super) fn decide(&self) -> (usize, Move) {
        let mut drain = self.drain;
        if self.lock.is_none() && drain == 0 {
            let waiting = self.writes.len;
            let full = waiting >= self.parameters.transactions;
            if full || (waiting > self.parameters.drain_above && self.queues.filled == 0) {
                drain = waiting;
            }
        }
        let dual = self.tables.buffers == RowBuffers::Dual;
        let queued = self.pim.queue.len();
        let few = queued < self.parameters.pim_ahead;
        let queue = if self.lock.is_some() {
            Queue::Reads
        } else if dual && !self.pim.asked.is_empty() {
            if drain > 0 && !few {
                Queue::Writes
            } else if few || self.reads.len == 0 {
                Queue::Pim
            } else {
                Queue::Reads
            }
        } else if drain > 0 {
            Queue::Writes
        } else {
            Queue::Reads
        };
        let room = queued < self.parameters.pim_queue;
        // With one buffer, the host's requests stay behind while PIM commands are queued.
        let banks = if dual || queued == 0 {
            !self.queues.full
        } else {
            0
        };
        let moved = match queue {
            Queue::Pim if room => Move::Pim,
            Queue::Pim => Move::Nothing,
            Queue::Writes => self.decide_write(banks),
            Queue::Reads => {
                let read = self.reads.oldest(banks, &self.flights);
                let pim = if dual { None } else { self.pim.asked.front() };
                match (read, pim.filter(|_| room)) {
                    (None, None) => Move::Nothing,
                    (None, Some(_)) => Move::Pim,
                    (Some(read), None) => Move::Read(read),
                    (Some(read), Some(pim)) => {
                        if pim.number < self.flights.get(read).order {
                            Move::Pim
                        } else {
                            Move::Read(read)
                        }
                    }
                }
            }
        };
        (drain, moved)
    }

    #[inline]
    fn decide_write(&self, banks: u64) -> Move {
        let Some(id) = self.writes.oldest(banks, &self.flights) else {
            return Move::Nothing;
        };
        let write = self.flights.get(id);
        if self.flights.find(write.key, false).is_some() {
            let bank = usize::from(write.bank);
            let mut waits = self.reads.contains(bank, write.key, &self.flights);
            if self.tables.buffers == RowBuffers::Blocked {
                // They share a queue, and its addresses are compared whatever the kind.
                waits |= self.pim.asked.iter().any(|order| order.key == write.key);
            }
            return if waits {
                Move::Lock(write.key)
            } else {
                Move::Refuse
            };
        }
        if self.pim.older(write.key, write.accepted) {
            return Move::Refuse;
        }
        Move::Write(id)
    }

    /// Whether the next move would change anything as things stand.
    #[inline]
    pub(super) fn can_move(&self) -> bool {
        match self.decide() {
            (drain, Move::Nothing) => drain != self.drain,
            // A drain that starts and ends in a tick is none.
            (_, Move::Refuse) => self.drain != 0,
            _ => true,
        }
    }

    /// The move of a tick.
    #[inline]
    pub(super) fn move_one(&mut self) {
        let (drain, moved) = self.decide();
        self.drain = drain;
        match moved {
            Move::Nothing => {}
            Move::Refuse => self.drain = 0,
            Move::Lock(key) => (self.drain, self.lock) = (0, Some(key)),
            Move::Pim => {
                if let Some(order) = self.pim.asked.pop_front() {
                    self.pim.queue.push_back(order);
                }
            }
            Move::Write(id) => {
                self.drain -= 1;
                self.writes
                    .pop(usize::from(self.flights.get(id).bank), &self.flights);
                self.enqueue(id, true);
            }
            Move::Read(id) => {
                let read = self.flights.get(id);
                if self.lock == Some(read.key) {
                    self.lock = None;
                }
                self.reads.pop(usize::from(read.bank), &self.flights);
                self.enqueue(id, false);
            }
        }
    }

    #[inline]
    fn enqueue(&mut self, id: FlightId, write: bool) {
        let flight = self.flights.get(id);
        let (bank, row) = (usize::from(flight.bank), flight.row);
        self.queues.push(bank, row, id, write);
        self.update(bank);
    }
}
