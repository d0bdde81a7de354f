//! How a product is laid over a systolic array, and the cycles of all its folds by closed form.
//!
//! A *fold* is one pass of the array: two of the three extents are laid over rows and columns, the
//! third is streamed. Folds follow one another along the rows of the array first. With serial folds the
//! cycles are those of SCALE-Sim (ISPASS 2020), with blocks those of ONNXim.

use super::{Array, Folding};
use crate::time::Tick;

/// A product cut into folds of one array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folds {
    /// Folds over the rows of the array.
    pub rows: u64,
    /// Folds over its columns.
    pub columns: u64,
    /// Folds over the streamed extent: one, or those of the block rule.
    pub blocks: u64,
    /// Extent streamed in each fold.
    pub streamed: u64,
    /// Extent streamed in the last of the blocks.
    pub last_streamed: u64,
    /// Rows in use in the last fold over the rows.
    pub last_rows: u64,
    /// Columns in use in the last fold over the columns.
    pub last_columns: u64,
}

impl Folds {
    /// All folds.
    pub fn count(&self) -> u64 {
        self.rows * self.columns * self.blocks
    }
}

/// Folds along a side of the array that cost equally many of its lanes: their number, and the lanes.
type Side = (u64, u64);

/// Parts of `extent` of at most `most`, and the last of them.
fn parts(extent: u64, most: u64) -> (u64, u64) {
    let parts = extent.div_ceil(most);
    (parts, extent - parts.saturating_sub(1) * most)
}

impl Array {
    /// Folds of a product [m, k] x [k, n] on one array.
    pub fn folds(&self, m: u64, k: u64, n: u64) -> Folds {
        let (on_rows, on_columns, streamed) = self.dataflow.extents(m, k, n);
        let (rows, last_rows) = parts(on_rows, self.rows);
        let (columns, last_columns) = parts(on_columns, self.columns);
        let block = match self.folding {
            Folding::Serial | Folding::Overlapped => streamed.max(1),
            Folding::Blocks => self.rows,
        };
        let (blocks, last_streamed) = parts(streamed, block);
        Folds {
            rows,
            columns,
            blocks,
            streamed: block.min(streamed),
            last_streamed,
            last_rows,
            last_columns,
        }
    }

    /// Folds of the array that has the most of them, where `count` arrays share the columns.
    pub fn folds_of_busiest(&self, m: u64, k: u64, n: u64) -> Folds {
        let all = self.folds(m, k, n);
        let columns = all.columns.div_ceil(self.count);
        // Folds go round; the first array has the most, and the narrow one where its turn is last.
        let narrow = all.columns > 0 && (all.columns - 1).is_multiple_of(self.count);
        Folds {
            columns,
            last_columns: if narrow {
                all.last_columns
            } else {
                self.columns
            },
            ..all
        }
    }

    /// Cycles of a product [m, k] x [k, n] on all arrays, operands on chip.
    pub fn product_cycles(&self, m: u64, k: u64, n: u64) -> Tick {
        self.cycles(self.folds_of_busiest(m, k, n))
    }

    /// Cycles of one array for `folds`, all operands on chip.
    pub fn cycles(&self, folds: Folds) -> Tick {
        if folds.count() == 0 {
            return 0;
        }
        match self.folding {
            Folding::Serial => self.serial(&folds),
            Folding::Overlapped => self.overlapped(&folds),
            Folding::Blocks => self.blocks(&folds),
        }
    }

    /// The full and the last folds along the rows, and along the columns.
    fn sides(&self, folds: &Folds) -> ([Side; 2], [Side; 2]) {
        let (full, (last_rows, last_columns)) = (
            (self.rows, self.columns),
            self.charged(folds.last_rows, folds.last_columns),
        );
        (
            [(folds.rows - 1, full.0), (1, last_rows)],
            [(folds.columns - 1, full.1), (1, last_columns)],
        )
    }

    fn serial(&self, folds: &Folds) -> Tick {
        let (by_rows, by_columns) = self.sides(folds);
        let mut cycles = 0;
        for (rows_folds, rows) in by_rows {
            for (columns_folds, columns) in by_columns {
                let fold = self.load(rows) + self.pass(folds.streamed, rows, columns);
                cycles += rows_folds * columns_folds * fold;
            }
        }
        cycles
    }

