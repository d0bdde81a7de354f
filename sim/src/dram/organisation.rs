//! Shape of a memory system and its address mapping: from a byte range of the linear address space
//! to slots (bursts) of each channel, and from a slot to rank, bank group, bank, row and column.

use super::gates::Place;

/// A digit of the address mapping, most significant first in the mapping string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digit {
    /// `ro`
    Row,
    /// `ra`
    Rank,
    /// `pc`
    PseudoChannel,
    /// `bg`
    BankGroup,
    /// `ba`
    Bank,
    /// `ch`
    Channel,
    /// `co`
    Column,
}

impl Digit {
    /// The two letters of DRAMsim3's mapping strings.
    pub const NAMES: [(&'static str, Digit); 7] = [
        ("ro", Digit::Row),
        ("ra", Digit::Rank),
        ("pc", Digit::PseudoChannel),
        ("bg", Digit::BankGroup),
        ("ba", Digit::Bank),
        ("ch", Digit::Channel),
        ("co", Digit::Column),
    ];
}

/// One digit hashed with bits of the row, so that rows apart by a power of two meet different banks:
/// `digit` becomes `digit ^ (row >> shift)`, cut to the digit's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fold {
    /// The digit that changes; its size is a power of two.
    pub digit: Digit,
    /// Row bits passed over.
    pub shift: u32,
}

/// Sizes of a memory system whose channels are alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Organisation {
    /// Independent channels.
    pub channels: usize,
    /// Pseudo-channels of a channel: each has data pins of its own, all share one command bus.
    pub pseudo_channels: usize,
    /// Ranks, or stack IDs of an HBM stack, of a pseudo-channel.
    pub ranks: usize,
    /// Bank groups of a rank.
    pub bank_groups: usize,
    /// Banks of a bank group.
    pub banks_per_group: usize,
    /// Rows of a bank.
    pub rows: u64,
    /// Bytes of a row (page) of one bank.
    pub row_bytes: u64,
    /// Bytes of one burst: the unit of transfer and of slot numbers.
    pub burst_bytes: u64,
    /// Address digits, most significant first; every digit once.
    pub mapping: [Digit; 7],
    /// Hashing of digits with row bits; every digit at most once, never row, column or channel.
    pub xor: Vec<Fold>,
}

/// Where a slot of a channel lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Bank index within the channel.
    pub bank: usize,
    /// Row of the bank.
    pub row: u32,
    /// Burst within the row.
    pub column: u64,
}

impl Organisation {
    /// Ranks of all pseudo-channels of a channel: the units that have their own bank groups.
    /// Numbered rank first, pseudo-channel in the low digit.
    pub fn units(&self) -> usize {
        self.ranks * self.pseudo_channels
    }

    /// Banks of a channel.
    pub fn banks(&self) -> usize {
        self.units() * self.groups_per_rank_banks()
    }

    fn groups_per_rank_banks(&self) -> usize {
        self.bank_groups * self.banks_per_group
    }

    /// Bank groups of a channel.
    pub fn groups(&self) -> usize {
        self.units() * self.bank_groups
    }

    /// Bursts of a row.
    pub fn columns(&self) -> u64 {
        self.row_bytes / self.burst_bytes
    }

    /// Bytes of the whole system.
    pub fn capacity_bytes(&self) -> u64 {
        self.channels as u64 * self.banks() as u64 * self.rows * self.row_bytes
    }

    /// Where a bank index lies; it counts bank, then group, then pseudo-channel, then rank.
    pub fn place(&self, bank: usize) -> Place {
        let rank = bank / self.groups_per_rank_banks();
        Place {
            bank,
            group: bank / self.banks_per_group,
            rank,
            pseudo_channel: rank % self.pseudo_channels,
        }
    }

    fn radix(&self, digit: Digit) -> u64 {
        match digit {
            Digit::Row => self.rows,
            Digit::Rank => self.ranks as u64,
            Digit::PseudoChannel => self.pseudo_channels as u64,
            Digit::BankGroup => self.bank_groups as u64,
            Digit::Bank => self.banks_per_group as u64,
            Digit::Channel => self.channels as u64,
            Digit::Column => self.columns(),
        }
    }

    /// Location of a slot of one channel; slots wrap at the channel's capacity.
    pub fn locate(&self, slot: u64) -> Location {
        let (mut rest, mut row, mut column) = (slot, 0, 0);
        let (mut rank, mut pseudo, mut group, mut bank) = (0, 0, 0, 0);
        for &digit in self.mapping.iter().rev() {
            if digit == Digit::Channel {
                continue;
            }
            let radix = self.radix(digit);
            let value = rest % radix;
            rest /= radix;
            match digit {
                Digit::Row => row = value,
                Digit::Rank => rank = value,
                Digit::PseudoChannel => pseudo = value,
                Digit::BankGroup => group = value,
                Digit::Bank => bank = value,
                Digit::Column => column = value,
                Digit::Channel => {}
            }
        }
        if !self.xor.is_empty() {
            rank = self.folded(Digit::Rank, rank, row);
            pseudo = self.folded(Digit::PseudoChannel, pseudo, row);
            group = self.folded(Digit::BankGroup, group, row);
            bank = self.folded(Digit::Bank, bank, row);
        }
        let unit = rank as usize * self.pseudo_channels + pseudo as usize;
        let bank =
            (unit * self.bank_groups + group as usize) * self.banks_per_group + bank as usize;
        Location {
            bank,
            row: row as u32,
            column,
        }
    }

