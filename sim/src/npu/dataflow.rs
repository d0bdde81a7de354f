//! How a product is laid over a systolic array, and the cycles of its folds by closed form.
//!
//! A *fold* is one pass of the array: two of the three extents are laid over rows and columns, the
//! third is streamed. Cycle counts per fold follow SCALE-Sim (ISPASS 2020) where folds are serial,
//! and the shadow registers of ONNXim where they overlap.

use super::Array;
use crate::time::Tick;

/// Which operand stays in the array while the others move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataflow {
    /// K on rows, N on columns, M streamed.
    WeightStationary,
    /// M on rows, N on columns, K streamed.
    OutputStationary,
    /// K on rows, M on columns, N streamed (activations stationary).
    InputStationary,
}

/// Whether successive folds overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Folding {
    /// A fold begins when the one before has drained (SCALE-Sim).
    Serial,
    /// The stationary operand of the next fold is loaded into shadow registers while this one
    /// streams, and folds follow each other without a gap (ONNXim).
    Overlapped,
}

/// A product cut into folds of one array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folds {
    /// Folds over the rows of the array.
    pub rows: u64,
    /// Folds over its columns.
    pub columns: u64,
    /// Extent streamed in each fold.
    pub streamed: u64,
}

impl Folds {
    /// All folds.
    pub fn count(&self) -> u64 {
        self.rows * self.columns
    }
}

impl Array {
    /// Folds of a product [m, k] x [k, n] on one array. A partial fold takes as long as a full one.
    pub fn folds(&self, m: u64, k: u64, n: u64) -> Folds {
        let (on_rows, on_columns, streamed) = match self.dataflow {
            Dataflow::WeightStationary => (k, n, m),
            Dataflow::OutputStationary => (m, n, k),
            Dataflow::InputStationary => (k, m, n),
        };
        Folds {
            rows: on_rows.div_ceil(self.rows),
            columns: on_columns.div_ceil(self.columns),
            streamed,
        }
    }

    /// Cycles to load the stationary operand of a fold, one row a cycle.
    fn load(&self) -> Tick {
        match self.dataflow {
            Dataflow::OutputStationary => 0,
            Dataflow::WeightStationary | Dataflow::InputStationary => self.rows,
        }
    }

    /// Cycles of one array for `folds`, all operands on chip.
    pub fn cycles(&self, folds: Folds) -> Tick {
        let (count, load) = (folds.count(), self.load());
        let pass = folds.streamed + self.rows + self.columns - 2;
        match self.folding {
            Folding::Serial => count * (load + pass),
            // The array is fed again when the rows are streamed and the next operand is loaded (or
            // the outputs are shifted out through the rows).
            Folding::Overlapped if count == 0 => 0,
            Folding::Overlapped => load + (count - 1) * folds.streamed.max(self.rows) + pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(dataflow: Dataflow, folding: Folding) -> Array {
        Array {
            rows: 128,
            columns: 128,
            count: 1,
            dataflow,
            folding,
        }
    }

    #[test]
    fn serial_folds_are_those_of_scale_sim() {
        let cycles = |dataflow| {
            let array = array(dataflow, Folding::Serial);
            array.cycles(array.folds(100, 300, 500))
        };
        assert_eq!(cycles(Dataflow::WeightStationary), 12 * 482);
        assert_eq!(cycles(Dataflow::OutputStationary), 4 * 554);
        assert_eq!(cycles(Dataflow::InputStationary), 3 * 882);
    }

    #[test]
    fn overlapped_folds_hide_the_load() {
        let array = array(Dataflow::WeightStationary, Folding::Overlapped);
        assert_eq!(
            array.cycles(array.folds(128, 4096, 12288)),
            128 + 3071 * 128 + 382
        );
    }
}
