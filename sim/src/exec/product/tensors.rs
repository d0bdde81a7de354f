//! Where the tiles of a product lie in memory.

use crate::dram::Direction;
use crate::machine::DeviceMemory;
use crate::memory::{Memory, Region};
use crate::npu::mapping::{Leaving, PARTIAL, Pass, Step};
use crate::npu::{Gemm, Layout, Mapping, Order};

/// The tensors of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tensor {
    /// `[m, k]`.
    Activations,
    /// `[k, n]`.
    Weights,
    /// Partial sums of `[m, n]` in fp32.
    Partial,
    /// `[m, n]`.
    Outputs,
}

/// Where a matrix of a product lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// First byte.
    pub base: u64,
    /// Bytes of an element.
    pub element: u64,
    /// Rows and columns of a whole tile.
    pub tile: (u64, u64),
    /// Columns of the matrix.
    pub columns: u64,
    /// Bytes from one tile to the next, where tiles lie one after another.
    pub pitch: u64,
}

/// A matrix in memory, cut into tiles.
#[derive(Debug, Clone, Copy)]
struct Matrix {
    base: u64,
    element: u64,
    /// Rows and columns of a whole tile.
    tile: (u64, u64),
    /// Tiles in a row of tiles, and columns of the matrix.
    across: u64,
    columns: u64,
    /// Bytes from one tile to the next, where tiles lie one after another.
    pitch: u64,
    /// Byte after the last, if its tiles of less than a stripe count as parts of one block: every
    /// tile moves equally often, so that the channels' sums are right, and each moment is to within a
    /// stripe; channels can then share their simulation.
    joined: Option<u64>,
}

/// All matrices of a product.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tensors {
    layout: Layout,
    /// Bytes of a burst.
    burst: u64,
    activations: Matrix,
    weights: Matrix,
    partial: Matrix,
    outputs: Matrix,
}

/// Granules of an address space: bytes over which all channels are used once, and of a burst.
#[derive(Debug, Clone, Copy)]
struct Granules {
    stripe: u64,
    burst: u64,
}

impl Tensors {
    /// Gives the tensors of a product places in memory.
    pub(super) fn place(
        gemm: &Gemm,
        mapping: &Mapping,
        layout: Layout,
        device: &DeviceMemory,
        memory: &mut Memory,
    ) -> Tensors {
        let granules = match device.part() {
            Some(part) => Granules {
                stripe: part.organisation.stripe_bytes(),
                burst: part.organisation.burst_bytes,
            },
            None => Granules {
                stripe: 1,
                burst: 1,
            },
        };
        let (m, k, n) = (gemm.m, gemm.k, gemm.n);
        let Mapping {
            tile_m,
            tile_k,
            tile_n,
            ..
        } = *mapping;
        let mut matrix =
            |rows: u64, columns: u64, tile: (u64, u64), element: u64, equally: bool| {
                // A tile of a stripe or more begins at one, so that all channels have their share.
                let bytes = tile.0 * tile.1 * element;
                let pitch = if bytes >= granules.stripe {
                    bytes.next_multiple_of(granules.stripe)
                } else {
                    bytes.next_multiple_of(granules.burst)
                };
                let across = columns.div_ceil(tile.1);
                let tiled = rows
                    .div_ceil(tile.0)
                    .saturating_mul(across)
                    .saturating_mul(pitch);
                let plain = (rows * columns).saturating_mul(element);
                let base = memory.place(match layout {
                    Layout::Tiled => tiled,
                    Layout::RowMajor => plain,
                });
                // Without a gap: a smaller tile may only be the last.
                let whole = (across == 1 || rows <= tile.0)
                    || (rows.is_multiple_of(tile.0) && columns.is_multiple_of(tile.1));
                let joined = equally && whole && pitch == bytes && bytes < granules.stripe;
                Matrix {
                    base,
                    joined: joined.then_some(base + plain),
                    element,
                    tile,
                    across,
                    columns,
                    pitch,
                }
            };
        let split = tile_k < k;
        // With the reduction innermost every output tile loads all parts of its operands.
        let equally = split && matches!(mapping.order, Order::Mnk | Order::Nmk);
        Tensors {
            layout,
            burst: granules.burst,
            activations: matrix(m, k, (tile_m, tile_k), gemm.element, equally),
            weights: matrix(k, n, (tile_k, tile_n), gemm.element, equally),
            outputs: matrix(m, n, (tile_m, tile_n), gemm.element, true),
            partial: if split {
                matrix(m, n, (tile_m, tile_n), PARTIAL, false)
            } else {
                matrix(0, 0, (tile_m, tile_n), PARTIAL, false)
            },
        }
    }

