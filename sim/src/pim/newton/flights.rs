//! Reads and writes accepted and not yet served by a column command, found by address: what a later
//! request to the same burst is answered from.

use crate::time::Tick;

/// Index of a flight; also the link of the lists that flights are in.
pub(super) type FlightId = u16;

/// No flight.
pub(super) const NONE: FlightId = FlightId::MAX;

/// Buckets of the address index: a busy channel has some hundred requests in flight.
const BUCKETS: usize = 512;

/// No merged read.
const NO_READ: u32 = u32::MAX;

/// One request with an entry of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flight {
    /// Its address in the channel.
    pub(super) key: u64,
    pub(super) accepted: Tick,
    /// Order of acceptance.
    pub(super) order: u64,
    pub(super) row: u32,
    pub(super) tag: u32,
    pub(super) bank: u8,
    write: bool,
    /// Oldest and youngest of the reads that share this one's command.
    shared: (u32, u32),
    /// Next of the same bucket.
    chain: FlightId,
    /// Next of the same transaction list, or of the free list.
    pub(super) link: FlightId,
}

/// What a flight begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entered {
    pub(super) key: u64,
    pub(super) accepted: Tick,
    pub(super) order: u64,
    pub(super) row: u32,
    pub(super) tag: u32,
    pub(super) bank: usize,
    pub(super) write: bool,
}

/// All flights of a channel.
#[derive(Debug, Clone)]
pub(super) struct Flights {
    pool: Vec<Flight>,
    free: FlightId,
    buckets: Box<[FlightId; BUCKETS]>,
    /// Reads that share a command: tag and the next younger one.
    shared: Vec<(u32, u32)>,
    shared_free: u32,
}

#[inline]
fn bucket(key: u64) -> usize {
    // Fibonacci hashing: consecutive bursts and equal columns of many rows both spread out.
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - BUCKETS.trailing_zeros())) as usize
}

impl Flights {
    pub(super) fn new() -> Flights {
        Flights {
            pool: Vec::new(),
            free: NONE,
            buckets: Box::new([NONE; BUCKETS]),
            shared: Vec::new(),
            shared_free: NO_READ,
        }
    }

    #[inline]
    pub(super) fn get(&self, id: FlightId) -> &Flight {
        &self.pool[usize::from(id)]
    }

    #[inline]
    pub(super) fn link(&mut self, id: FlightId, next: FlightId) {
        self.pool[usize::from(id)].link = next;
    }

    /// A new flight, known by its address.
    #[inline]
    pub(super) fn enter(&mut self, entered: Entered) -> FlightId {
        let head = &mut self.buckets[bucket(entered.key)];
        let flight = Flight {
            key: entered.key,
            accepted: entered.accepted,
            order: entered.order,
            row: entered.row,
            tag: entered.tag,
            bank: entered.bank as u8,
            write: entered.write,
            shared: (NO_READ, NO_READ),
            chain: *head,
            link: NONE,
        };
        let id = self.free;
        if id == NONE {
            // Queues are bounded far below the range of the index.
            let id = self.pool.len() as FlightId;
            self.pool.push(flight);
            *head = id;
            return id;
        }
        *head = id;
        let place = &mut self.pool[usize::from(id)];
        self.free = place.link;
        *place = flight;
        id
    }

    /// The flight of this address and direction, at most one.
    #[inline]
    pub(super) fn find(&self, key: u64, write: bool) -> Option<FlightId> {
        let mut id = self.buckets[bucket(key)];
        while id != NONE {
            let flight = self.get(id);
            if flight.key == key && flight.write == write {
                return Some(id);
            }
            id = flight.chain;
        }
        None
    }

    /// Lets the read `tag` share the command of `id`.
    pub(super) fn share(&mut self, id: FlightId, tag: u32) {
        let index = self.shared_free;
        let index = if index == NO_READ {
            self.shared.push((tag, NO_READ));
            self.shared.len() as u32 - 1
        } else {
            let place = &mut self.shared[index as usize];
            self.shared_free = place.1;
            *place = (tag, NO_READ);
            index
        };
        let flight = &mut self.pool[usize::from(id)];
        if flight.shared.0 == NO_READ {
            flight.shared.0 = index;
        } else {
            self.shared[flight.shared.1 as usize].1 = index;
        }
        flight.shared.1 = index;
    }

    /// Ends a flight; `read` is called with the tags of those that shared its command, oldest first,
    /// itself left out.
    #[inline]
    pub(super) fn leave(&mut self, id: FlightId, mut read: impl FnMut(u32)) {
        let flight = *self.get(id);
        let head = &mut self.buckets[bucket(flight.key)];
        if *head == id {
            *head = flight.chain;
        } else {
            let mut at = *head;
            while at != NONE {
                let other = &mut self.pool[usize::from(at)];
                if other.chain == id {
                    other.chain = flight.chain;
                    break;
                }
                at = other.chain;
            }
        }
        let mut at = flight.shared.0;
        while at != NO_READ {
            let entry = &mut self.shared[at as usize];
            read(entry.0);
            let next = entry.1;
            entry.1 = self.shared_free;
            self.shared_free = at;
            at = next;
        }
        self.link(id, self.free);
        self.free = id;
    }
}
