//! Requests that wait in a channel, by bank: of each bank only the oldest to its open row and the
//! oldest to another can be served next, so a tick looks at two requests a bank and not at all of
//! them.

use crate::dram::window::gates::{Gates, Kind};

/// No row open.
pub(super) const CLOSED: u32 = u32::MAX;

/// A request of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// Burst of the channel.
    pub(super) slot: u32,
    pub(super) tag: u32,
    pub(super) core: u16,
    pub(super) write: bool,
}

/// A request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) access: Access,
    pub(super) arrived: u64,
    pub(super) row: u32,
}

/// The oldest request of a bank that may be served next by a command of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Candidate {
    arrived: u64,
    bank: u32,
    /// Its row is open.
    hit: bool,
}

/// What is to be done next: a command to a bank, for the oldest request there that needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) kind: Kind,
    pub(super) bank: usize,
}

/// A buffer of reads or of writes.
#[derive(Debug)]
pub(super) struct Pool {
    /// Command that serves a request whose row is open.
    column: Kind,
    /// Requests to each bank, in order of arrival.
    banks: Vec<Vec<Waiting>>,
    /// In order of arrival.
    candidates: Vec<Candidate>,
    count: usize,
}

impl Pool {
    pub(super) fn new(column: Kind, banks: usize) -> Pool {
        Pool {
            column,
            banks: vec![Vec::new(); banks],
            candidates: Vec::new(),
            count: 0,
        }
    }

    /// Requests that wait.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a request to this burst waits.
    pub(super) fn has(&self, bank: usize, slot: u32) -> bool {
        let mut waiting = self.banks[bank].iter();
        waiting.any(|waiting| waiting.access.slot == slot)
    }

    /// Adds the request that arrived last.
    pub(super) fn push(&mut self, bank: usize, waiting: Waiting, open: u32) {
        let of = &mut self.banks[bank];
        let hit = waiting.row == open;
        if of.iter().all(|before| (before.row == open) != hit) {
            self.candidates.push(Candidate {
                arrived: waiting.arrived,
                bank: bank as u32,
                hit,
            });
        }
        of.push(waiting);
        self.count += 1;
    }

    /// The oldest request whose next command may go at `now`; otherwise the first tick at which one
    /// may.
    #[inline]
    pub(super) fn next(&self, rows: &[u32], gates: &Gates, now: u64) -> Result<Next, u64> {
        let mut earliest = u64::MAX;
        for candidate in &self.candidates {
            let bank = candidate.bank as usize;
            let kind = if candidate.hit {
                self.column
            } else if rows[bank] == CLOSED {
                Kind::Act
            } else {
                Kind::Pre
            };
            let ready = gates.ready(kind, bank);
            if ready <= now {
                return Ok(Next { kind, bank });
            }
            earliest = earliest.min(ready);
        }
        Err(earliest)
    }

    /// Takes out the request that an activation or a column command is for.
    pub(super) fn take(&mut self, next: Next, open: u32) -> Option<Waiting> {
        let hit = next.kind == self.column;
        let of = &mut self.banks[next.bank];
        let at = of.iter().position(|waiting| (waiting.row == open) == hit)?;
        let waiting = of.remove(at);
        self.count -= 1;
        self.opened(next.bank, open);
        Some(waiting)
    }

    /// The open row of a bank, or what waits there, is another: its candidates are found anew.
    pub(super) fn opened(&mut self, bank: usize, open: u32) {
        self.candidates
            .retain(|candidate| candidate.bank as usize != bank);
        for hit in [true, false] {
            let mut waiting = self.banks[bank].iter();
            let Some(oldest) = waiting.find(|waiting| (waiting.row == open) == hit) else {
                continue;
            };
            let candidate = Candidate {
                arrived: oldest.arrived,
                bank: bank as u32,
                hit,
            };
            let at = self
                .candidates
                .partition_point(|other| other.arrived < candidate.arrived);
            self.candidates.insert(at, candidate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(slot: u32, row: u32, arrived: u64) -> Waiting {
        let access = Access {
            slot,
            tag: 0,
            core: 0,
            write: false,
        };
        Waiting {
            access,
            arrived,
            row,
        }
    }

    #[test]
    fn the_oldest_to_the_open_row_and_to_others_are_candidates() {
        let mut pool = Pool::new(Kind::Rd, 2);
        pool.push(1, waiting(5, 7, 0), 8);
        pool.push(1, waiting(6, 8, 1), 8);
        pool.push(1, waiting(7, 8, 2), 8);
        pool.push(0, waiting(8, 8, 3), 8);
        let candidates = |pool: &Pool| {
            let all = pool.candidates.iter();
            all.map(|of| (of.bank, of.arrived, of.hit))
                .collect::<Vec<_>>()
        };
        let all = [(1, 0, false), (1, 1, true), (0, 3, true)];
        assert_eq!(candidates(&pool), all);
        let read = Next {
            kind: Kind::Rd,
            bank: 1,
        };
        assert_eq!(pool.take(read, 8), Some(waiting(6, 8, 1)));
        let all = [(1, 0, false), (1, 2, true), (0, 3, true)];
        assert_eq!(candidates(&pool), all);
        pool.opened(1, 7);
        let all = [(1, 0, true), (1, 2, false), (0, 3, true)];
        assert_eq!(candidates(&pool), all);
        pool.opened(1, CLOSED);
        assert_eq!(candidates(&pool), [(1, 0, false), (0, 3, true)]);
        assert!(pool.has(1, 7) && !pool.has(1, 6) && !pool.has(0, 7));
        assert_eq!(pool.count(), 3);
        let open = Next {
            kind: Kind::Act,
            bank: 1,
        };
        assert_eq!(pool.take(open, CLOSED), Some(waiting(5, 7, 0)));
    }
}
