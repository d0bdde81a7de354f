//! How the tool counts words read behind the scratchpads.
//!
//! *Calculated*: every address when it is first asked for, and again once a window of half the
//! scratchpad, in hundredths of it, has moved past (`read_buffer_estimate_bw.py`).
//!
//! *User*: before the first cycle a half is filled with lines as wide as the port, from a matrix in which
//! the idle lanes of partial folds take part; lines are counted whole (`read_buffer.py`). Two
//! departures follow: null requests are counted, and the last line is. An operand that the half does
//! not hold makes the window circle through it; that defect is not followed.

use super::Product;
use crate::npu::{Array, Dataflow};

/// The operands of a product as the tool lays them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operands {
    pub inputs: Operand,
    pub weights: Operand,
}

/// An operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operand {
    /// Words of the matrix that the array sees.
    words: u64,
    /// Addresses: fewer where windows of a convolution overlap.
    addresses: u64,
    /// Words of its matrix of requests, idle lanes included.
    requests: u64,
    /// Words that the array asks for in all folds.
    reads: u64,
}

impl Operands {
    pub(super) fn new(array: &Array, product: Product, input_words: u64) -> Operands {
        let Product { m, k, n, .. } = product;
        let folds = array.folds(m, k, n);
        let reads = array.scratchpad_accesses(m, k, n);
        // The lanes that an operand enters by, or lies on.
        let on_rows = folds.rows * array.rows;
        let on_columns = folds.columns * array.columns;
        let (inputs, weights) = match array.dataflow {
            Dataflow::WeightStationary => (m * on_rows, k * on_columns),
            Dataflow::OutputStationary => (k * on_rows, k * on_columns),
            Dataflow::InputStationary => (k * on_columns, n * on_rows),
        };
        Operands {
            inputs: Operand {
                words: m * k,
                addresses: input_words.min(m * k),
                requests: inputs,
                reads: reads.inputs,
            },
            weights: Operand {
                words: k * n,
                addresses: k * n,
                requests: weights,
                reads: reads.weights,
            },
        }
    }
}

impl Operand {
    /// Words read where nothing limits them, behind a scratchpad of `size`; none where the window
    /// moves over an operand that is read again.
    pub(super) fn without_limit(&self, size: u64) -> Option<u64> {
        let window = 50 * (size / 100);
        (self.addresses < window || self.reads == self.addresses).then_some(self.addresses)
    }

    /// Words read through a port of `rate` into a scratchpad of `size` whose half holds the operand;
    /// none where it does not.
    pub(super) fn resident(&self, size: u64, rate: u64) -> Option<u64> {
        let half = size.div_ceil(2);
        let set = size.div_ceil(100).max(1);
        // The window is of whole hundredths of the scratchpad, the last of them begun.
        if self.words / set + 1 > half.div_ceil(set) {
            return None;
        }
        let lines = half.div_ceil(rate).min(self.requests.div_ceil(rate));
        Some(lines * rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_lanes_and_whole_lines_are_counted() {
        let operands = Operands::new(&Array::new(128, 128), Product::new(100, 300, 500), 30_000);
        // Three folds of 128 rows for 300, four of 128 columns for 500.
        let size = 1 << 20;
        assert_eq!(operands.inputs.resident(size, 10), Some(100 * 3 * 128));
        assert_eq!(operands.weights.resident(size, 10), Some(300 * 4 * 128));
        assert_eq!(operands.inputs.resident(size, 7), Some(38_402));
        assert_eq!(operands.weights.resident(1 << 16, 10), None);
    }

    #[test]
    fn a_window_forgets_what_is_read_again() {
        let operands = Operands::new(&Array::new(128, 128), Product::new(100, 300, 500), 30_000);
        // Inputs are read four times, weights once.
        assert_eq!(operands.inputs.without_limit(1 << 16), Some(30_000));
        assert_eq!(operands.inputs.without_limit(1 << 15), None);
        assert_eq!(operands.weights.without_limit(1 << 15), Some(150_000));
    }
}
