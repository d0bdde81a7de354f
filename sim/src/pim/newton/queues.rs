//! The command queues of the banks: rings of (row, flight), with what is known of the entries as
//! masks by age; and the normal row buffers.

use super::flights::FlightId;
use super::tables::MAX_BANKS;

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    row: u32,
    flight: FlightId,
}

/// One bank's queue without its entries.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Queue {
    head: u32,
    pub(super) len: u32,
    /// Open row, where the bank has one.
    pub(super) open: u32,
    /// Column commands since it was opened.
    pub(super) served: u32,
    /// Entries, oldest in bit 0, of the open row.
    pub(super) hits: u128,
    /// Entries that write.
    pub(super) writes: u128,
}

/// Counts of entries by a hash of bank and row.
const HASHES: usize = 4096;

#[inline]
fn hash(bank: usize, row: u32) -> usize {
    let key = u64::from(row) << 6 | bank as u64;
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - HASHES.trailing_zeros())) as usize
}

/// All banks' queues.
#[derive(Debug, Clone)]
pub(super) struct Queues {
    held: Box<[u16; HASHES]>,
    pub(super) of: [Queue; MAX_BANKS],
    entries: Vec<Entry>,
    /// Ring size of a bank: a power of two.
    ring: u32,
    depth: u32,
    /// Banks whose queue is full.
    pub(super) full: u64,
    /// Banks whose queue has an entry.
    pub(super) filled: u64,
    /// Banks with an open row.
    pub(super) open: u64,
}

impl Queues {
    /// Queues of 1 to 128 entries.
    pub(super) fn new(banks: usize, depth: usize) -> Queues {
        let depth = depth.clamp(1, 128) as u32;
        let ring = depth.next_power_of_two();
        Queues {
            of: [Queue::default(); MAX_BANKS],
            held: Box::new([0; HASHES]),
            entries: vec![Entry::default(); banks * ring as usize],
            ring,
            depth,
            full: 0,
            filled: 0,
            open: 0,
        }
    }

    #[inline]
    fn at(&self, bank: usize, position: u32) -> usize {
        let place = (self.of[bank].head + position) & (self.ring - 1);
        bank * self.ring as usize + place as usize
    }

    /// Row of an entry.
    #[inline]
    pub(super) fn row(&self, bank: usize, position: u32) -> u32 {
        self.entries[self.at(bank, position)].row
    }

    /// Whether an entry of the bank may be of this row; exact where it is false.
    #[inline]
    pub(super) fn may_hold(&self, bank: usize, row: u32) -> bool {
        self.held[hash(bank, row)] > 0
    }

    /// The open row of a bank.
    #[inline]
    pub(super) fn open_row(&self, bank: usize) -> Option<u32> {
        (self.open >> bank & 1 != 0).then_some(self.of[bank].open)
    }

    /// Appends to a queue that is not full.
    #[inline]
    pub(super) fn push(&mut self, bank: usize, row: u32, flight: FlightId, write: bool) {
        let at = self.at(bank, self.of[bank].len);
        self.entries[at] = Entry { row, flight };
        self.held[hash(bank, row)] += 1;
        let bit = 1u64 << bank;
        let open = self.open & bit != 0;
        let queue = &mut self.of[bank];
        let mark = 1u128 << queue.len;
        queue.writes |= if write { mark } else { 0 };
        queue.hits |= if open && queue.open == row { mark } else { 0 };
        queue.len += 1;
        self.filled |= bit;
        if queue.len == self.depth {
            self.full |= bit;
        }
    }

    /// Takes the entry at `position` and returns its flight.
    #[inline]
    pub(super) fn remove(&mut self, bank: usize, position: u32) -> FlightId {
        let Entry { row, flight } = self.entries[self.at(bank, position)];
        self.held[hash(bank, row)] -= 1;
        for place in (0..position).rev() {
            // The older ones move up by one place.
            let (to, from) = (self.at(bank, place + 1), self.at(bank, place));
            self.entries[to] = self.entries[from];
        }
        let ring = self.ring;
        let queue = &mut self.of[bank];
        queue.head = (queue.head + 1) & (ring - 1);
        queue.len -= 1;
        let older = (1u128 << position) - 1;
        let without = |mask: u128| (mask & older) | (mask >> 1 & !older);
        queue.hits = without(queue.hits);
        queue.writes = without(queue.writes);
        let bit = 1u64 << bank;
        self.full &= !bit;
        if queue.len == 0 {
            self.filled &= !bit;
        }
        flight
    }

    /// Opens a row of a closed bank.
    #[inline]
    pub(super) fn open_bank(&mut self, bank: usize, row: u32) {
        let mut hits = 0;
        if self.may_hold(bank, row) {
            for position in 0..self.of[bank].len {
                hits |= u128::from(self.row(bank, position) == row) << position;
            }
        }
        let queue = &mut self.of[bank];
        (queue.open, queue.hits, queue.served) = (row, hits, 0);
        self.open |= 1 << bank;
    }

    /// Closes the open row of a bank and returns it.
    #[inline]
    pub(super) fn close_bank(&mut self, bank: usize) -> u32 {
        let queue = &mut self.of[bank];
        (queue.hits, queue.served) = (0, 0);
        self.open &= !(1 << bank);
        queue.open
    }
}
