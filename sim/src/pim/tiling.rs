//! Attention as GEMV tiles in the K and V layouts of NeuPIMs: a K row holds consecutive features
//! of one token (bank = token mod banks), a V row consecutive tokens of one feature (bank = feature
//! mod banks). One tile opens one row in every bank of a channel.

use super::PimTiming;
use super::program::{PimOp, PimProgram};
use crate::dram::Organisation;

/// Elements are fp16 in the banks.
const ELEMENT_BYTES: u64 = 2;

/// Sizes that decide the tiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Banks of a channel.
    pub banks: u64,
    /// Elements of a row.
    pub row_elements: u64,
    /// Elements multiplied in a bank a step.
    pub macs: u64,
    /// Rows in the vector buffer: queries that share an open row.
    pub buffer_rows: u64,
}

impl Geometry {
    /// The geometry of a part with a PIM side.
    pub fn new(organisation: &Organisation, pim: &PimTiming) -> Geometry {
        Geometry {
            banks: organisation.banks() as u64,
            row_elements: organisation.row_bytes / ELEMENT_BYTES,
            macs: pim.macs_per_bank,
            buffer_rows: pim.vector_buffer_rows,
        }
    }
}

impl Geometry {
    /// KV heads whose keys of one token share a row.
    pub fn heads_per_row(&self, dim: u64) -> u64 {
        (self.row_elements / dim.max(1)).max(1)
    }

    /// Rows of every bank that the keys of as many tokens as there are banks take.
    pub fn key_rows(&self, kv_heads: u64, dim: u64) -> u64 {
        kv_heads.div_ceil(self.heads_per_row(dim))
    }

    /// Rows of every bank that the values of as many tokens as a row has elements take.
    pub fn value_rows(&self, kv_heads: u64, dim: u64) -> u64 {
        kv_heads * dim.div_ceil(self.banks)
    }
}

/// Attention of one decoding request on one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// KV heads of the device.
    pub kv_heads: u64,
    /// Queries that read each KV head (group size x query positions): the KV reuse R.
    pub queries: u64,
    /// Elements of a head.
    pub dim: u64,
    /// Tokens attended.
    pub tokens: u64,
}

/// Equal tiles behind one filling of the vector buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileGroup {
    /// Rows copied into the vector buffer first.
    pub gwrites: u32,
    /// Tiles.
    pub tiles: u32,
    /// Read-outs of a tile.
    pub results: u32,
    /// Multiply-accumulate steps of a read-out.
    pub comps: u32,
}

/// Tiles of logit = K q: for each row of features, each filling of the vector buffer visits all
/// token groups. Requires `dim <= row_elements`.
pub fn logit(head: Head, geometry: Geometry) -> Vec<TileGroup> {
    let heads_per_row = geometry.heads_per_row(head.dim);
    let mut groups = Vec::new();
    let mut first = 0;
    while first < head.kv_heads {
        let heads = heads_per_row.min(head.kv_heads - first);
        for queries in passes(head.queries, geometry.buffer_rows) {
            groups.push(TileGroup {
                gwrites: queries as u32,
                tiles: head.tokens.div_ceil(geometry.banks) as u32,
                results: (heads * queries) as u32,
                comps: head.dim.div_ceil(geometry.macs) as u32,
            });
        }
        first += heads;
    }
    groups
}

/// Tiles of attend = V p: for each head and each row of tokens.
pub fn attend(head: Head, geometry: Geometry) -> Vec<TileGroup> {
    let mut groups = Vec::new();
    for _ in 0..head.kv_heads {
        let mut first = 0;
        while first < head.tokens {
            let tokens = geometry.row_elements.min(head.tokens - first);
            for queries in passes(head.queries, geometry.buffer_rows) {
                groups.push(TileGroup {
                    gwrites: queries as u32,
                    tiles: head.dim.div_ceil(geometry.banks) as u32,
                    results: queries as u32,
                    comps: tokens.div_ceil(geometry.macs) as u32,
                });
            }
            first += tokens;
        }
    }
    groups
}

/// Rows of probabilities that attend copies into the vector buffer, one a head, query and row of
/// tokens.
pub fn probability_rows(head: Head, geometry: Geometry) -> u64 {
    head.kv_heads * head.queries * head.tokens.div_ceil(geometry.row_elements)
}

fn passes(queries: u64, most: u64) -> impl Iterator<Item = u64> {
    (0..queries.div_ceil(most)).map(move |pass| most.min(queries - pass * most))
}

/// Fillings of the vector buffer that visit the same tiles.
pub fn fillings(head: Head, geometry: Geometry) -> u64 {
    head.queries.div_ceil(geometry.buffer_rows)
}

/// The program of a list of tile groups. `row` gives the row of a tile by the number of its group
/// and its own in the group; the vectors of the buffer fillings are read from `vector(0)`,
/// `vector(1)`, and so on.
pub fn program(
    groups: &[TileGroup],
    mut row: impl FnMut(u64, u64) -> u32,
    vector: impl Fn(u64) -> (u16, u32),
) -> PimProgram {
    let mut ops = Vec::new();
    let mut vectors = 0;
    for (number, group) in (0..).zip(groups) {
        for _ in 0..group.gwrites {
            let (bank, row) = vector(vectors);
            vectors += 1;
            ops.push(PimOp::Gwrite { bank, row });
        }
        for tile in 0..u64::from(group.tiles) {
            ops.push(PimOp::Tile {
                row: row(number, tile),
                results: group.results,
                comps: group.comps,
            });
        }
    }
    PimProgram { ops }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GEOMETRY: Geometry = Geometry {
        banks: 32,
        row_elements: 512,
        macs: 16,
        buffer_rows: 1,
    };

    #[test]
    fn gpt3_7b_on_four_devices_has_the_published_tiles() {
        // NeuPIMs, 8 heads of 128 a device, 512 tokens: logit 2 GWRITE and 32 tiles of 4 read-outs
        // of 8 steps; attend 8 GWRITE and 32 tiles of one read-out of 32 steps.
        let head = Head {
            kv_heads: 8,
            queries: 1,
            dim: 128,
            tokens: 512,
        };
        let group = |gwrites, tiles, results, comps| TileGroup {
            gwrites,
            tiles,
            results,
            comps,
        };
        assert_eq!(logit(head, GEOMETRY), vec![group(1, 16, 4, 8); 2]);
        assert_eq!(attend(head, GEOMETRY), vec![group(1, 4, 1, 32); 8]);
    }

    proptest! {
        /// Every element of K and V is multiplied at least once for every query, and no tile holds
        /// more than a row.
        #[test]
        fn tiles_cover_the_matrix(kv_heads in 1u64..20, queries in 1u64..9, dim in 1u64..=512, tokens in 1u64..5000, buffer_rows in 1u64..5) {
            let head = Head { kv_heads, queries, dim, tokens };
            let geometry = Geometry { buffer_rows, ..GEOMETRY };
            let macs = |groups: &[TileGroup]| -> u64 {
                groups.iter().map(|g| u64::from(g.tiles) * u64::from(g.results) * u64::from(g.comps) * 16 * 32).sum()
            };
            let useful = kv_heads * queries * dim * tokens;
            prop_assert!(macs(&logit(head, geometry)) >= useful);
            prop_assert!(macs(&attend(head, geometry)) >= useful);
            let vectors: u64 = attend(head, geometry).iter().map(|g| u64::from(g.gwrites)).sum();
            prop_assert_eq!(vectors, probability_rows(head, geometry));
        }
    }
}
