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

/// Requests to one bank, in order of arrival.
#[derive(Debug, Clone, Default)]
struct Bank {
    waiting: Vec<Waiting>,
    /// The oldest to the open row, and the oldest to any other.
    hit: Option<usize>,
    other: Option<usize>,
}

impl Bank {
    /// Finds both anew.
    fn find(&mut self, open: u32) {
        let first = |hits| {
            let mut rows = self.waiting.iter().map(|waiting| waiting.row == open);
            rows.position(|hit| hit == hits)
        };
        (self.hit, self.other) = (first(true), first(false));
    }
}

/// What is to be done next: a command to a bank, for the request at a place there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) kind: Kind,
    pub(super) bank: usize,
    at: usize,
}

/// A buffer of reads or of writes.
#[derive(Debug)]
pub(super) struct Pool {
    /// Command that serves a request whose row is open.
    column: Kind,
    banks: Vec<Bank>,
    count: usize,
}

impl Pool {
    pub(super) fn new(column: Kind, banks: usize) -> Pool {
        Pool {
            column,
            banks: vec![Bank::default(); banks],
            count: 0,
        }
    }

    /// Requests that wait.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a request to this burst waits.
    pub(super) fn has(&self, bank: usize, slot: u32) -> bool {
        let mut waiting = self.banks[bank].waiting.iter();
        waiting.any(|waiting| waiting.access.slot == slot)
    }

    pub(super) fn push(&mut self, bank: usize, waiting: Waiting, open: u32) {
        let of = &mut self.banks[bank];
        let oldest = if waiting.row == open {
            &mut of.hit
        } else {
            &mut of.other
        };
        oldest.get_or_insert(of.waiting.len());
        of.waiting.push(waiting);
        self.count += 1;
    }

    /// The oldest request whose next command may go at `now`; otherwise the first tick at which one
    /// may.
    #[inline]
    pub(super) fn next(&self, rows: &[u32], gates: &Gates, now: u64) -> Result<Next, u64> {
        let mut earliest = u64::MAX;
        let mut best: Option<(u64, Next)> = None;
        for (bank, (of, &open)) in self.banks.iter().zip(rows).enumerate() {
            let other = if open == CLOSED { Kind::Act } else { Kind::Pre };
            for (at, kind) in [(of.hit, self.column), (of.other, other)] {
                let Some(at) = at else {
                    continue;
                };
                let arrived = of.waiting[at].arrived;
                if best.is_some_and(|(oldest, _)| oldest < arrived) {
                    continue;
                }
                let ready = gates.ready(kind, bank);
                if ready <= now {
                    best = Some((arrived, Next { kind, bank, at }));
                } else {
                    earliest = earliest.min(ready);
                }
            }
        }
        best.map(|(_, next)| next).ok_or(earliest)
    }

    /// Takes out the request that a command is for. The bank's open row is then `open`.
    pub(super) fn take(&mut self, next: Next, open: u32) -> Waiting {
        let of = &mut self.banks[next.bank];
        let waiting = of.waiting.remove(next.at);
        self.count -= 1;
        of.find(open);
        waiting
    }

    /// The row of a bank.
    pub(super) fn row(&self, next: Next) -> u32 {
        self.banks[next.bank].waiting[next.at].row
    }

    /// A bank's row was opened or closed.
    pub(super) fn opened(&mut self, bank: usize, open: u32) {
        self.banks[bank].find(open);
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
    fn the_oldest_to_the_open_row_and_to_others_are_known() {
        let mut pool = Pool::new(Kind::Rd, 2);
        pool.push(1, waiting(5, 7, 0), 8);
        pool.push(1, waiting(6, 8, 1), 8);
        pool.push(1, waiting(7, 8, 2), 8);
        let oldest = |pool: &Pool| (pool.banks[1].hit, pool.banks[1].other);
        assert_eq!(oldest(&pool), (Some(1), Some(0)));
        let hit = Next {
            kind: Kind::Rd,
            bank: 1,
            at: 1,
        };
        assert_eq!(pool.row(hit), 8);
        assert_eq!(pool.take(hit, 8).access.slot, 6);
        assert_eq!((oldest(&pool), pool.count()), ((Some(1), Some(0)), 2));
        pool.opened(1, 7);
        assert_eq!(oldest(&pool), (Some(0), Some(1)));
        pool.opened(1, CLOSED);
        assert_eq!(oldest(&pool), (None, Some(0)));
        assert!(pool.has(1, 7) && !pool.has(1, 6) && !pool.has(0, 7));
    }
}
