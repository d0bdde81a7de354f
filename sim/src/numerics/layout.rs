//! Which byte of memory is which element of a matrix: the layouts of [`crate::npu::Layout`], stated
//! once more from their description, so that a tile that is fetched from a wrong place brings wrong
//! values.

use crate::exec::watch::Plan;
use crate::exec::{Placed, Tensor};
use crate::npu::{Layout, Stationary};

/// The order of the elements of a tile: blocks in the order in which the arrays first use them, each
/// row after row.
#[derive(Debug, Clone, Copy)]
struct Blocks {
    /// Rows and columns of a whole block.
    extent: (u64, u64),
    /// Blocks of a row of blocks follow one another.
    along_rows: bool,
}

/// Addresses of the elements of one matrix.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    placed: Placed,
    layout: Layout,
    size: (u64, u64),
    blocks: Blocks,
}

impl Addresses {
    pub(super) fn new(plan: &Plan, tensor: Tensor) -> Addresses {
        let gemm = plan.gemm;
        let (rows, columns) = (plan.array.rows, plan.array.columns);
        let wide = columns * plan.array.count;
        let whole = u64::MAX;
        let blocks = |extent, along_rows| Blocks { extent, along_rows };
        let (index, size, blocks) = match (tensor, plan.mapping.stationary) {
            (Tensor::Activations, stationary) => {
                let blocks = match stationary {
                    Stationary::Weights => blocks((whole, rows), true),
                    Stationary::Activations => blocks((wide, rows), true),
                    Stationary::Outputs => blocks((rows, whole), true),
                };
                (0, (gemm.m, gemm.k), blocks)
            }
            (Tensor::Weights, stationary) => {
                let blocks = match stationary {
                    Stationary::Weights => blocks((rows, wide), false),
                    Stationary::Activations => blocks((rows, whole), false),
                    Stationary::Outputs => blocks((whole, wide), false),
                };
                (1, (gemm.k, gemm.n), blocks)
            }
            (Tensor::Partial, _) => (2, (gemm.m, gemm.n), blocks((whole, whole), true)),
            (Tensor::Outputs, _) => (3, (gemm.m, gemm.n), blocks((whole, whole), true)),
        };
        Addresses {
            placed: plan.placed[index],
            layout: plan.layout,
            size,
            blocks,
        }
    }

    /// Elements from the first to behind the last, gaps between tiles included.
    pub(super) fn span(&self) -> usize {
        let (rows, columns) = self.size;
        let tiles = rows.div_ceil(self.placed.tile.0) * columns.div_ceil(self.placed.tile.1);
        let bytes = match self.layout {
            Layout::Tiled => tiles * self.placed.pitch,
            Layout::RowMajor => rows * columns * self.placed.element,
        };
        (bytes / self.placed.element) as usize
    }

    /// Bytes of an element.
    pub(super) fn element(&self) -> u64 {
        self.placed.element
    }

    /// Number of the element at `address`, counted from the first byte of the matrix; `None` outside
    /// of it.
    pub(super) fn number(&self, address: u64) -> Option<usize> {
        let offset = address.checked_sub(self.placed.base)?;
        let number = (offset / self.placed.element) as usize;
        (number < self.span()).then_some(number)
    }

    /// Number of an element, likewise.
    pub(super) fn of(&self, row: u64, column: u64) -> usize {
        let element = self.placed.element;
        if self.layout == Layout::RowMajor {
            return (row * self.size.1 + column) as usize;
        }
        let (high, wide) = self.placed.tile;
        let tile = (row / high, column / wide);
        let across = self.size.1.div_ceil(wide);
        let begin = (tile.0 * across + tile.1) * self.placed.pitch / element;
        // The last tiles are smaller.
        let (top, left) = (tile.0 * high, tile.1 * wide);
        let (rows, columns) = (high.min(self.size.0 - top), wide.min(self.size.1 - left));
        let (row, column) = (row - top, column - left);
        let (down, side) = self.blocks.extent;
        let (up, before) = (row / down * down, column / side * side);
        let block = (down.min(rows - up), side.min(columns - before));
        let first = if self.blocks.along_rows {
            up * columns + block.0 * before
        } else {
            before * rows + block.1 * up
        };
        (begin + first + (row - up) * block.1 + (column - before)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npu::{Array, Dataflow, Gemm, Mapping, Order, Resident};
    use proptest::prelude::*;

    proptest! {
        /// Every element has a place of its own, within the span of its matrix.
        #[test]
        fn no_two_elements_share_a_place(
            (m, k, n) in (1u64..30, 1u64..30, 1u64..30), (tm, tk, tn) in (1u64..30, 1u64..30, 1u64..30),
            rows in 1u64..9, columns in 1u64..9, held in 0usize..3, tiled: bool,
        ) {
            let dataflow = [Dataflow::WeightStationary, Dataflow::InputStationary, Dataflow::OutputStationary][held];
            let array = Array { dataflow, count: 2, ..Array::new(rows, columns) };
            let stationary = [Stationary::Weights, Stationary::Activations, Stationary::Outputs][held];
            let mapping = Mapping { tile_m: tm.min(m), tile_k: tk.min(k), tile_n: tn.min(n), order: Order::Mnk, stationary };
            let placed = |tile: (u64, u64), columns| Placed {
                base: 4096, element: 2, tile, columns, pitch: (tile.0 * tile.1 * 2).next_multiple_of(64),
            };
            let plan = Plan {
                gemm: Gemm { m, k, n, element: 2 },
                mapping,
                resident: Resident::default(),
                layout: if tiled { Layout::Tiled } else { Layout::RowMajor },
                array,
                cores: 1,
                placed: [
                    placed((mapping.tile_m, mapping.tile_k), k),
                    placed((mapping.tile_k, mapping.tile_n), n),
                    placed((mapping.tile_m, mapping.tile_n), n),
                    placed((mapping.tile_m, mapping.tile_n), n),
                ],
                bias: None,
                in_place: false,
            };
            for (tensor, rows, columns) in [(Tensor::Activations, m, k), (Tensor::Weights, k, n), (Tensor::Outputs, m, n)] {
                let addresses = Addresses::new(&plan, tensor);
                let mut seen = vec![false; addresses.span()];
                for row in 0..rows {
                    for column in 0..columns {
                        let number = addresses.of(row, column);
                        prop_assert!(!std::mem::replace(&mut seen[number], true));
                        prop_assert_eq!(addresses.number(4096 + 2 * number as u64), Some(number));
                    }
                }
            }
        }
    }
}
