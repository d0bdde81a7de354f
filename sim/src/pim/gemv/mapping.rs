//! Layout of a matrix over channels, banks and rows.
//!
//! Consecutive rows of the matrix go to the banks of a channel, one each: a *row group*. A bank's
//! DRAM row holds a chunk of one matrix row or, of short ones, several whole ones. The columns may be
//! split over groups of channels, whose partial sums the device adds. Where the banks read out every
//! row (`Order::ReadOut`) a chunk of the vectors serves all row groups before the next is loaded;
//! where they keep partial sums (`Order::Accumulate`) as many row groups as there are accumulators
//! are carried through all chunks.

use super::super::bound;
use super::super::program::{PimOp, PimProgram};
use super::super::{PimTiming, estimate};
use super::Gemv;
use crate::dram::Standard;
use crate::pim::program::Tile;
use crate::time::Tick;

/// When partial sums leave the banks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// After every row: the device adds those of the chunks.
    ReadOut,
    /// After the last chunk.
    Accumulate,
}

/// What one channel multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Share {
    /// Row groups of as many matrix rows as the channel has banks, the last perhaps in part.
    pub groups: u64,
    /// Columns.
    pub columns: u64,
}

/// A layout, and how a channel goes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mapping {
    /// Groups of channels that the columns are split over.
    pub column_splits: u64,
    /// When partial sums leave the banks.
    pub order: Order,
    /// Vectors multiplied while a row is open.
    pub vectors_at_once: u64,
}

/// Sizes of one channel's part of a product.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Elements of a row.
    row: u64,
    /// Elements a step.
    macs: u64,
    /// Rows of the vector buffer.
    buffer: u64,
}

impl Sizes {
    fn chunks(&self, columns: u64) -> u64 {
        columns.div_ceil(self.row)
    }

    /// Steps of a chunk, all of them full but the last.
    fn steps(&self, columns: u64, chunk: u64) -> u32 {
        let elements = (columns - chunk * self.row).min(self.row);
        elements.div_ceil(self.macs) as u32
    }

    /// Matrix rows that a bank's row holds: several where each is short, else one.
    fn packed(&self, columns: u64) -> u64 {
        let aligned = columns.div_ceil(self.macs) * self.macs;
        (self.row / aligned).max(1)
    }
}

