//! Requests accepted and not yet served by a column command, found by address: what a later request
//! to the same burst is answered from.

use super::super::stream::Direction;
use crate::time::Tick;

/// Index of a flight; also the link of the lists that flights are in.
pub(super) type FlightId = u16;

/// No flight.
pub(super) const NONE: FlightId = FlightId::MAX;

/// Buckets of the address index: more than a default channel has requests in flight.
const BUCKETS: usize = 512;

/// No merged read.
const NO_READ: u32 = u32::MAX;

/// One request with an entry of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flight {
    pub(super) slot: u64,
    pub(super) accepted: Tick,
    /// Order of acceptance.
    pub(super) order: u64,
    pub(super) row: u32,
    /// Youngest read that shares this one's command.
    merged: u32,
    /// Next of the same bucket.
    chain: FlightId,
    /// Next of the same transaction list, or of the free list.
    pub(super) link: FlightId,
    pub(super) write: bool,
}

/// All flights of a channel.
#[derive(Debug, Clone)]
pub(super) struct Flights {
    pool: Vec<Flight>,
    free: FlightId,
    buckets: Box<[FlightId; BUCKETS]>,
    /// Reads that share a command: tick of acceptance and the next older one.
    merged: Vec<(Tick, u32)>,
    merged_free: u32,
    orders: u64,
}

#[inline]
fn bucket(slot: u64) -> usize {
    // Fibonacci hashing: consecutive bursts and equal columns of many rows both spread out.
    (slot.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - BUCKETS.trailing_zeros())) as usize
}

impl Flights {
    pub(super) fn new() -> Flights {
        Flights {
            pool: Vec::new(),
            free: NONE,
            buckets: Box::new([NONE; BUCKETS]),
            merged: Vec::new(),
            merged_free: NO_READ,
            orders: 0,
        }
    }

    #[inline]
    pub(super) fn get(&self, id: FlightId) -> &Flight {
        &self.pool[usize::from(id)]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: FlightId) -> &mut Flight {
        &mut self.pool[usize::from(id)]
    }

    /// A new flight, outside the address index.
    #[inline]
    pub(super) fn enter(&mut self, slot: u64, row: u32, direction: Direction, t: Tick) -> FlightId {
        let flight = Flight {
            slot,
            accepted: t,
            order: self.orders,
            row,
            merged: NO_READ,
            chain: NONE,
            link: NONE,
            write: direction == Direction::Write,
        };
        self.orders += 1;
        let id = self.free;
        if id == NONE {
            // Queues are bounded far below the range of the index.
            self.pool.push(flight);
            return (self.pool.len() - 1) as FlightId;
        }
        let place = &mut self.pool[usize::from(id)];
        self.free = place.link;
        *place = flight;
        id
    }

    /// Makes a flight known by its address.
    #[inline]
    pub(super) fn index(&mut self, id: FlightId) {
        let flight = &mut self.pool[usize::from(id)];
        let head = &mut self.buckets[bucket(flight.slot)];
        flight.chain = *head;
        *head = id;
    }

    /// The flight of this address and direction, at most one.
    #[inline]
    pub(super) fn find(&self, slot: u64, write: bool) -> Option<FlightId> {
        let mut id = self.buckets[bucket(slot)];
        while id != NONE {
            let flight = self.get(id);
            if flight.slot == slot && flight.write == write {
                return Some(id);
            }
            id = flight.chain;
        }
        None
    }

    /// Removes a flight from the address index.
    #[inline]
    pub(super) fn unindex(&mut self, id: FlightId) {
        let Flight { slot, chain, .. } = *self.get(id);
        let head = &mut self.buckets[bucket(slot)];
        if *head == id {
            *head = chain;
            return;
        }
        let mut at = *head;
        while at != NONE {
            let flight = &mut self.pool[usize::from(at)];
            if flight.chain == id {
                flight.chain = chain;
                return;
            }
            at = flight.chain;
        }
    }

    /// Lets a read accepted at `t` share the command of `id`.
    pub(super) fn merge(&mut self, id: FlightId, t: Tick) {
        let next = self.pool[usize::from(id)].merged;
        let index = self.merged_free;
        self.pool[usize::from(id)].merged = if index == NO_READ {
            self.merged.push((t, next));
            self.merged.len() as u32 - 1
        } else {
            let place = &mut self.merged[index as usize];
            self.merged_free = place.1;
            *place = (t, next);
            index
        };
    }

    /// Ticks of acceptance of the reads that share the command of `id`, youngest first.
    pub(super) fn sharing(&self, id: FlightId) -> impl Iterator<Item = Tick> + '_ {
        let mut at = self.get(id).merged;
        std::iter::from_fn(move || {
            let (accepted, next) = *self.merged.get(at as usize)?;
            at = next;
            Some(accepted)
        })
    }

    /// Moves every flight on in time and to other slots and rows.
    pub(super) fn shift(&mut self, ticks: Tick, place: impl Fn(u64) -> (u64, u32)) {
        let heads = std::mem::replace(&mut *self.buckets, [NONE; BUCKETS]);
        // Flights out of the index and free entries may be renamed too: nothing looks at them.
        for flight in &mut self.pool {
            flight.accepted += ticks;
            (flight.slot, flight.row) = place(flight.slot);
        }
        for (accepted, _) in &mut self.merged {
            *accepted += ticks;
        }
        for mut id in heads {
            while id != NONE {
                let next = self.get(id).chain;
                self.index(id);
                id = next;
            }
        }
    }

    /// Ends a flight; `read` is called with the ticks of acceptance of the reads that shared its
    /// command, itself left out.
    #[inline]
    pub(super) fn leave(&mut self, id: FlightId, mut read: impl FnMut(Tick)) -> Flight {
        let place = &mut self.pool[usize::from(id)];
        let flight = *place;
        place.link = self.free;
        self.free = id;
        let mut at = flight.merged;
        while at != NO_READ {
            let entry = &mut self.merged[at as usize];
            read(entry.0);
            let next = entry.1;
            entry.1 = self.merged_free;
            self.merged_free = at;
            at = next;
        }
        flight
    }
}
