//! Equal systolic arrays, and the cycles of one fold: the closed forms from which products and
//! schedules are built.
//!
//! A processing element takes two operands and a sum and gives the sum `mac_latency` cycles later; it
//! can begin another every cycle. Operands move one element a cycle.
//!
//! *Weights or inputs stationary.* The sum of a column passes down the rows, so that row r begins
//! `r * mac_latency` cycles after row 0; column c begins c cycles after column 0. With s streamed rows
//! the last sum leaves `(s - 1) + rows * mac_latency + (columns - 1)` cycles after the first operand
//! came in. The stationary operand is shifted in from the top through shadow registers, a row a cycle,
//! the last row first: `rows` cycles. An element takes its shadow over when the first operand of a fold
//! reaches it, and only then may the next operand be shifted past it; sums leave in the order of folds.
//!
//! *Outputs stationary.* Sums stay, so a product may not begin before the sum that it adds to is there.
//! The elements keep `mac_latency` interleaved sums in their pipelines, which lets a product begin every
//! cycle, and add these up pair by pair at the end. Row r and column c begin r + c cycles after the
//! first. A sum leaves over the result bus of its column in the cycle in which it is complete; rows are
//! complete one a cycle, so that one bus a column is enough, and folds must begin `rows` cycles apart.

use super::{Dataflow, Folding, PartialFolds};
use crate::time::Tick;
use std::collections::VecDeque;

/// Fewest streamed rows that a block of ONNXim is charged for (`SystolicWS.cc`).
pub(super) const LEAST_BLOCK: u64 = 4;

/// Equal arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array {
    /// Rows of a block: extent in the reduction dimension, of outputs where those are stationary.
    pub rows: u64,
    /// Columns of a block: extent in the output dimension, of inputs where those are stationary.
    pub columns: u64,
    /// Arrays that work side by side, each on other columns.
    pub count: u64,
    /// What stays in the array.
    pub dataflow: Dataflow,
    /// Whether a fold overlaps the one before it.
    pub folding: Folding,
    /// Cycles from the operands of a multiply-accumulate to its result.
    pub mac_latency: u64,
    /// What a fold costs that does not fill the array.
    pub partial_folds: PartialFolds,
}

impl Array {
    /// One weight-stationary array whose folds overlap, of elements that take one cycle.
    pub const fn new(rows: u64, columns: u64) -> Array {
        Array {
            rows,
            columns,
            count: 1,
            dataflow: Dataflow::WeightStationary,
            folding: Folding::Overlapped,
            mac_latency: 1,
            partial_folds: PartialFolds::Full,
        }
    }

    /// Multiply-accumulates of all arrays in one cycle.
    pub fn macs_per_cycle(&self) -> u64 {
        self.rows * self.columns * self.count
    }

    /// Rows and columns that a fold costs, given those that it uses.
    pub(super) fn charged(&self, rows: u64, columns: u64) -> (u64, u64) {
        match self.partial_folds {
            PartialFolds::Full => (self.rows, self.columns),
            PartialFolds::Exact => (rows.min(self.rows), columns.min(self.columns)),
        }
    }

    /// Cycles to load the stationary operand of a fold of `rows`, one row a cycle.
    pub(super) fn load(&self, rows: u64) -> Tick {
        if self.dataflow.loads() { rows } else { 0 }
    }

    /// Cycles from the first operand of a fold to its last result.
    pub(super) fn pass(&self, streamed: u64, rows: u64, columns: u64) -> Tick {
        match self.dataflow {
            Dataflow::OutputStationary => self.accumulation(streamed).1 + rows + columns - 2,
            Dataflow::WeightStationary | Dataflow::InputStationary => {
                streamed + rows * self.mac_latency + columns - 2
            }
        }
    }

    /// Cycles from the start of a fold to the earliest start of the next, of `next_rows`.
    pub(super) fn gap(&self, streamed: u64, rows: u64, next_rows: u64) -> Tick {
        match self.dataflow {
            Dataflow::OutputStationary => self.accumulation(streamed).0.max(rows),
            Dataflow::WeightStationary | Dataflow::InputStationary => {
                // Sums that leave at a row further up must not overtake those before them.
                let shorter = rows.saturating_sub(next_rows) * self.mac_latency;
                // A row is `mac_latency` cycles behind the row above it in taking its shadow over,
                // and the load is one.
                let behind = (rows.min(next_rows) - 1) * (self.mac_latency - 1);
                (streamed + shorter).max(next_rows + behind)
            }
        }
    }

    /// Of an element that keeps its sums: the cycles for which `products` and the addition of the
    /// interleaved sums occupy it, and those until the sum is there.
    fn accumulation(&self, products: u64) -> (Tick, Tick) {
        let latency = self.mac_latency;
        let sums = products.min(latency);
        let mut ready: VecDeque<Tick> =
            (products - sums..products).map(|at| at + latency).collect();
        let mut free = products;
        while ready.len() > 1 {
            let (_, Some(second)) = (ready.pop_front(), ready.pop_front()) else {
                break;
            };
            let start = second.max(free);
            free = start + 1;
            ready.push_back(start + latency);
        }
        (free, ready.pop_front().unwrap_or(0))
    }

    /// Cycles between the starts of blocks of `streamed` rows by the rule of ONNXim.
    pub(super) fn block_gap(&self, streamed: u64) -> Tick {
        streamed.max(LEAST_BLOCK).max(self.load(self.rows))
    }

    /// Cycles before the first block that meets an empty array, by that rule: every row and column
    /// of the skewed load.
    pub(super) fn block_load(&self) -> Tick {
        if self.dataflow.loads() {
            self.rows + self.columns - 1
        } else {
            0
        }
    }

    /// Cycles of such a block.
    pub(super) fn block_pass(&self, streamed: u64) -> Tick {
        self.pass(streamed.max(LEAST_BLOCK), self.rows, self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interleaved_sums_are_added_up_at_the_end() {
        let of = |mac_latency, products| {
            let array = Array {
                dataflow: Dataflow::OutputStationary,
                mac_latency,
                ..Array::new(4, 4)
            };
            array.accumulation(products)
        };
        // One sum: it is there in the cycle after the last product.
        assert_eq!(of(1, 10), (10, 10));
        assert_eq!(of(3, 1), (1, 3));
        // Two sums, there after cycles 10 and 11: one addition from 11 to 13.
        assert_eq!(of(2, 10), (12, 13));
        // Four, there after 10 to 13: pairs at 11 and 13, their sums after 15 and 17, then 21.
        assert_eq!(of(4, 10), (18, 21));
    }

    #[test]
    fn sums_of_slow_elements_skew_the_rows() {
        let array = Array {
            mac_latency: 4,
            ..Array::new(8, 16)
        };
        assert_eq!(array.pass(100, 8, 16), 99 + 8 * 4 + 15);
    }
}
