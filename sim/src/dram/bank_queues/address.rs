//! Which addresses are pending, so that a read can be answered from a write that waits and equal
//! requests share a command. A counting filter says "surely not" at the cost of one load; only then
//! the short lists of one bank are searched.

/// Counts of pending addresses by hash.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    counts: Vec<u16>,
}

const SIZE: usize = 2048;

#[inline]
fn place(bank: usize, key: u64) -> usize {
    let mixed = (key ^ (bank as u64) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 53) as usize & (SIZE - 1)
}

impl Filter {
    pub(super) fn new() -> Filter {
        Filter {
            counts: vec![0; SIZE],
        }
    }

    #[inline]
    pub(super) fn may_hold(&self, bank: usize, key: u64) -> bool {
        self.counts[place(bank, key)] != 0
    }

    #[inline]
    pub(super) fn add(&mut self, bank: usize, key: u64) {
        self.counts[place(bank, key)] += 1;
    }

    #[inline]
    pub(super) fn remove(&mut self, bank: usize, key: u64) {
        self.counts[place(bank, key)] -= 1;
    }

    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
    }
}
