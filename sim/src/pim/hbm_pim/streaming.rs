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

/// The accesses of a channel for each transfer. The bytes of each lie behind those of the one before
/// and begin with a burst of channel 0, which so has at least as many as any other.
pub(super) fn transfers<'a>(
    standard: &'a Standard,
    channel: usize,
    transfers: &'a [Transfer],
) -> Result<impl Iterator<Item = Box<dyn Iterator<Item = Access> + 'a>> + 'a, HbmPimError> {
    let organisation = &standard.organisation;
    let stripe = organisation.stripe_bytes();
    let whole = move |bytes: u64| bytes.checked_next_multiple_of(stripe).unwrap_or(u64::MAX);
    let total = transfers
        .iter()
        .map(|transfer| whole(transfer.bytes))
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
        end += whole(transfer.bytes);
        let last = start + transfer.bytes;
        let slots =
            organisation.slots_below(channel, start)..organisation.slots_below(channel, last);
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