    fn overlapped(&self, folds: &Folds) -> Tick {
        let ([(more, full), (_, last)], by_columns) = self.sides(folds);
        let streamed = folds.streamed;
        let first = if more > 0 { full } else { last };
        // From the start of the first fold over the rows to that of the last, and to that of the
        // first of the next columns.
        let to_last = match more {
            0 => 0,
            _ => (more - 1) * self.gap(streamed, full, full) + self.gap(streamed, full, last),
        };
        let group = to_last + self.gap(streamed, last, first);
        // The latest fold of each kind: a fold of fewer lanes may be done before the one ahead of it.
        let mut end = 0;
        let mut start = self.load(first);
        for (columns_folds, columns) in by_columns {
            if columns_folds == 0 {
                continue;
            }
            start += (columns_folds - 1) * group;
            end = end.max(start + to_last + self.pass(streamed, last, columns));
            if more > 0 {
                let latest = start + (more - 1) * self.gap(streamed, full, full);
                end = end.max(latest + self.pass(streamed, full, columns));
            }
            start += group;
        }
        end
    }

    fn blocks(&self, folds: &Folds) -> Tick {
        let whole = folds.rows * folds.columns;
        let (full, last) = (folds.streamed, folds.last_streamed);
        let distances =
            whole * (folds.blocks - 1) * self.block_gap(full) + (whole - 1) * self.block_gap(last);
        self.block_load() + distances + self.block_pass(last)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dataflow, PartialFolds};
    use super::*;

    fn array(dataflow: Dataflow, folding: Folding) -> Array {
        Array {
            dataflow,
            folding,
            ..Array::new(128, 128)
        }
    }

    #[test]
    fn serial_folds_are_those_of_scale_sim() {
        let cycles = |dataflow| array(dataflow, Folding::Serial).product_cycles(100, 300, 500);
        assert_eq!(cycles(Dataflow::WeightStationary), 12 * 482);
        assert_eq!(cycles(Dataflow::OutputStationary), 4 * 554);
        assert_eq!(cycles(Dataflow::InputStationary), 3 * 882);
    }

    #[test]
    fn overlapped_folds_hide_the_load() {
        let array = array(Dataflow::WeightStationary, Folding::Overlapped);
        let cycles = array.product_cycles(128, 4096, 12288);
        assert_eq!(cycles, 128 + 3071 * 128 + 382);
    }

    #[test]
    fn blocks_follow_the_rule_of_onnxim() {
        // Its array part of 100 x 300 x 500 on one core of 128 x 128, and of 32 x 32: the last of
        // the blocks of 100 rows streams 4.
        let of = |side| {
            let array = Array {
                folding: Folding::Blocks,
                ..Array::new(side, side)
            };
            array.product_cycles(100, 300, 500)
        };
        assert_eq!(of(128), 255 + 11 * 128 + 354);
        assert_eq!(of(32), 63 + 639 * 32 + 66);
    }

    #[test]
    fn arrays_share_the_columns() {
        let array = Array {
            count: 8,
            folding: Folding::Serial,
            ..Array::new(128, 128)
        };
        // 9 folds over the columns on 8 arrays: one has two.
        assert_eq!(array.folds_of_busiest(1, 128, 1100).columns, 2);
        assert_eq!(array.product_cycles(1, 128, 1100), 2 * (128 + 1 + 254));
    }

    #[test]
    fn exact_folds_cost_the_lanes_in_use() {
        let array = Array {
            partial_folds: PartialFolds::Exact,
            folding: Folding::Serial,
            ..Array::new(128, 128)
        };
        // K = 128 + 2, N = 128 + 3.
        let fold = |rows: u64, columns: u64| 2 * rows + columns + 10 - 2;
        let whole = fold(128, 128) + fold(128, 3) + fold(2, 128) + fold(2, 3);
        assert_eq!(array.product_cycles(10, 130, 131), whole);
    }
}
