//! Slots to banks and rows: shifts where every size is a power of two and no digits are folded, the
//! general way otherwise.

use crate::dram::organisation::{Digit, Organisation};

#[derive(Debug, Clone)]
pub(super) struct Map {
    organisation: Organisation,
    /// Shift of the digit in the slot, mask of the digit, shift in the bank number or row.
    bank_fields: Option<[(u32, u64, u32); 4]>,
    row: (u32, u64),
}

impl Map {
    pub(super) fn new(organisation: &Organisation) -> Map {
        let o = organisation;
        let radix = |digit| match digit {
            Digit::Row => o.rows,
            Digit::Rank => o.ranks as u64,
            Digit::PseudoChannel => o.pseudo_channels as u64,
            Digit::BankGroup => o.bank_groups as u64,
            Digit::Bank => o.banks_per_group as u64,
            Digit::Channel => 1,
            Digit::Column => o.columns(),
        };
        let mut map = Map {
            organisation: o.clone(),
            bank_fields: None,
            row: (0, 0),
        };
        let powers = o
            .mapping
            .iter()
            .all(|&digit| radix(digit).is_power_of_two());
        if !powers || !o.xor.is_empty() {
            return map;
        }
        let bits = |digit| radix(digit).trailing_zeros();
        let group = bits(Digit::Bank);
        let pseudo_channel = group + bits(Digit::BankGroup);
        let rank = pseudo_channel + bits(Digit::PseudoChannel);
        let mut fields = [(0, 0, 0); 4];
        let mut shift = 0;
        for &digit in o.mapping.iter().rev() {
            let field = |to| (shift, radix(digit) - 1, to);
            match digit {
                Digit::Bank => fields[0] = field(0),
                Digit::BankGroup => fields[1] = field(group),
                Digit::PseudoChannel => fields[2] = field(pseudo_channel),
                Digit::Rank => fields[3] = field(rank),
                Digit::Row => map.row = (shift, radix(digit) - 1),
                Digit::Channel | Digit::Column => {}
            }
            shift += bits(digit);
        }
        map.bank_fields = Some(fields);
        map
    }

    pub(super) fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// Bank and row of a slot.
    #[inline]
    pub(super) fn locate(&self, slot: u64) -> (usize, u32) {
        let Some(fields) = &self.bank_fields else {
            let place = self.organisation.locate(slot);
            return (place.bank, place.row);
        };
        let part = |&(shift, mask, to): &(u32, u64, u32)| ((slot >> shift) & mask) << to;
        let bank: u64 = fields.iter().map(part).sum();
        (bank as usize, ((slot >> self.row.0) & self.row.1) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shifts_and_divisions_agree(slot in 0u64..1 << 40, odd in 0usize..2) {
            use Digit::{Bank, BankGroup, Channel, Column, PseudoChannel, Rank, Row};
            let organisation = Organisation {
                channels: 4,
                pseudo_channels: 2,
                ranks: 2 + odd,
                bank_groups: 4,
                banks_per_group: 4,
                rows: 1 << 14,
                row_bytes: 1024,
                burst_bytes: 32,
                mapping: [Row, Bank, Rank, Column, Channel, BankGroup, PseudoChannel],
                xor: Vec::new(),
            };
            let place = organisation.locate(slot);
            let map = Map::new(&organisation);
            prop_assert_eq!(map.bank_fields.is_none(), odd == 1);
            prop_assert_eq!(map.locate(slot), (place.bank, place.row));
        }
    }
}
