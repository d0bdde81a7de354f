//! What a shared scratchpad holds: tiles of operands, the least recently used of which give way.

use crate::time::Ps;
use std::collections::BTreeMap;

/// An operand tile: 0 for activations or 1 for weights, and its numbers.
pub(super) type Key = (u8, u64, u64);

/// A load that waits for its tile: core, step, block, bytes.
pub(super) type Waiting = (usize, usize, usize, u64);

#[derive(Debug, Clone)]
struct Held {
    bytes: u64,
    used: u64,
    /// When it was there; `None` while it is on its way.
    here: Option<Ps>,
    /// End of the last transfer of it to a core.
    sent: Ps,
    waiting: Vec<Waiting>,
}

/// Contents.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    capacity: u64,
    multicast: bool,
    held: BTreeMap<Key, Held>,
    bytes: u64,
    uses: u64,
}

/// What a core finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The tile, there since a time.
    Here(Ps),
    /// The tile on its way to other cores until a time: it goes to this one with it.
    Sent(Ps),
    /// The tile on its way from memory; the load waits.
    Coming,
    /// Nothing: the caller asks memory.
    Nothing,
}

impl Contents {
    pub(super) fn new(capacity: u64, multicast: bool) -> Contents {
        Contents {
            capacity,
            multicast,
            held: BTreeMap::new(),
            bytes: 0,
            uses: 0,
        }
    }

    /// Looks a tile up at time `at`, for a load that waits if it is not there.
    pub(super) fn find(&mut self, key: Key, bytes: u64, at: Ps, waiting: Waiting) -> Found {
        self.uses += 1;
        let used = self.uses;
        if let Some(held) = self.held.get_mut(&key) {
            held.used = used;
            return match held.here {
                Some(_) if self.multicast && held.sent > at => Found::Sent(held.sent),
                Some(here) => Found::Here(here),
                None => {
                    held.waiting.push(waiting);
                    Found::Coming
                }
            };
        }
        self.make_room(bytes);
        self.bytes += bytes;
        let held = Held {
            bytes,
            used,
            here: None,
            sent: Ps::ZERO,
            waiting: vec![waiting],
        };
        self.held.insert(key, held);
        Found::Nothing
    }

    /// A tile has come; returns the loads that waited for it.
    pub(super) fn come(&mut self, key: Key, at: Ps) -> Vec<Waiting> {
        self.held.get_mut(&key).map_or_else(Vec::new, |held| {
            held.here = Some(at);
            std::mem::take(&mut held.waiting)
        })
    }

    /// A tile is on its way to a core until `until`; returns whether it went with one before.
    pub(super) fn send(&mut self, key: Key, until: Ps) {
        if let Some(held) = self.held.get_mut(&key) {
            held.sent = held.sent.max(until);
        }
    }

    fn make_room(&mut self, bytes: u64) {
        while self.bytes + bytes > self.capacity {
            let here = self.held.iter().filter(|(_, held)| held.here.is_some());
            let Some((&key, held)) = here.min_by_key(|(_, held)| held.used) else {
                return;
            };
            self.bytes -= held.bytes;
            self.held.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_tile_gives_way() {
        let mut contents = Contents::new(20, false);
        let find =
            |contents: &mut Contents, tile| contents.find((0, tile, 0), 10, Ps(0), (0, 0, 0, 10));
        for tile in [1, 2] {
            assert_eq!(find(&mut contents, tile), Found::Nothing);
            assert_eq!(contents.come((0, tile, 0), Ps(5)).len(), 1);
        }
        assert_eq!(find(&mut contents, 1), Found::Here(Ps(5)));
        assert_eq!(find(&mut contents, 3), Found::Nothing);
        assert_eq!(find(&mut contents, 3), Found::Coming);
        assert_eq!(find(&mut contents, 1), Found::Here(Ps(5)));
        assert_eq!(find(&mut contents, 2), Found::Nothing);
    }
}
