//! Requests in: buffered, answered from a waiting write, or merged with what waits already.

use super::Window;
use super::parameters::Forwarding;
use super::queue::{Entry, NONE};
use crate::dram::observer::Observer;
use crate::dram::organisation::Location;
use crate::dram::request::Request;
use crate::dram::stream::Direction;
use crate::time::Tick;

impl Window {
    /// Offers a request from tick `from` on, at every tick until it is accepted; the tick of
    /// acceptance. Nothing may be offered for an earlier tick than the last acceptance; several
    /// may be accepted in one tick. Passes no tick from that of acceptance on.
    pub fn offer(&mut self, request: Request, from: Tick, observer: &mut impl Observer) -> Tick {
        let mut t = from.max(request.at).max(self.now);
        self.advance(t, observer);
        let side = usize::from(request.direction == Direction::Write);
        while !self.accept(request.slot, side, t) {
            let next = self.next_event();
            if next == Tick::MAX {
                // Nothing will ever make room: only a standard without commands gets here.
                return next;
            }
            self.pass(next, observer);
            t = t.max(next + 1);
        }
        self.last_accepted = Some(t);
        t
    }

    /// Takes a request if there is room for it or if it needs none.
    #[inline]
    fn accept(&mut self, slot: u64, side: usize, t: Tick) -> bool {
        if side == 1 {
            if self.parameters.coalescing && self.writes_waiting.find(slot).is_some() {
                self.outcome.writes += 1;
                return true;
            }
            if self.queued[1] == self.parameters.write_buffer {
                return false;
            }
            self.outcome.writes += 1;
        } else {
            if self.forward(slot, t) || self.merge(slot, t) {
                self.outcome.reads += 1;
                return true;
            }
            if self.queued[0] == self.parameters.read_buffer {
                return false;
            }
            self.outcome.reads += 1;
            self.reads_left += 1;
        }
        self.enqueue(slot, side, t);
        true
    }

    fn forward(&mut self, slot: u64, t: Tick) -> bool {
        let forwarding = self.parameters.forwarding;
        if forwarding == Forwarding::Off || self.writes_waiting.find(slot).is_none() {
            return false;
        }
        let at = match forwarding {
            Forwarding::After(ticks) => t + ticks,
            _ => t.max(self.last_return),
        };
        self.last_answer = self.last_answer.max(at);
        self.outcome.latencies.add(at - t);
        true
    }

    fn merge(&mut self, slot: u64, t: Tick) -> bool {
        if !self.parameters.merging {
            return false;
        }
        let Some(entry) = self.reads_waiting.find(slot) else {
            return false;
        };
        self.shared.push((entry, t));
        self.pool.share(entry);
        true
    }

    fn enqueue(&mut self, slot: u64, side: usize, t: Tick) {
        let Location { bank, row, .. } = self.mapper.locate(slot);
        let entry = self.pool.insert(Entry {
            id: self.accepted,
            at: t,
            slot,
            row,
            side: side as u8,
            shared: false,
            next: NONE,
            previous: NONE,
        });
        self.accepted += 1;
        if side == 1 {
            if self.looks_up_writes {
                self.writes_waiting.insert(slot, entry);
            }
        } else if self.parameters.merging {
            self.reads_waiting.insert(slot, entry);
        }
        self.queued[side] += 1;
        self.column_floor = t;
        self.row_floor = t;
        let b = &mut self.banks[bank];
        let open = b.open_row();
        self.pool.append(&mut b.lists[side], entry, open);
        self.publish(bank, side);
        self.expect_turn(t);
    }
}
