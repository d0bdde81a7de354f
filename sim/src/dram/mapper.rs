//! From a slot to its bank, row and column without divisions: an address mapping compiled to
//! shifts and masks where every size is a power of two and no digit is hashed, else the general form.

use super::organisation::{Digit, Location, Organisation};

#[derive(Debug, Clone, Copy, Default)]
struct Field {
    shift: u32,
    mask: u64,
}

impl Field {
    #[inline]
    fn of(self, slot: u64) -> u64 {
        (slot >> self.shift) & self.mask
    }
}

/// Where slots of one channel lie.
#[derive(Debug, Clone)]
pub struct Mapper {
    /// Row, column, then the digits of the bank index with the number of banks of each step.
    fields: Option<([Field; 2], [(Field, u32); 4])>,
    organisation: Organisation,
}

impl Mapper {
    /// Compiles the mapping of an organisation.
    pub fn new(organisation: &Organisation) -> Mapper {
        Mapper {
            fields: fields(organisation),
            organisation: organisation.clone(),
        }
    }

    /// Location of a slot; slots wrap at the channel's capacity.
    #[inline]
    pub fn locate(&self, slot: u64) -> Location {
        let Some(([row, column], steps)) = &self.fields else {
            return self.organisation.locate(slot);
        };
        let bank = steps
            .iter()
            .map(|(field, shift)| field.of(slot) << shift)
            .sum::<u64>();
        Location {
            bank: bank as usize,
            row: row.of(slot) as u32,
            column: column.of(slot),
        }
    }
}

fn fields(organisation: &Organisation) -> Option<([Field; 2], [(Field, u32); 4])> {
    if !organisation.xor.is_empty() {
        return None;
    }
    let mut shift = 0;
    let mut found = [Field::default(); 7];
    for &digit in organisation.mapping.iter().rev() {
        if digit == Digit::Channel {
            continue;
        }
        let radix = organisation.radix(digit);
        if !radix.is_power_of_two() {
            return None;
        }
        found[digit as usize] = Field {
            shift,
            mask: radix - 1,
        };
        shift += radix.trailing_zeros();
    }
    let mut below = 0;
    let mut steps = [(Field::default(), 0); 4];
    let order = [
        Digit::Bank,
        Digit::BankGroup,
        Digit::PseudoChannel,
        Digit::Rank,
    ];
    for (step, digit) in steps.iter_mut().zip(order) {
        *step = (found[digit as usize], below);
        below += organisation.radix(digit).trailing_zeros();
    }
    let rows = [found[Digit::Row as usize], found[Digit::Column as usize]];
    Some((rows, steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_general_form(
            slot in 0u64..1 << 40, ranks in 1usize..4, pseudo_channels in 1usize..3,
            order in Just(Digit::NAMES.map(|(_, digit)| digit).to_vec()).prop_shuffle(),
        ) {
            let organisation = Organisation {
                channels: 2,
                pseudo_channels,
                ranks,
                bank_groups: 4,
                banks_per_group: 2,
                rows: 1024,
                row_bytes: 1024,
                burst_bytes: 32,
                xor: Vec::new(),
                mapping: order.try_into().map_err(|_| TestCaseError::reject("seven"))?,
            };
            prop_assert_eq!(Mapper::new(&organisation).locate(slot), organisation.locate(slot));
        }
    }
}
