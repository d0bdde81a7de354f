//! A transaction queue of reads or of writes: entries in order of arrival, kept as one list a bank,
//! so that the oldest entry whose bank has room is found among the heads.

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

    #[inline]
    pub(super) fn push(&mut self, bank: usize, id: FlightId, flights: &mut Flights) {
        let bit = 1u64 << bank;
        if self.banks & bit == 0 {
            self.heads[bank] = id;
            self.banks |= bit;
        } else {
            flights.link(self.tails[bank], id);
        }
        self.tails[bank] = id;
        self.len += 1;
    }

    /// The oldest entry to one of `banks`.
    #[inline]
    pub(super) fn oldest(&self, banks: u64, flights: &Flights) -> Option<FlightId> {
        let mut banks = banks & self.banks;
        let (mut best, mut order) = (None, u64::MAX);
        while banks != 0 {
            let id = self.heads[banks.trailing_zeros() as usize % MAX_BANKS];
            banks &= banks - 1;
            let other = flights.get(id).order;
            if other < order {
                (best, order) = (Some(id), other);
            }
        }
        best
    }

    /// Whether `key` is among the entries.
    pub(super) fn contains(&self, bank: usize, key: u64, flights: &Flights) -> bool {
        if self.banks >> bank & 1 == 0 {
            return false;
        }
        let mut id = self.heads[bank];
        while id != NONE {
            let flight = flights.get(id);
            if flight.key == key {
                return true;
            }
            id = flight.link;
        }
        false
    }

    /// Takes the first entry of a bank that has one.
    #[inline]
    pub(super) fn pop(&mut self, bank: usize, flights: &Flights) {
        let next = flights.get(self.heads[bank]).link;
        self.heads[bank] = next;
        if next == NONE {
            self.banks &= !(1 << bank);
        }
        self.len -= 1;
    }
}
