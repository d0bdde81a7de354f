//! Sets of banks of a channel.

/// Most banks of a channel: HBM4 has 2 pseudo-channels of 4 stack IDs of 16 banks.
pub(super) const MOST_BANKS: usize = 128;

/// A set of banks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Banks(u128);

impl Banks {
    #[inline]
    pub(super) fn insert(&mut self, bank: usize) {
        self.0 |= 1 << bank;
    }

    #[inline]
    pub(super) fn remove(&mut self, bank: usize) {
        self.0 &= !(1 << bank);
    }

    #[inline]
    pub(super) fn set(&mut self, bank: usize, member: bool) {
        self.0 = self.0 & !(1 << bank) | u128::from(member) << bank;
    }

    #[inline]
    pub(super) fn has(self, bank: usize) -> bool {
        self.0 >> bank & 1 == 1
    }

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(super) fn first(self) -> usize {
        self.0.trailing_zeros() as usize
    }

    #[inline]
    pub(super) fn and(self, other: Banks) -> Banks {
        Banks(self.0 & other.0)
    }

    #[inline]
    pub(super) fn without(self, other: Banks) -> Banks {
        Banks(self.0 & !other.0)
    }

    /// Members, ascending.
    #[inline]
    pub(super) fn iter(self) -> Iter {
        Iter {
            low: self.0 as u64,
            high: (self.0 >> 64) as u64,
        }
    }
}

impl FromIterator<usize> for Banks {
    fn from_iter<I: IntoIterator<Item = usize>>(banks: I) -> Banks {
        let mut set = Banks::default();
        for bank in banks {
            set.insert(bank);
        }
        set
    }
}

/// Goes through a set, one machine word after the other.
pub(super) struct Iter {
    low: u64,
    high: u64,
}

impl Iterator for Iter {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.low != 0 {
            let bank = self.low.trailing_zeros() as usize;
            self.low &= self.low - 1;
            return Some(bank);
        }
        if self.high != 0 {
            let bank = 64 + self.high.trailing_zeros() as usize;
            self.high &= self.high - 1;
            return Some(bank);
        }
        None
    }
}
