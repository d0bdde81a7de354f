//! Transactions to command queues.

use super::{Entry, Stepped};
use memwall_sim::pim::newton::port::Ask;

impl Stepped {
    pub(super) fn move_one(&mut self) {
        let idle = self.banks.iter().all(|b| b.queue.is_empty());
        if self.lock.is_none() && self.drain == 0 {
            let full = self.writes.len() >= self.p.transactions;
            if full || (self.writes.len() > self.p.drain_above && idle) {
                self.drain = self.writes.len();
            }
        }
        let few = self.program.len() < self.p.pim_ahead;
        let from_pims = self.dual
            && self.lock.is_none()
            && !self.pims.is_empty()
            && (few || (self.drain == 0 && self.reads.is_empty()));
        let from_writes = !from_pims && self.lock.is_none() && self.drain > 0;
        let queue = if from_pims {
            &self.pims
        } else if from_writes {
            &self.writes
        } else {
            &self.reads
        };
        let room = |e: &Entry| {
            if e.is_pim() {
                return self.program.len() < self.p.pim_queue;
            }
            (self.dual || self.program.is_empty())
                && self.banks[e.bank].queue.len() < self.p.bank_queue
        };
        let Some(index) = queue.iter().position(room) else {
            return;
        };
        let entry = queue[index];
        if from_writes {
            let same = |e: &Entry| e.address == entry.address;
            if self.pending_reads.iter().any(same) {
                if self.reads.iter().any(same) {
                    self.lock = Some(entry.address);
                }
                self.drain = 0;
                return;
            }
            let oldest = self.pending_pims.iter().find(|e| same(e));
            if oldest.is_some_and(|pim| pim.accepted < entry.accepted) {
                self.drain = 0;
                return;
            }
            self.drain -= 1;
        }
        if entry.ask == Ask::Read && self.lock == Some(entry.address) {
            self.lock = None;
        }
        let queue = if from_pims {
            &mut self.pims
        } else if from_writes {
            &mut self.writes
        } else {
            &mut self.reads
        };
        queue.remove(index);
        if entry.is_pim() {
            self.program.push(entry);
        } else {
            self.banks[entry.bank].queue.push(entry);
        }
    }
}
