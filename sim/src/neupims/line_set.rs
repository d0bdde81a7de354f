//! The set in which the artifact collects the lines of a transfer, for the order in which it gives
//! them back. The recorded runs have that of `std::unordered_set` of libstdc++: one list through all
//! entries, those of a bucket next to each other; an entry of an empty bucket goes to the head of
//! the list, another behind the entry before its bucket. So the order is backwards, mostly.

/// No entry.
const NONE: u32 = u32::MAX;
/// The place before the first entry.
const HEAD: u32 = u32::MAX - 1;

/// Bucket counts as the set grows: at each growth the first prime of libstdc++'s list that is at
/// least twice the last one.
const BUCKETS: [usize; 14] = [
    13, 29, 59, 127, 257, 541, 1109, 2357, 5087, 10_273, 20_753, 42_043, 85_229, 172_933,
];

/// Lines, by address.
#[derive(Debug)]
pub(super) struct LineSet {
    keys: Vec<u64>,
    /// Next entry of each entry.
    next: Vec<u32>,
    first: u32,
    /// Entry before the first one of each bucket.
    before: Vec<u32>,
    /// How often it has grown.
    growths: usize,
}

impl LineSet {
    pub(super) fn new() -> LineSet {
        LineSet {
            keys: Vec::new(),
            next: Vec::new(),
            first: NONE,
            before: Vec::new(),
            growths: 0,
        }
    }

    /// As a set just made.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.next.clear();
        self.first = NONE;
        self.before.clear();
        self.growths = 0;
    }

    /// Lines in the order in which the set gives them.
    pub(super) fn lines(&self) -> impl Iterator<Item = u64> {
        let mut entry = self.first;
        std::iter::from_fn(move || {
            let key = *self.keys.get(entry as usize)?;
            entry = self.next[entry as usize];
            Some(key)
        })
    }

    pub(super) fn insert(&mut self, key: u64) {
        if !self.before.is_empty() && self.contains(key) {
            return;
        }
        // One entry a bucket, on average.
        if self.keys.len() == self.before.len() {
            self.grow();
        }
        let entry = self.keys.len() as u32;
        self.keys.push(key);
        self.next.push(NONE);
        self.link(entry);
    }

    /// The hash is the key itself.
    fn bucket(&self, key: u64) -> usize {
        (key % self.before.len() as u64) as usize
    }

    fn bucket_of(&self, entry: u32) -> usize {
        self.bucket(self.keys[entry as usize])
    }

    fn after(&mut self, entry: u32) -> &mut u32 {
        match entry {
            HEAD => &mut self.first,
            entry => &mut self.next[entry as usize],
        }
    }

    fn contains(&mut self, key: u64) -> bool {
        let bucket = self.bucket(key);
        let mut before = self.before[bucket];
        if before == NONE {
            return false;
        }
        loop {
            let entry = *self.after(before);
            if entry == NONE || self.bucket_of(entry) != bucket {
                return false;
            }
            if self.keys[entry as usize] == key {
                return true;
            }
            before = entry;
        }
    }

    /// Puts an entry at the beginning of its bucket.
    fn link(&mut self, entry: u32) {
        let bucket = self.bucket_of(entry);
        let before = self.before[bucket];
        if before == NONE {
            let next = std::mem::replace(&mut self.first, entry);
            self.next[entry as usize] = next;
            if next != NONE {
                let behind = self.bucket_of(next);
                self.before[behind] = entry;
            }
            self.before[bucket] = HEAD;
        } else {
            let next = std::mem::replace(self.after(before), entry);
            self.next[entry as usize] = next;
        }
    }

    /// More buckets: the entries are put in anew, in the order of the list.
    fn grow(&mut self) {
        let last = BUCKETS.len() - 1;
        let buckets = BUCKETS[self.growths.min(last)] << self.growths.saturating_sub(last);
        self.growths += 1;
        let mut entry = std::mem::replace(&mut self.first, NONE);
        self.before.clear();
        self.before.resize(buckets, NONE);
        while entry != NONE {
            let next = self.next[entry as usize];
            self.link(entry);
            entry = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Forty pseudo-random lines, in the order in which a program built with libstdc++ printed them:
    /// two growths, and buckets of several entries.
    #[test]
    fn the_order_is_that_of_libstdcxx() {
        let mut set = LineSet::new();
        let mut state = 1u64;
        for _ in 0..40 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            set.insert((state >> 50) << 6);
        }
        let printed = [
            285, 3009, 13110, 4067, 8837, 8965, 5255, 10490, 4640, 14547, 8777, 12218, 1071, 9075,
            8200, 6272, 3251, 8346, 3329, 13758, 6343, 6933, 3990, 9007, 5008, 13032, 6955, 9374,
            14186, 12839, 10184, 10622, 5194, 16050, 9661, 12286, 899, 10201, 12915, 15806,
        ];
        let given: Vec<u64> = set.lines().map(|line| line >> 6).collect();
        assert_eq!(given, printed);
    }

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
}
