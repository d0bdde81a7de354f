//! A transaction queue: entries in order of arrival, kept as one list a bank, so that the oldest
//! entry whose bank has room is found among the heads.

use super::flights::{FlightId, Flights, NONE};
use super::tables::MAX_BANKS;

/// Entries of one direction.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    heads: [FlightId; MAX_BANKS],
    tails: [FlightId; MAX_BANKS],
    /// Banks with an entry.
    pub(super) banks: u64,
    pub(super) len: usize,
}

impl Waiting {
    pub(super) fn new() -> Waiting {
        Waiting {
            heads: [NONE; MAX_BANKS],
            tails: [NONE; MAX_BANKS],
            banks: 0,
            len: 0,
        }
    }

    /// First entry of a bank's list.
    pub(super) fn head(&self, bank: usize) -> FlightId {
        self.heads[bank]
    }

    #[inline]
    pub(super) fn push(&mut self, bank: usize, id: FlightId, flights: &mut Flights) {
        let bit = 1u64 << bank;
        if self.banks & bit == 0 {
            self.heads[bank] = id;
            self.banks |= bit;
        } else {
            flights.get_mut(self.tails[bank]).link = id;
        }
        self.tails[bank] = id;
        self.len += 1;
    }

    /// Bank of the oldest entry among `banks`, of which each has an entry; not called with none.
    #[inline]
    pub(super) fn oldest(&self, mut banks: u64, flights: &Flights) -> usize {
        let mut best = banks.trailing_zeros() as usize % MAX_BANKS;
        banks &= banks.wrapping_sub(1);
        if banks == 0 {
            return best;
        }
        let mut order = flights.get(self.heads[best]).order;
        while banks != 0 {
            let bank = banks.trailing_zeros() as usize % MAX_BANKS;
            banks &= banks - 1;
            let other = flights.get(self.heads[bank]).order;
            if other < order {
                (best, order) = (bank, other);
            }
        }
        best
    }

    /// Takes the first entry of a bank that has one.
    #[inline]
    pub(super) fn pop(&mut self, bank: usize, flights: &Flights) -> FlightId {
        let id = self.heads[bank];
        let next = flights.get(id).link;
        self.heads[bank] = next;
        if next == NONE {
            self.banks &= !(1 << bank);
        }
        self.len -= 1;
        id
    }
}
