//! What a shared scratchpad holds: tiles of operands, the least recently used of which give way.

use crate::time::Ps;

/// An operand tile: 0 for activations or 1 for weights, and its number.
pub(super) type Key = (usize, usize);

/// A load that waits for its tile: core, step, block.
pub(super) type Waiting = (usize, usize, usize);

const NONE: usize = usize::MAX;

#[derive(Debug, Clone, Default)]
struct Tile {
    /// Bytes it takes; 0 if it is not held.
    bytes: u64,
    /// When it was there; `None` while it is on its way.
    here: Option<Ps>,
    /// End of the last transfer of it to a core.
    sent: Ps,
    waiting: Vec<Waiting>,
    /// Neighbours among those held, by last use.
    older: usize,
    newer: usize,
}

/// Contents.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    capacity: u64,
    multicast: bool,
    /// Tiles of activations, then those of weights.
    tiles: Vec<Tile>,
    weights: usize,
    bytes: u64,
    oldest: usize,
    newest: usize,
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
    /// Nothing yet, of so many tiles of each operand.
    pub(super) fn new(capacity: u64, multicast: bool, tiles: [u64; 2]) -> Contents {
        let weights = tiles[0] as usize;
        Contents {
            capacity,
            multicast,
            tiles: vec![Tile::default(); weights + tiles[1] as usize],
            weights,
            bytes: 0,
            oldest: NONE,
            newest: NONE,
        }
    }

    fn index(&self, (operand, tile): Key) -> usize {
        operand * self.weights + tile
    }

    /// Looks a tile up at time `at`, for a load that waits if it is not there.
    pub(super) fn find(&mut self, key: Key, bytes: u64, at: Ps, waiting: Waiting) -> Found {
        let index = self.index(key);
        if self.tiles[index].bytes > 0 {
            self.unlink(index);
            self.link(index);
            let tile = &mut self.tiles[index];
            return match tile.here {
                Some(_) if self.multicast && tile.sent > at => Found::Sent(tile.sent),
                Some(here) => Found::Here(here),
                None => {
                    tile.waiting.push(waiting);
                    Found::Coming
                }
            };
        }
        self.make_room(bytes);
        self.bytes += bytes;
        self.link(index);
        let tile = &mut self.tiles[index];
        tile.bytes = bytes;
        tile.here = None;
        tile.sent = Ps::ZERO;
        tile.waiting.push(waiting);
        Found::Nothing
    }

    /// A tile has come; returns the loads that waited for it.
    pub(super) fn come(&mut self, key: Key, at: Ps) -> Vec<Waiting> {
        let index = self.index(key);
        let tile = &mut self.tiles[index];
        tile.here = Some(at);
        std::mem::take(&mut tile.waiting)
    }

    /// A tile is on its way to a core until `until`.
    pub(super) fn send(&mut self, key: Key, until: Ps) {
        let index = self.index(key);
        let tile = &mut self.tiles[index];
        tile.sent = tile.sent.max(until);
    }

    /// What is on its way stays, also where that is more than there is room for.
    fn make_room(&mut self, bytes: u64) {
        let mut next = self.oldest;
        while self.bytes + bytes > self.capacity && next != NONE {
            let index = next;
            next = self.tiles[index].newer;
            if self.tiles[index].here.is_some() {
                self.unlink(index);
                self.bytes -= self.tiles[index].bytes;
                self.tiles[index].bytes = 0;
            }
        }
    }

    fn link(&mut self, index: usize) {
        self.tiles[index].older = self.newest;
        self.tiles[index].newer = NONE;
        match self.newest {
            NONE => self.oldest = index,
            newest => self.tiles[newest].newer = index,
        }
        self.newest = index;
    }

    fn unlink(&mut self, index: usize) {
        let (older, newer) = (self.tiles[index].older, self.tiles[index].newer);
        match older {
            NONE => self.oldest = newer,
            older => self.tiles[older].newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.tiles[newer].older = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_tile_gives_way() {
        let mut contents = Contents::new(20, false, [4, 1]);
        let find = |contents: &mut Contents, tile| contents.find((0, tile), 10, Ps(0), (0, 0, 0));
        for tile in [1, 2] {
            assert_eq!(find(&mut contents, tile), Found::Nothing);
            assert_eq!(contents.come((0, tile), Ps(5)).len(), 1);
        }
        assert_eq!(find(&mut contents, 1), Found::Here(Ps(5)));
        assert_eq!(find(&mut contents, 3), Found::Nothing);
        assert_eq!(find(&mut contents, 3), Found::Coming);
        assert_eq!(find(&mut contents, 1), Found::Here(Ps(5)));
        // Tile 3 is on its way and stays, so that 1 gives way to 2.
        assert_eq!(find(&mut contents, 2), Found::Nothing);
        assert_eq!(find(&mut contents, 1), Found::Nothing);
    }

    #[test]
    fn a_tile_on_its_way_to_one_core_goes_to_all() {
        let mut contents = Contents::new(20, true, [1, 1]);
        let key = (1, 0);
        assert_eq!(contents.find(key, 10, Ps(0), (0, 0, 0)), Found::Nothing);
        contents.come(key, Ps(10));
        contents.send(key, Ps(30));
        assert_eq!(
            contents.find(key, 10, Ps(20), (1, 0, 0)),
            Found::Sent(Ps(30))
        );
        assert_eq!(
            contents.find(key, 10, Ps(40), (1, 0, 0)),
            Found::Here(Ps(10))
        );
    }
}
