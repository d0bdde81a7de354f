//! What could be issued next, and when: candidates by kind as one bit a bank, the earliest tick at
//! which one of them is allowed, and the banks that are allowed then.

use super::gates::{Gates, NEVER, Rel};
use super::queues::Queues;
use super::tables::{MAX_BANKS, Tables};

/// Candidates and the earliest of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Banks to open for their oldest entry.
    pub(super) acts: u64,
    /// Banks to close for their oldest entry.
    pub(super) pres: u64,
    /// Banks with reads of the open row.
    pub(super) reads: u64,
    /// Banks with writes to the open row.
    pub(super) writes: u64,
    /// Earliest tick of a column command, and the banks that have one then.
    pub(super) column_at: Rel,
    pub(super) column_banks: u64,
    /// Earliest tick of a row command, and the banks that have one then.
    pub(super) row_at: Rel,
    pub(super) row_banks: u64,
    column_stale: bool,
    row_stale: bool,
}

#[inline]
fn put(mask: &mut u64, bit: u64, on: bool) {
    *mask = if on { *mask | bit } else { *mask & !bit };
}

impl Plan {
    /// Derives the candidates of a bank after its queue or row changed.
    #[inline]
    pub(super) fn update(&mut self, queues: &Queues, bank: usize, hit_cap: u32) {
        let queue = &queues.of[bank];
        let bit = 1u64 << bank;
        let open = queues.open & bit != 0;
        let waits = queue.len > 0;
        let kept = queue.hits != 0 && (queue.hits & 1 != 0 || queue.served < hit_cap);
        let (acts, pres) = (self.acts, self.pres);
        put(&mut self.acts, bit, waits && !open);
        put(&mut self.pres, bit, waits && open && !kept);
        let (reads, writes) = (self.reads, self.writes);
        put(&mut self.reads, bit, queue.hits & !queue.writes != 0);
        put(&mut self.writes, bit, queue.hits & queue.writes != 0);
        self.row_stale |= acts != self.acts || pres != self.pres;
        self.column_stale |= reads != self.reads || writes != self.writes;
    }

    /// The gates of row commands changed, of `bank` or more.
    #[inline]
    pub(super) fn rows_changed(&mut self) {
        self.row_stale = true;
    }

    /// The gate of a precharge of `bank` changed.
    #[inline]
    pub(super) fn pre_changed(&mut self, bank: usize) {
        self.row_stale |= self.pres >> bank & 1 != 0;
    }

    /// The gates of column commands changed.
    #[inline]
    pub(super) fn columns_changed(&mut self) {
        self.column_stale = true;
    }

    /// Brings both times up to date: no earlier than `soon`, nothing in `blocked` banks.
    #[inline]
    pub(super) fn refresh(&mut self, tables: &Tables, gates: &Gates, blocked: u64, soon: Rel) {
        if self.column_stale || self.column_at < soon {
            self.find_columns(tables, gates, blocked, soon);
        }
        if self.row_stale || self.row_at < soon {
            self.find_rows(gates, blocked, soon);
        }
    }

    #[inline]
    fn find_columns(&mut self, tables: &Tables, gates: &Gates, blocked: u64, soon: Rel) {
        let (mut best, mut banks) = (NEVER, 0);
        for (write, candidates) in [self.reads, self.writes].into_iter().enumerate() {
            let mut rest = candidates & !blocked;
            while rest != 0 {
                let bank = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                let at = gates.column(tables, bank, write).max(soon);
                if at < best {
                    (best, banks) = (at, 0);
                }
                banks |= u64::from(at == best) << bank;
            }
        }
        (self.column_at, self.column_banks) = (best, banks);
        self.column_stale = false;
    }

    #[inline]
    fn find_rows(&mut self, gates: &Gates, blocked: u64, soon: Rel) {
        let (mut best, mut banks) = (NEVER, 0);
        let sets = [(self.acts, &gates.act), (self.pres, &gates.pre)];
        for (candidates, lanes) in sets {
            let mut rest = candidates & !blocked;
            while rest != 0 {
                let bank = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                let at = lanes[bank % MAX_BANKS].max(soon);
                if at < best {
                    (best, banks) = (at, 0);
                }
                banks |= u64::from(at == best) << bank;
            }
        }
        (self.row_at, self.row_banks) = (best, banks);
        self.row_stale = false;
    }
}

/// First bank of `banks`, which has one, after the bank `pointer`, round robin.
#[inline]
pub(super) fn after(pointer: usize, banks: u64) -> usize {
    // Twice, because a shift by 64 is none.
    let behind = banks & (u64::MAX << pointer << 1);
    let found = if behind == 0 { banks } else { behind };
    found.trailing_zeros() as usize % MAX_BANKS
}
