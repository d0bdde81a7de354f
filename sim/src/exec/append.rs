//! New keys, values and queries written into the PIM layouts of a channel: a key fills part of a
//! row; a value puts one element into a row for each feature, unless a prompt fills whole rows.
//!
//! Rows are numbered in the order of use: only that they are distinct matters for timing, and equal
//! work on two channels then looks equal.

use crate::dram::{Descriptor, Direction, Organisation, Standard};
use crate::lower::KvAppend;
use crate::machine::{PimPolicy, VAppend};
use crate::pim::tiling::Geometry;

/// Bytes of an element in the banks.
const ELEMENT: u64 = 2;

/// Pieces of `bursts` bursts, each at the start of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pieces {
    pub bursts: u64,
    pub pieces: u64,
}

/// Writes of one sequence into its channel.
pub(super) fn pieces(append: &KvAppend, std: &Standard, policy: PimPolicy) -> Vec<Pieces> {
    let Some(pim) = &std.pim else {
        return Vec::new();
    };
    let organisation = &std.organisation;
    let geometry = Geometry::new(organisation, pim);
    let row = geometry.row_elements;
    let bursts = |elements: u64| (elements * ELEMENT).div_ceil(organisation.burst_bytes);
    // `count` vectors of `whole + rest` elements, each cut into rows.
    let cut = |count: u64, (whole, whole_rows): (u64, u64), rest: u64| {
        [
            Pieces {
                bursts: bursts(whole),
                pieces: count * whole_rows,
            },
            Pieces {
                bursts: bursts(rest),
                pieces: count,
            },
        ]
    };
    let head = append.head;
    let packed = geometry.heads_per_row(head.dim);
    let heads = (packed * head.dim, head.kv_heads / packed);
    let last_heads = head.kv_heads % packed * head.dim;
    let keys = cut(append.new_tokens + append.queries, heads, last_heads);
    let values = match policy.v_append {
        VAppend::Untimed if append.new_tokens == 1 => Vec::new(),
        _ => cut(
            head.kv_heads * head.dim,
            (row, append.new_tokens / row),
            append.new_tokens % row,
        )
        .to_vec(),
    };
    keys.into_iter()
        .chain(values)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::tiling::Head;

    /// Eight heads of 128 on rows of 512 elements, bursts of 32.
    fn appended(new_tokens: u64) -> Vec<Pieces> {
        let append = KvAppend {
            sequence: 0,
            new_tokens,
            head: Head {
                kv_heads: 8,
                queries: 1,
                dim: 128,
                tokens: 600,
            },
            queries: 0,
        };
        let policy = PimPolicy {
            balance: crate::machine::Balance::RoundRobin,
            v_append: VAppend::Direct,
        };
        pieces(&append, &crate::pim::testing::standard(), policy)
    }

    fn bursts(pieces: &[Pieces]) -> u64 {
        pieces.iter().map(|piece| piece.bursts * piece.pieces).sum()
    }

    #[test]
    fn a_token_fills_two_key_rows_and_touches_every_feature() {
        let piece = |bursts, pieces| Pieces { bursts, pieces };
        assert_eq!(appended(1), [piece(16, 2), piece(1, 1024)]);
    }

    #[test]
    fn a_prompt_writes_no_more_than_it_has() {
        // Keys: 1,024 elements a token. Values: 512 tokens fill a row, the 513th starts another.
        assert_eq!(bursts(&appended(512)), 512 * 32 + 1024 * 16);
        assert_eq!(bursts(&appended(513)), 513 * 32 + 1024 * 17);
    }
}
