//! The same work without PIM: the operands stream over the pins as fast as the channels give them,
//! and arithmetic takes no time.
#![deny(clippy::float_arithmetic)]

use super::access::{Access, Payload, RESERVED};
use super::parameters::HbmPimError;
use crate::dram::{Direction, Standard};

/// A transfer that is over before the next one starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// To or from the host.
    pub direction: Direction,
    /// Bytes, after those of the transfers before.
    pub bytes: u64,
}

/// The accesses of channel 0, which has at least as many as any other, for each transfer. The bytes
/// lie one after the other from address zero.
pub(super) fn transfers<'a>(
    standard: &'a Standard,
    transfers: &'a [Transfer],
) -> Result<impl Iterator<Item = Box<dyn Iterator<Item = Access> + 'a>> + 'a, HbmPimError> {
    let organisation = &standard.organisation;
    let total = transfers
        .iter()
        .map(|transfer| transfer.bytes)
        .fold(0u64, u64::saturating_add);
    let first_rank = organisation.capacity_bytes() / organisation.ranks as u64;
    let most = first_rank / organisation.rows * u64::from(RESERVED);
    if total > most {
        return Err(HbmPimError::TooLarge {
            what: "bytes below the reserved rows",
            most,
            needed: total,
        });
    }
    let mut end = 0;
    Ok(transfers.iter().map(move |transfer| {
        let start = end;
        end += transfer.bytes;
        let slots = organisation.slots_below(0, start)..organisation.slots_below(0, end);
        let accesses = slots.map(move |slot| {
            let at = organisation.locate(slot);
            let (bank, column) = (at.bank as u8, at.column as u16);
            match transfer.direction {
                Direction::Read => Access::read(bank, at.row, column),
                Direction::Write => Access::write(bank, at.row, column, Payload::None),
            }
        });
        Box::new(accesses) as Box<dyn Iterator<Item = Access> + 'a>
    }))
}
