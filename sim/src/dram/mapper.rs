//! Slots to banks, rows and columns with shifts where every size is a power of two, as nearly every
//! part has it; divisions are the dearest step of accepting a request.

use super::organisation::{Digit, Location, Organisation};

/// `(slot >> shift & mask) << place`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Field {
    shift: u32,
    mask: u64,
    place: u32,
}

impl Field {
    #[inline]
    fn of(self, slot: u64) -> u64 {
        (slot >> self.shift & self.mask) << self.place
    }
}

/// The mapping of an organisation, compiled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapper {
    organisation: Organisation,
    powers: bool,
    row: Field,
    column: Field,
    /// Parts of the bank index; unused ones give zero.
    bank: [Field; 4],
}

impl Mapper {
    /// Compiles the mapping of `organisation`.
    pub fn new(organisation: &Organisation) -> Mapper {
        let o = organisation;
        let banks = o.banks_per_group as u64;
        let groups = banks * o.bank_groups as u64;
        let pseudo = groups * o.pseudo_channels as u64;
        let mut mapper = Mapper {
            organisation: o.clone(),
            // Folded banks are left to the organisation.
            powers: o.xor.is_empty(),
            row: Field::default(),
            column: Field::default(),
            bank: [Field::default(); 4],
        };
        let mut shift = 0;
        for &digit in o.mapping.iter().rev() {
            let (size, place, index) = match digit {
                Digit::Channel => continue,
                Digit::Row => (o.rows, 1, 0),
                Digit::Column => (o.columns(), 1, 0),
                Digit::Bank => (banks, 1, 0),
                Digit::BankGroup => (o.bank_groups as u64, banks, 1),
                Digit::PseudoChannel => (o.pseudo_channels as u64, groups, 2),
                Digit::Rank => (o.ranks as u64, pseudo, 3),
            };
            mapper.powers &= size.is_power_of_two();
            let field = Field {
                shift,
                mask: size.wrapping_sub(1),
                place: place.trailing_zeros(),
            };
            match digit {
                Digit::Row => mapper.row = field,
                Digit::Column => mapper.column = field,
                _ => mapper.bank[index] = field,
            }
            shift += size.trailing_zeros();
        }
        // The row digit may be the topmost of a mapping that fills 64 bits; a shift may not be more.
        // Hashed digits are not fields of the slot.
        mapper.powers &= shift < u64::BITS && o.xor.is_empty();
        mapper
    }

    /// What it was compiled from.
    pub fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// As [`Organisation::slot_at`].
    pub fn slot(&self, bank: usize, row: u32, column: u64) -> u64 {
        self.organisation.slot_at(bank, row, column)
    }

    /// As [`Organisation::locate`].
    #[inline]
    pub fn locate(&self, slot: u64) -> Location {
        if !self.powers {
            return self.organisation.locate(slot);
        }
        let [a, b, c, d] = self.bank;
        Location {
            bank: (a.of(slot) | b.of(slot) | c.of(slot) | d.of(slot)) as usize,
            row: self.row.of(slot) as u32,
            column: self.column.of(slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dram::organisation::Fold;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_agrees_with_the_organisation(
            sizes in (1usize..3, 1usize..3, 1usize..6, 1usize..6, 1u64..70, 1u64..40),
            mapping in Just(Digit::NAMES.map(|(_, digit)| digit)).prop_shuffle(),
            slot in any::<u64>(), hashed in any::<bool>(),
        ) {
            let (pseudo_channels, ranks, bank_groups, banks_per_group, rows, columns) = sizes;
            let organisation = Organisation {
                channels: 3,
                pseudo_channels,
                ranks,
                bank_groups,
                banks_per_group,
                rows,
                row_bytes: 64 * columns,
                burst_bytes: 64,
                mapping,
                xor: if hashed {
                    vec![Fold { digit: Digit::BankGroup, shift: 2 }]
                } else {
                    Vec::new()
                },
            };
            let mapper = Mapper::new(&organisation);
            prop_assert_eq!(mapper.locate(slot), organisation.locate(slot));
        }
    }
}