impl Mapping {
    /// The layout with the least estimated time among the divisors of the channel count and both
    /// orders; the fewest splits of equals. `None` where the banks do not take the format.
    pub fn choose(gemv: &Gemv, std: &Standard, pim: &PimTiming) -> Option<Mapping> {
        let sizes = sizes(gemv, std, pim)?;
        let channels = std.organisation.channels as u64;
        let mut best: Option<(Tick, Mapping)> = None;
        for splits in (1..=channels).filter(|splits| channels.is_multiple_of(*splits)) {
            // A split of less than a step leaves multipliers idle and saves nothing.
            if splits > 1 && gemv.k < splits * sizes.macs {
                break;
            }
            for order in [Order::ReadOut, Order::Accumulate] {
                let Some(mapping) = Mapping::with(splits, order, gemv, sizes, pim) else {
                    continue;
                };
                let cost = mapping.estimate(gemv, std, pim, sizes);
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, mapping));
                }
            }
        }
        best.map(|(_, mapping)| mapping)
    }

    fn with(
        column_splits: u64,
        order: Order,
        gemv: &Gemv,
        sizes: Sizes,
        pim: &PimTiming,
    ) -> Option<Mapping> {
        let columns = largest_share(gemv.k, column_splits, sizes.macs);
        let mut at_once = gemv.vectors.min(pim.vector_buffer_rows);
        if order == Order::Accumulate {
            // A row that ends in its read-out has nothing to keep.
            if pim.composite || sizes.chunks(columns) == 1 {
                return None;
            }
            at_once = at_once.min(pim.accumulators);
        }
        Some(Mapping {
            column_splits,
            order,
            vectors_at_once: at_once,
        })
    }

    /// What every channel multiplies; those without work are left out.
    pub fn shares(&self, gemv: &Gemv, std: &Standard, pim: &PimTiming) -> Vec<Share> {
        let macs = pim.macs(gemv.format).unwrap_or(1);
        let groups = gemv.m.div_ceil(std.organisation.banks() as u64);
        let beside = std.organisation.channels as u64 / self.column_splits;
        let mut shares = Vec::new();
        for split in 0..self.column_splits {
            let columns = share(gemv.k, split, self.column_splits, macs);
            for channel in 0..beside {
                let groups = (groups + beside - 1 - channel) / beside;
                if groups > 0 && columns > 0 {
                    shares.push(Share { groups, columns });
                }
            }
        }
        shares
    }

    /// Rows of vectors that a share reads, each once: chunks of every vector.
    pub fn vector_rows(&self, share: Share, gemv: &Gemv, std: &Standard) -> u64 {
        let row = gemv.format.elements(std.organisation.row_bytes);
        share.columns.div_ceil(row) * gemv.vectors
    }

    /// The program of a share. `row` numbers the rows of the matrix from zero; chunk `c` of vector
    /// `v` lies in `vector(v * chunks + c)`.
    pub fn program(
        &self,
        share: Share,
        gemv: &Gemv,
        std: &Standard,
        pim: &PimTiming,
        row: impl Fn(u64) -> u32,
        vector: impl Fn(u64) -> (u16, u32),
    ) -> PimProgram {
        let mut ops = Vec::new();
        let Some(sizes) = sizes(gemv, std, pim) else {
            return PimProgram { ops };
        };
        self.walk(share, gemv, sizes, pim, |step| match step {
            Step::Vector { vector: v, chunk } => {
                let (bank, row) = vector(v * sizes.chunks(share.columns) + chunk);
                ops.push(PimOp::Gwrite { bank, row });
            }
            Step::Tile { index, tile } => {
                let (results, comps) = (tile.results, tile.comps);
                let row = row(index);
                ops.push(if tile.read_out {
                    PimOp::Tile {
                        row,
                        results,
                        comps,
                    }
                } else {
                    PimOp::Accumulate {
                        row,
                        results,
                        comps,
                    }
                });
            }
        });
        PimProgram { ops }
    }

    fn estimate(&self, gemv: &Gemv, std: &Standard, pim: &PimTiming, sizes: Sizes) -> Tick {
        let closes = estimate::closes(std, pim);
        let gwrite = std.timing.rcd_rd + pim.gwrite;
        let mut shares = self.shares(gemv, std, pim);
        shares.sort_unstable();
        shares.dedup();
        let of_share = |share: &Share| {
            let mut ticks = bound::upload(std, self.vector_rows(*share, gemv, std));
            self.walk(*share, gemv, sizes, pim, |step| {
                ticks += match step {
                    Step::Vector { .. } => gwrite,
                    Step::Tile { tile, .. } => estimate::tile(std, pim, closes, tile),
                };
            });
            ticks
        };
        shares.iter().map(of_share).max().unwrap_or(0)
    }

    /// Goes through a share in order.
    fn walk(
        &self,
        share: Share,
        gemv: &Gemv,
        sizes: Sizes,
        pim: &PimTiming,
        mut visit: impl FnMut(Step),
    ) {
        let chunks = sizes.chunks(share.columns);
        let packed = sizes.packed(share.columns).min(share.groups);
        let tiles = share.groups.div_ceil(packed);
        let passes = gemv.vectors.div_ceil(self.vectors_at_once);
        let in_pass = |pass: u64| {
            self.vectors_at_once
                .min(gemv.vectors - pass * self.vectors_at_once)
        };
        let tile = |index: u64, chunk: u64, vectors: u64, read_out: bool| {
            // The last tile holds what is left of the row groups.
            let held = packed.min(share.groups - index * packed);
            let tile = Tile {
                row: 0,
                results: (held * vectors) as u32,
                comps: sizes.steps(share.columns, chunk),
                read_out,
            };
            Step::Tile {
                index: index * chunks + chunk,
                tile,
            }
        };
        match self.order {
            Order::ReadOut => {
                for chunk in 0..chunks {
                    for pass in 0..passes {
                        let vectors = in_pass(pass);
                        for vector in 0..vectors {
                            let vector = pass * self.vectors_at_once + vector;
                            visit(Step::Vector { vector, chunk });
                        }
                        for index in 0..tiles {
                            visit(tile(index, chunk, vectors, true));
                        }
                    }
                }
            }
            Order::Accumulate => {
                for pass in 0..passes {
                    let vectors = in_pass(pass);
                    let kept = (pim.accumulators / vectors).max(1);
                    // A buffer that holds every chunk is filled once.
                    let resident = vectors * chunks <= sizes.buffer;
                    for first in (0..tiles).step_by(kept as usize) {
                        for chunk in 0..chunks {
                            if !resident || first == 0 {
                                for vector in 0..vectors {
                                    let vector = pass * self.vectors_at_once + vector;
                                    visit(Step::Vector { vector, chunk });
                                }
                            }
                            for index in first..(first + kept).min(tiles) {
                                visit(tile(index, chunk, vectors, chunk + 1 == chunks));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One step through a share.
enum Step {
    Vector { vector: u64, chunk: u64 },
    Tile { index: u64, tile: Tile },
}

fn sizes(gemv: &Gemv, std: &Standard, pim: &PimTiming) -> Option<Sizes> {
    Some(Sizes {
        row: gemv.format.elements(std.organisation.row_bytes),
        macs: pim.macs(gemv.format)?,
        buffer: pim.vector_buffer_rows,
    })
}

/// Columns of one split: whole steps, as equal as they can be.
fn share(columns: u64, index: u64, splits: u64, macs: u64) -> u64 {
    let steps = columns.div_ceil(macs);
    let before = |index: u64| (steps * index / splits * macs).min(columns);
    before(index + 1) - before(index)
}

fn largest_share(columns: u64, splits: u64, macs: u64) -> u64 {
    let of = |index| share(columns, index, splits, macs);
    (0..splits).map(of).max().unwrap_or(columns)
}
