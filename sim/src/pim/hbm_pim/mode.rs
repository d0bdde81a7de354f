//! The modes of HBM-PIM and what leads from one to another: not commands of their own, but rows that
//! are opened and closed, and a register.
#![deny(clippy::float_arithmetic)]

use super::access::{ENTER_ALL_BANK, LEAVE_ALL_BANK, MODE_COLUMN};

/// Mode of the first rank of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// An ordinary DRAM (SB).
    SingleBank,
    /// A command acts on all banks of one side (HAB).
    AllBank,
    /// Moreover, a column command drives the program (HAB-PIM).
    Pim,
}

/// The mode, and how far the way to the next one has been gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ModeLatch {
    mode: Mode,
    /// Banks whose opened mode row leads to all-bank mode.
    entries: [usize; 4],
    opened: u8,
    closed: u8,
}

impl ModeLatch {
    /// Single-bank mode of a rank of `banks` banks: the mode row is to be opened in the first two
    /// banks of each half.
    pub fn new(banks: usize) -> ModeLatch {
        let half = banks / 2;
        ModeLatch {
            mode: Mode::SingleBank,
            entries: [0, 1, half, half + 1],
            opened: 0,
            closed: 0,
        }
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Banks in which the mode row is to be opened.
    pub fn entries(&self) -> [usize; 4] {
        self.entries
    }

    /// A row was opened for an access to `column`.
    pub fn activated(&mut self, bank: usize, row: u32, column: u16) {
        if self.mode != Mode::SingleBank || row != ENTER_ALL_BANK || column != MODE_COLUMN {
            return;
        }
        if let Some(index) = self.entries.iter().position(|&entry| entry == bank) {
            self.opened |= 1 << index;
        }
        if self.opened == 0b1111 {
            self.opened = 0;
            self.mode = Mode::AllBank;
        }
    }

    /// A row was closed.
    pub fn precharged(&mut self, bank: usize, row: u32) {
        if self.mode != Mode::AllBank || row != LEAVE_ALL_BANK {
            return;
        }
        if bank < 2 {
            self.closed |= 1 << bank;
        }
        if self.closed == 0b11 {
            self.closed = 0;
            self.mode = Mode::SingleBank;
        }
    }

    /// The control register was written.
    pub fn control(&mut self, pim: bool) {
        if self.mode != Mode::SingleBank {
            self.mode = if pim { Mode::Pim } else { Mode::AllBank };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_openings_lead_to_all_bank_mode_and_two_closings_back() {
        let mut latch = ModeLatch::new(16);
        for bank in [0, 1, 8] {
            latch.activated(bank, ENTER_ALL_BANK, MODE_COLUMN);
            // Neither another row nor another column counts.
            latch.activated(9, ENTER_ALL_BANK, 0);
            latch.activated(9, LEAVE_ALL_BANK, MODE_COLUMN);
            assert_eq!(latch.mode(), Mode::SingleBank);
        }
        latch.control(true);
        assert_eq!(latch.mode(), Mode::SingleBank);
        latch.activated(9, ENTER_ALL_BANK, MODE_COLUMN);
        assert_eq!(latch.mode(), Mode::AllBank);
        latch.control(true);
        latch.precharged(0, LEAVE_ALL_BANK);
        latch.precharged(1, LEAVE_ALL_BANK);
        assert_eq!(latch.mode(), Mode::Pim);
        latch.control(false);
        latch.precharged(0, LEAVE_ALL_BANK);
        assert_eq!(latch.mode(), Mode::AllBank);
        latch.precharged(1, LEAVE_ALL_BANK);
        assert_eq!(latch.mode(), Mode::SingleBank);
    }
}
