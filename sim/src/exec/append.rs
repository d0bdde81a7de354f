//! New keys, values and queries written into the PIM layouts of a channel: a key fills part of a
//! row; a value puts one element into a row for each feature, unless a prompt fills whole rows.
//!
//! Rows are numbered in the order of use: only that they are distinct matters for timing, and equal
//! work on two channels then looks equal.

use crate::dram::{Descriptor, Direction, Organisation};
use crate::lower::KvAppend;
use crate::machine::{PimPolicy, VAppend};

/// Bytes of an element in the banks.
const ELEMENT: u64 = 2;

/// Pieces of `bursts` bursts, each at the start of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pieces {
    pub bursts: u64,
    pub pieces: u64,
}

/// Writes of one sequence into its channel.
pub(super) fn pieces(
    append: &KvAppend,
    organisation: &Organisation,
    policy: PimPolicy,
) -> Vec<Pieces> {
    let row = organisation.row_bytes / ELEMENT;
    let bursts = |elements: u64| (elements * ELEMENT).div_ceil(organisation.burst_bytes);
    let chunks = append.features.div_ceil(row);
    let width = bursts(append.features.min(row));
    let keys = Pieces {
        bursts: width,
        pieces: append.new_tokens * chunks,
    };
    let queries = Pieces {
        bursts: width,
        pieces: append.query_rows * chunks,
    };
    let values = match policy.v_append {
        VAppend::Untimed if append.new_tokens == 1 => Pieces {
            bursts: 0,
            pieces: 0,
        },
        _ => Pieces {
            bursts: bursts(append.new_tokens.min(row)),
            pieces: append.features * append.new_tokens.div_ceil(row),
        },
    };
    [keys, values, queries]
        .into_iter()
        .filter(|piece| piece.bursts > 0 && piece.pieces > 0)
        .collect()
}

/// The streams of one channel: equal pieces of its sequences joined, laid out from `slot` on.
pub(super) fn streams(all: &[Pieces], organisation: &Organisation, slot: u64) -> Vec<Descriptor> {
    let columns = organisation.columns();
    let mut joined: Vec<Pieces> = Vec::new();
    for piece in all {
        match joined.iter_mut().find(|held| held.bursts == piece.bursts) {
            Some(held) => held.pieces += piece.pieces,
            None => joined.push(*piece),
        }
    }
    let mut start = slot;
    joined
        .iter()
        .map(|piece| {
            let stride = piece.bursts.next_multiple_of(columns);
            let stream = Descriptor {
                direction: Direction::Write,
                start,
                bursts: piece.bursts,
                stride,
                pieces: piece.pieces,
            };
            start += stride * piece.pieces;
            stream
        })
        .collect()
}
