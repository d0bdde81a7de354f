//! How much of an array a product uses, by the three measures of SCALE-Sim, each defined where it is
//! printed.

use super::Array;
use crate::time::Tick;

/// Shares between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Utilisation {
    /// Multiply-accumulates done over those that all elements could have done in the cycles taken,
    /// stalls included.
    pub overall: f64,
    /// Elements with work over all elements, mean over the folds.
    pub mapping: f64,
    /// Multiply-accumulates done over those that all elements could have done in the cycles of
    /// their fold, load and drain included, mean over the folds: `mapping * streamed / fold`.
    pub compute: f64,
}

impl Utilisation {
    /// What the shares mean, a line each.
    pub const DEFINITIONS: [(&'static str, &'static str); 3] = [
        (
            "overall",
            "M*K*N / (cycles * rows * columns * arrays), stalls included",
        ),
        (
            "mapping",
            "elements with work / all elements, mean over the folds",
        ),
        (
            "compute",
            "mapping * streamed rows / cycles of a fold alone, mean over the folds",
        ),
    ];
}

impl Array {
    /// Shares of a product [m, k] x [k, n] that took `cycles`.
    pub fn utilisation(&self, (m, k, n): (u64, u64, u64), cycles: Tick) -> Utilisation {
        let (on_rows, on_columns, streamed) = self.dataflow.extents(m, k, n);
        let folds = self.folds(m, k, n);
        let lanes = (self.rows * self.columns) as f64;
        let mut compute = 0.0;
        let sides = [
            (folds.rows.saturating_sub(1), self.rows),
            (1, folds.last_rows),
        ];
        for (row_folds, rows) in sides {
            let sides = [
                (folds.columns.saturating_sub(1), self.columns),
                (1, folds.last_columns),
            ];
            for (column_folds, columns) in sides {
                let charged = self.charged(rows, columns);
                let fold = self.load(charged.0) + self.pass(streamed, charged.0, charged.1);
                let share = (rows * columns * streamed) as f64 / (lanes * fold.max(1) as f64);
                compute += (row_folds * column_folds) as f64 * share;
            }
        }
        let count = (folds.rows * folds.columns).max(1) as f64;
        let possible = cycles.max(1) as f64 * self.macs_per_cycle() as f64;
        Utilisation {
            overall: m as f64 * k as f64 * n as f64 / possible,
            mapping: on_rows as f64 * on_columns as f64 / (count * lanes),
            compute: compute / count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Folding;
    use super::*;

    #[test]
    fn a_fold_that_fills_the_array_streams_for_a_quarter_of_its_time() {
        let array = Array {
            folding: Folding::Serial,
            ..Array::new(128, 128)
        };
        let cycles = array.product_cycles(128, 128, 128);
        let found = array.utilisation((128, 128, 128), cycles);
        let quarter = 128.0 / 510.0;
        assert!((found.overall - quarter).abs() < 1e-12);
        assert!((found.mapping - 1.0).abs() < 1e-12);
        assert!((found.compute - quarter).abs() < 1e-12);
    }

    #[test]
    fn idle_lanes_are_no_mapping() {
        let array = Array::new(128, 128);
        let found = array.utilisation((64, 130, 128), 1000);
        assert!((found.mapping - 130.0 / 256.0).abs() < 1e-12);
    }
}
