//! Matrix products [m, k] x [k, n] as the artifact tiles them. Operands are swapped: the weights are
//! streamed in blocks through arrays that hold a block of activations, so n is walked innermost.

use super::address::ELEMENT_BYTES;
use super::core::BLOCK;
use super::tile::{Compute, Load, Place, Store, Tile, Unit};

/// Bytes of half a scratchpad: 134,218 KiB in two halves.
pub(super) const HALF_BYTES: u64 = 134_218 * 1024 / 2;

/// Extents of a product, or of its tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extents {
    /// Rows of activations.
    pub m: u64,
    /// Reduction.
    pub k: u64,
    /// Columns of weights.
    pub n: u64,
}

/// Tiles of a product with bias.
pub(super) fn tiles(whole: Extents) -> Vec<Tile> {
    let (inner, outer) = split(whole);
    let mut tiles = Vec::new();
    for column in 0..outer.n {
        for row in 0..outer.m {
            for step in 0..outer.k {
                let from = Extents {
                    m: row * inner.m,
                    k: step * inner.k,
                    n: column * inner.n,
                };
                tiles.push(tile(whole, inner, from, step + 1 == outer.k));
            }
        }
    }
    tiles
}

/// Extents of a tile and tiles along each: the longest is halved until both operands and the result,
/// padded to blocks, fit into half a scratchpad.
fn split(whole: Extents) -> (Extents, Extents) {
    let padded = |extent: u64| extent.next_multiple_of(BLOCK);
    let (mut inner, mut outer) = (whole, Extents { m: 1, k: 1, n: 1 });
    loop {
        let (m, k, n) = (padded(inner.m), padded(inner.k), padded(inner.n));
        let elements = m.saturating_mul(k) + k.saturating_mul(n) + m.saturating_mul(n);
        let most = inner.m.max(inner.k).max(inner.n);
        if elements * ELEMENT_BYTES <= HALF_BYTES || most <= 1 {
            return (inner, outer);
        }
        let (extent, count) = if inner.m == most {
            (&mut inner.m, &mut outer.m)
        } else if inner.k == most {
            (&mut inner.k, &mut outer.k)
        } else {
            (&mut inner.n, &mut outer.n)
        };
        *extent = extent.div_ceil(2);
        *count *= 2;
    }
}

/// Elements of a block that lie inside an extent.
fn within(extent: u64, from: u64) -> u64 {
    extent.saturating_sub(from).min(BLOCK)
}

fn blocks(extent: u64) -> impl Iterator<Item = u64> {
    (0..extent).step_by(BLOCK as usize)
}

fn tile(whole: Extents, inner: Extents, from: Extents, last: bool) -> Tile {
    let mut tile = Tile {
        accumulates: from.k != 0,
        ..Tile::default()
    };
    // Places: streamed blocks, then stationary ones; results by streamed block, then by rows.
    let (streamed, steps) = (inner.n.div_ceil(BLOCK), inner.k.div_ceil(BLOCK));
    let weights = |k: u64, n: u64| (n * steps + k) as u32;
    let activations = |k: u64, m: u64| (streamed * steps + m * steps + k) as u32;
    let result = |n: u64, m: u64| (m * streamed + n) as u32;
    if from.k == 0 {
        // The bias is walked along the rows, as if it lay along them, into the first result of each.
        for (index, m) in (0..).zip(blocks(inner.m)) {
            tile.loads.push(Load::Lines {
                elements: within(whole.n, from.m + m),
                into: Place::Result(result(0, index)),
            });
        }
    }
    for (m, at_m) in (0..).zip(blocks(inner.m)) {
        for (k, at_k) in (0..).zip(blocks(inner.k)) {
            for (n, at_n) in (0..).zip(blocks(inner.n)) {
                let depth = within(whole.k, from.k + at_k);
                if m == 0 {
                    tile.loads.push(Load::Lines {
                        elements: depth * within(whole.n, from.n + at_n),
                        into: Place::Operand(weights(k, n)),
                    });
                }
                if n == 0 {
                    tile.loads.push(Load::Lines {
                        elements: depth * within(whole.m, from.m + at_m),
                        into: Place::Operand(activations(k, m)),
                    });
                }
                tile.computes.push(Compute {
                    unit: Unit::Arrays { preload: n == 0 },
                    needs: [weights(k, n), activations(k, m), activations(k, m)],
                    result: result(n, m),
                });
                if last && at_k + BLOCK >= inner.k {
                    // Indices are those of the swapped operands on a result that is not: only what
                    // lies inside both extents is written.
                    let rows = within(whole.m, from.n + at_n);
                    let columns = within(whole.n, from.m + at_m);
                    tile.stores.push(Store {
                        elements: rows * columns,
                        result: result(n, m),
                    });
                }
            }
        }
    }
    tile.loads
        .retain(|load| !matches!(load, Load::Lines { elements: 0, .. }));
    tile
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn elements(tiles: &[Tile]) -> (u64, u64) {
        let loaded = tiles
            .iter()
            .flat_map(|tile| &tile.loads)
            .map(|load| match load {
                Load::Lines { elements, .. } => *elements,
                Load::Pim { .. } => 0,
            });
        let stored = tiles.iter().flat_map(|tile| &tile.stores);
        (loaded.sum(), stored.map(|store| store.elements).sum())
    }

    proptest! {
        /// Both operands are read once, every block is computed, and every computation can start.
        #[test]
        fn tiles_cover_the_product(m in 1u64..500, k in 1u64..1000, n in 1u64..1000) {
            let tiles = tiles(Extents { m, k, n });
            prop_assert_eq!(tiles.len(), 1);
            let bias: u64 = (0..m.div_ceil(BLOCK)).map(|block| within(n, block * BLOCK)).sum();
            prop_assert_eq!(elements(&tiles).0, m * k + k * n + bias);
            let blocks = m.div_ceil(BLOCK) * k.div_ceil(BLOCK) * n.div_ceil(BLOCK);
            prop_assert_eq!(tiles[0].computes.len() as u64, blocks);
            let operands = tiles[0].operands() as u32;
            let needed = tiles[0].computes.iter().flat_map(|compute| compute.needs);
            prop_assert!(needed.clone().all(|operand| operand < operands));
        }
    }

    #[test]
    fn a_product_too_large_is_cut_along_its_longest_extent() {
        // Weights of 288 MiB: k is halved twice, being the longest of (256, 12288, 12288) first.
        let whole = Extents {
            m: 256,
            k: 12_288,
            n: 12_288,
        };
        let (inner, outer) = split(whole);
        assert_eq!((inner.k, inner.n), (3072, 6144));
        assert_eq!((outer.k, outer.n), (4, 2));
        let tiles = tiles(whole);
        assert_eq!(tiles.len(), 8);
        let stored: Vec<bool> = tiles.iter().map(|tile| tile.stores.is_empty()).collect();
        assert_eq!(stored, [true, true, true, false, true, true, true, false]);
    }
}