    /// Bursts from `location` on that are consecutive slots of one row, in a mapping whose lowest
    /// digit within a channel is the column; else the next slot is another bank's.
    pub fn run_in_row(&self, location: Location) -> u64 {
        // The usual mappings first: this is asked for every run.
        let in_row = match self.mapping {
            [.., Digit::Column] | [.., Digit::Column, Digit::Channel] => true,
            _ => {
                let mut digits = self.mapping.iter().rev();
                let lowest =
                    digits.find(|&&digit| digit != Digit::Channel && self.radix(digit) > 1);
                lowest == Some(&Digit::Column)
            }
        };
        if in_row {
            self.columns() - location.column
        } else {
            1
        }
    }

    /// A digit's value after hashing; its own inverse.
    fn folded(&self, digit: Digit, value: u64, row: u64) -> u64 {
        self.xor
            .iter()
            .filter(|fold| fold.digit == digit)
            .fold(value, |value, fold| {
                value ^ (row >> fold.shift & (self.radix(digit) - 1))
            })
    }

    /// Slot of the first column of a row of a bank.
    pub fn slot_of(&self, bank: usize, row: u32) -> u64 {
        self.slot_at(bank, row, 0)
    }

    /// Slot of a column of a row of a bank; the inverse of `locate`.
    pub fn slot_at(&self, bank: usize, row: u32, column: u64) -> u64 {
        let place = self.place(bank);
        let mut slot = 0;
        for &digit in &self.mapping {
            let value = match digit {
                Digit::Channel => continue,
                Digit::Row => u64::from(row),
                Digit::Rank => (place.rank / self.pseudo_channels) as u64,
                Digit::PseudoChannel => place.pseudo_channel as u64,
                Digit::BankGroup => (place.group % self.bank_groups) as u64,
                Digit::Bank => (bank % self.banks_per_group) as u64,
                Digit::Column => column,
            };
            let value = if self.xor.is_empty() {
                value
            } else {
                self.folded(digit, value, u64::from(row))
            };
            slot = slot * self.radix(digit) + value;
        }
        slot
    }

    /// Consecutive bursts that stay in one channel before the next channel's turn.
    pub fn interleave_bursts(&self) -> u64 {
        self.mapping
            .iter()
            .rev()
            .take_while(|&&digit| digit != Digit::Channel)
            .map(|&digit| self.radix(digit))
            .product()
    }

    /// Bytes after which the same channel has had one turn each: tensors aligned to it load all
    /// channels alike.
    pub fn stripe_bytes(&self) -> u64 {
        self.interleave_bursts() * self.channels as u64 * self.burst_bytes
    }

    /// Slots of `channel` that lie wholly below byte address `end`; a partial burst counts.
    pub fn slots_below(&self, channel: usize, end: u64) -> u64 {
        let bursts = end.div_ceil(self.burst_bytes);
        let granule = self.interleave_bursts();
        let turn = granule * self.channels as u64;
        let whole = bursts / turn * granule;
        let rest = (bursts % turn).saturating_sub(channel as u64 * granule);
        whole + rest.min(granule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn hbm2() -> Organisation {
        use Digit::{Bank, BankGroup, Channel, Column, PseudoChannel, Rank, Row};
        Organisation {
            channels: 32,
            pseudo_channels: 1,
            ranks: 2,
            bank_groups: 4,
            banks_per_group: 4,
            rows: 32768,
            row_bytes: 1024,
            burst_bytes: 64,
            mapping: [Row, Rank, PseudoChannel, BankGroup, Bank, Channel, Column],
            xor: Vec::new(),
        }
    }

    #[test]
    fn hashed_rows_meet_other_banks_and_the_inverse_holds() {
        let mut organisation = hbm2();
        organisation.xor = vec![
            Fold {
                digit: Digit::Bank,
                shift: 0,
            },
            Fold {
                digit: Digit::BankGroup,
                shift: 2,
            },
        ];
        assert_eq!(organisation.locate(organisation.slot_at(0, 6, 3)).bank, 0);
        let plain = hbm2().slot_at(0, 6, 3);
        assert_eq!(organisation.locate(plain).bank, 6);
    }

    #[test]
    fn sizes_follow() {
        let organisation = hbm2();
        assert_eq!(organisation.capacity_bytes(), 32 << 30);
        assert_eq!(organisation.stripe_bytes(), 32 << 10);
        assert_eq!(organisation.interleave_bursts(), 16);
    }

    #[test]
    fn a_row_is_sixteen_slots_and_then_the_next_bank() {
        let organisation = hbm2();
        let at = |slot| {
            let l = organisation.locate(slot);
            (l.bank, l.row, l.column)
        };
        assert_eq!(at(15), (0, 0, 15));
        assert_eq!(at(16), (1, 0, 0));
        assert_eq!(at(16 * 16), (16, 0, 0));
        assert_eq!(at(16 * 32 + 3), (0, 1, 3));
    }

    proptest! {
        #[test]
        fn slots_of_all_channels_add_up(end in 0u64..1 << 34) {
            let organisation = hbm2();
            let sum: u64 = (0..32).map(|c| organisation.slots_below(c, end)).sum();
            prop_assert_eq!(sum, end.div_ceil(64));
        }

        #[test]
        fn slot_of_inverts_locate(bank in 0usize..32, row in 0u32..32768) {
            let organisation = hbm2();
            let location = organisation.locate(organisation.slot_of(bank, row));
            prop_assert_eq!((location.bank, location.row, location.column), (bank, row, 0));
        }
    }
}
