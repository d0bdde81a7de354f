//! Which row each bank holds open, in its normal and its PIM row buffer, with bit masks of the
//! open banks so that "close what is open" never scans.
#![deny(clippy::float_arithmetic)]

/// Open rows of a channel. At most 64 banks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    host: Vec<u32>,
    pim: Vec<u32>,
    /// Banks whose normal row buffer is open.
    pub host_open: u64,
    /// Banks whose PIM row buffer is open.
    pub pim_open: u64,
}

impl Rows {
    pub(super) fn new(banks: usize) -> Rows {
        Rows {
            host: vec![0; banks],
            pim: vec![0; banks],
            host_open: 0,
            pim_open: 0,
        }
    }

    /// Row in the normal row buffer of a bank.
    pub fn host(&self, bank: usize) -> Option<u32> {
        (self.host_open >> bank & 1 == 1).then(|| self.host[bank])
    }

    /// Row in the PIM row buffer of a bank.
    pub fn pim(&self, bank: usize) -> Option<u32> {
        (self.pim_open >> bank & 1 == 1).then(|| self.pim[bank])
    }

    pub(crate) fn open_host(&mut self, bank: usize, row: u32) {
        self.host[bank] = row;
        self.host_open |= 1 << bank;
    }

    pub(crate) fn close_host(&mut self, bank: usize) {
        self.host_open &= !(1 << bank);
        // Closed rows compare equal whatever they held.
        self.host[bank] = 0;
    }

    pub(crate) fn open_pim(&mut self, bank: usize, row: u32) {
        self.pim[bank] = row;
        self.pim_open |= 1 << bank;
    }

    pub(crate) fn close_pim(&mut self, bank: usize) {
        self.pim_open &= !(1 << bank);
        self.pim[bank] = 0;
    }
}

/// Indices of the set bits of a bank mask, ascending.
pub(crate) fn bits(mask: u64) -> impl Iterator<Item = usize> {
    std::iter::successors((mask != 0).then_some(mask), |&rest| {
        let rest = rest & (rest - 1);
        (rest != 0).then_some(rest)
    })
    .map(|rest| rest.trailing_zeros() as usize)
}
