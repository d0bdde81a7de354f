//! The set in which the artifact collects the lines of a transfer, for the order in which it gives
//! them back: `robin_hood::unordered_set` of 3.11, a table with linear probing in which entries far
//! from home displace those nearer to theirs. The order depends on hash, growth and displacement.

/// Slots of the first table.
const FIRST_SLOTS: usize = 8;
/// Low bits of the hash that are kept beside the distance from home.
const HASH_BITS: u32 = 5;

/// Lines, by address.
#[derive(Debug)]
pub(super) struct LineSet {
    keys: Vec<u64>,
    /// 0 for an empty slot; else distance from home plus one, times `step`, plus hash bits.
    marks: Vec<u8>,
    count: usize,
    /// Home slots minus one; 0 before the first insertion.
    mask: usize,
    /// Entries before the table has to change.
    allowed: usize,
    /// A distance of one in a mark.
    step: u32,
    /// Hash bits given up for longer distances.
    lost: u32,
    multiplier: u64,
}

impl LineSet {
    pub(super) fn new() -> LineSet {
        let mut set = LineSet {
            keys: Vec::new(),
            marks: Vec::new(),
            count: 0,
            mask: 0,
            allowed: 0,
            step: 0,
            lost: 0,
            multiplier: 0,
        };
        set.clear();
        set
    }

    /// As a set just made.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.keys.resize(2, 0);
        self.marks.clear();
        self.marks.resize(2, 0);
        self.count = 0;
        self.mask = 0;
        self.allowed = 0;
        self.step = 1 << HASH_BITS;
        self.lost = 0;
        self.multiplier = 0xc4ce_b9fe_1a85_ec53;
    }

    /// Lines in the order in which the set gives them.
    pub(super) fn lines(&self) -> impl Iterator<Item = u64> {
        let taken = self.keys.iter().zip(&self.marks);
        taken.filter(|(_, mark)| **mark != 0).map(|(key, _)| *key)
    }

    pub(super) fn insert(&mut self, key: u64) {
        loop {
            let (mut slot, mut mark) = self.home(key);
            while mark < self.mark(slot) {
                slot += 1;
                mark += self.step;
            }
            while mark == self.mark(slot) {
                if self.keys[slot] == key {
                    return;
                }
                slot += 1;
                mark += self.step;
            }
            if self.count < self.allowed {
                self.put(slot, mark, key);
                return;
            }
            self.grow();
        }
    }

    fn mark(&self, slot: usize) -> u32 {
        u32::from(self.marks[slot])
    }

    /// Finalizer of MurmurHash 3, its last multiplication being the table's own.
    fn home(&self, key: u64) -> (usize, u32) {
        let mut hash = key ^ (key >> 33);
        hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^= hash >> 33;
        hash = hash.wrapping_mul(self.multiplier);
        hash ^= hash >> 33;
        let kept = (hash as u32 & ((1 << HASH_BITS) - 1)) >> self.lost;
        ((hash >> HASH_BITS) as usize & self.mask, self.step + kept)
    }

    /// Enters a key that is not there: whatever follows up to the next gap moves on by one.
    fn put(&mut self, slot: usize, mark: u32, key: u64) {
        let mut gap = slot;
        while self.marks[gap] != 0 {
            gap += 1;
        }
        let mut longest = mark;
        for to in (slot + 1..=gap).rev() {
            let moved = self.mark(to - 1) + self.step;
            longest = longest.max(moved);
            self.marks[to] = moved as u8;
            self.keys[to] = self.keys[to - 1];
        }
        if longest + self.step > 0xff {
            // The next distance would not fit: change the table at the next insertion.
            self.allowed = 0;
        }
        self.marks[slot] = mark as u8;
        self.keys[slot] = key;
        self.count += 1;
    }

    /// Four entries in five slots.
    fn most(&self) -> usize {
        (self.mask + 1) * 80 / 100
    }

    fn grow(&mut self) {
        if self.mask == 0 {
            self.start(FIRST_SLOTS);
        } else if self.count < self.most() && self.lengthen() {
        } else if self.count * 2 < self.most() {
            self.multiplier = self.multiplier.wrapping_add(0xc4ce_b9fe_1a85_ec54);
            self.rehash(self.mask + 1);
        } else {
            self.rehash(2 * (self.mask + 1));
        }
    }

    /// Gives a bit of the hash up for the distance.
    fn lengthen(&mut self) -> bool {
        if self.step <= 2 {
            return false;
        }
        self.step /= 2;
        self.lost += 1;
        self.marks.iter_mut().for_each(|mark| *mark /= 2);
        self.allowed = self.most();
        true
    }

    fn start(&mut self, slots: usize) {
        self.count = 0;
        self.mask = slots - 1;
        self.allowed = self.most();
        self.step = 1 << HASH_BITS;
        self.lost = 0;
        // Entries beyond the last home slot do not wrap around.
        let all = slots + self.allowed.min(0xff) + 1;
        self.keys.clear();
        self.keys.resize(all, 0);
        self.marks.clear();
        self.marks.resize(all, 0);
    }

    fn rehash(&mut self, slots: usize) {
        let old: Vec<u64> = self.lines().collect();
        self.start(slots);
        for key in old {
            if self.allowed == 0 {
                self.lengthen();
            }
            let (mut slot, mut mark) = self.home(key);
            while mark <= self.mark(slot) {
                slot += 1;
                mark += self.step;
            }
            self.put(slot, mark, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Whatever the order, it is a set, and the same for the same insertions.
        #[test]
        fn every_line_comes_back_once(lines in proptest::collection::vec(0u64..4096, 0..1500)) {
            let (mut set, mut again) = (LineSet::new(), LineSet::new());
            for line in &lines {
                set.insert(line << 6);
                again.insert(line << 6);
                again.insert(line << 6);
            }
            let given: Vec<u64> = set.lines().collect();
            prop_assert_eq!(&given, &again.lines().collect::<Vec<_>>());
            let wanted: BTreeSet<u64> = lines.iter().map(|line| line << 6).collect();
            prop_assert_eq!(given.len(), wanted.len());
            prop_assert_eq!(given.into_iter().collect::<BTreeSet<_>>(), wanted);
            set.clear();
            prop_assert_eq!(set.lines().count(), 0);
        }
    }

    #[test]
    fn the_order_is_not_ascending() {
        let mut set = LineSet::new();
        (0..513).for_each(|line| set.insert(line << 6));
        assert!(!set.lines().is_sorted());
    }
}