    /// Part of a tile: `at` is the row and column of the tile where it begins, `done` the bytes of
    /// the tile that are used before it.
    fn part(
        &self,
        matrix: &Matrix,
        tile: (u64, u64),
        whole: (u64, u64),
        (at, extent): ((u64, u64), (u64, u64)),
        done: u64,
    ) -> Region {
        let e = matrix.element;
        match self.layout {
            Layout::Tiled => {
                let begin = matrix.base + (tile.0 * matrix.across + tile.1) * matrix.pitch;
                let block = (begin, begin + whole.0 * whole.1 * e);
                let (base, end) = matrix.joined.map_or(block, |end| (matrix.base, end));
                Region::Span {
                    base,
                    from: begin + done,
                    to: begin + done + extent.0 * extent.1 * e,
                    end,
                }
            }
            Layout::RowMajor => {
                let row = tile.0 * matrix.tile.0 + at.0;
                let column = tile.1 * matrix.tile.1 + at.1;
                let pitch = matrix.columns * e;
                let base = matrix.base + row * pitch + column * e;
                // Rows that end within a burst are taken one by one: two cores may share it.
                if extent.1 == matrix.columns && pitch.is_multiple_of(self.burst) {
                    let end = base + extent.0 * pitch;
                    return Region::Span {
                        base,
                        from: base,
                        to: end,
                        end,
                    };
                }
                Region::Strided {
                    base,
                    bytes: extent.1 * e,
                    pieces: extent.0,
                    pitch,
                }
            }
        }
    }

    /// The operands of a tile in the order in which its blocks first need them: tensor, block, region.
    pub(super) fn loads(&self, step: &Step, passes: &[Pass]) -> Vec<(Tensor, usize, Region)> {
        let [row, part, column] = step.tile;
        let mut loads = Vec::new();
        if step.partial_in {
            let whole = (step.m, step.n);
            let region = self.part(&self.partial, (row, column), whole, ((0, 0), whole), 0);
            loads.push((Tensor::Partial, 0, region));
        }
        let (mut used_a, mut used_b) = (0, 0);
        // Where the next block begins: rows of activations, reduction, columns of weights.
        let mut at_a = (0, 0);
        let mut at_b = (0, 0);
        for (block, pass) in passes.iter().enumerate() {
            let (a, b) = (pass.activations, pass.weights);
            if a.0 * a.1 > 0 && step.new_activations {
                let whole = (step.m, step.k);
                let region = self.part(&self.activations, (row, part), whole, (at_a, a), used_a);
                loads.push((Tensor::Activations, block, region));
                used_a += region.bytes();
                at_a = next(at_a, a, whole, true);
            }
            if b.0 * b.1 > 0 && step.new_weights {
                let whole = (step.k, step.n);
                let region = self.part(&self.weights, (part, column), whole, (at_b, b), used_b);
                loads.push((Tensor::Weights, block, region));
                used_b += region.bytes();
                at_b = next(at_b, b, whole, false);
            }
        }
        loads
    }

    /// Whole operands of a tile, for a scratchpad that holds tiles.
    pub(super) fn whole(&self, step: &Step) -> [(Tensor, (u64, u64), Region); 2] {
        let [row, part, column] = step.tile;
        let of = |tensor, matrix, tile, whole| {
            (
                tensor,
                tile,
                self.part(matrix, tile, whole, ((0, 0), whole), 0),
            )
        };
        let activations = (step.m, step.k);
        let weights = (step.k, step.n);
        [
            of(
                Tensor::Activations,
                &self.activations,
                (row, part),
                activations,
            ),
            of(Tensor::Weights, &self.weights, (part, column), weights),
        ]
    }

    /// Where a tensor lies.
    pub(super) fn placed(&self, tensor: Tensor) -> Placed {
        let matrix = match tensor {
            Tensor::Activations => self.activations,
            Tensor::Weights => self.weights,
            Tensor::Partial => self.partial,
            Tensor::Outputs => self.outputs,
        };
        Placed {
            base: matrix.base,
            element: matrix.element,
            tile: matrix.tile,
            columns: matrix.columns,
            pitch: matrix.pitch,
        }
    }

    /// Partial sums that come back to a tile.
    pub(super) fn partial(&self, step: &Step) -> Region {
        let whole = (step.m, step.n);
        let tile = (step.tile[0], step.tile[2]);
        self.part(&self.partial, tile, whole, ((0, 0), whole), 0)
    }

    /// What leaves with a tile.
    pub(super) fn store(&self, step: &Step) -> Option<(Tensor, Region)> {
        let whole = (step.m, step.n);
        let tile = (step.tile[0], step.tile[2]);
        let part = |matrix| self.part(matrix, tile, whole, ((0, 0), whole), 0);
        match step.out {
            Leaving::Nothing => None,
            Leaving::Partial => Some((Tensor::Partial, part(&self.partial))),
            Leaving::Outputs => Some((Tensor::Outputs, part(&self.outputs))),
        }
    }
}

/// Where the block after one of `extent` at `at` begins: along the reduction first, which is the
/// columns of activations and the rows of weights.
fn next(at: (u64, u64), extent: (u64, u64), whole: (u64, u64), columns_first: bool) -> (u64, u64) {
    let (row, column) = at;
    if columns_first {
        if column + extent.1 < whole.1 {
            (row, column + extent.1)
        } else {
            (row + extent.0, 0)
        }
    } else if row + extent.0 < whole.0 {
        (row + extent.0, column)
    } else {
        (0, column + extent.1)
    }
}

impl Tensor {
    /// Direction of a load.
    pub(super) const LOAD: Direction = Direction::Read;
    /// Direction of a store.
    pub(super) const STORE: Direction = Direction::Write;
}
