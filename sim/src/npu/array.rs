//! Weight-stationary systolic arrays by recurrence over blocks, never over cycles.
//!
//! The arrays share the streamed activations: in one *round* each array holds another block of
//! weight columns for the same rows of the reduction. While a round streams, the weights of the
//! next one are loaded into shadow registers (overlapped preload, as ONNXim models it).

use super::{Dataflow, Folding};
use crate::time::Tick;

/// Equal arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array {
    /// Rows of a block: extent in the reduction dimension.
    pub rows: u64,
    /// Columns of a block: extent in the output dimension.
    pub columns: u64,
    /// Arrays that work side by side.
    pub count: u64,
    /// What stays in the array.
    pub dataflow: Dataflow,
    /// Whether a fold overlaps the one before it.
    pub folding: Folding,
}

impl Array {
    /// Multiply-accumulates of all arrays in one cycle.
    pub fn macs_per_cycle(&self) -> u64 {
        self.rows * self.columns * self.count
    }

    /// Cycles from the start of a round to its last result: `streamed` rows and the skew of the
    /// array.
    pub fn latency(&self, streamed: u64) -> Tick {
        streamed + self.rows + self.columns - 2
    }

    /// Rounds of a product [m, k] x [k, n] whose weights are stationary, in the order in which the
    /// weights are consumed: output column groups outermost, then the reduction.
    pub fn rounds(&self, m: u64, k: u64, n: u64, bytes_per_element: u64) -> Vec<Round> {
        let group = self.columns * self.count;
        let mut rounds = Vec::new();
        let mut column = 0;
        while column < n {
            let columns = group.min(n - column);
            let mut row = 0;
            while row < k {
                let rows = self.rows.min(k - row);
                rounds.push(Round {
                    streamed: m,
                    bytes: rows * columns * bytes_per_element,
                });
                row += rows;
            }
            column += columns;
        }
        rounds
    }
}

/// One stationary block in every array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Rows streamed through the arrays.
    pub streamed: u64,
    /// Bytes of the stationary blocks, all arrays together.
    pub bytes: u64,
}

/// The recurrence: `start(i) = max(start(i-1) + max(streamed(i-1), rows), ready(i) + rows)`, the
/// preload of `rows` cycles going on beside the round before.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    array: Array,
    /// Earliest start of the next round.
    free: Tick,
    end: Tick,
}

impl Schedule {
    /// Arrays that are idle from cycle `at` on.
    pub fn new(array: Array, at: Tick) -> Schedule {
        Schedule {
            array,
            free: at,
            end: at,
        }
    }

    /// Runs a round whose stationary blocks are on chip at `ready`; returns the cycle of its last
    /// result.
    pub fn run(&mut self, round: Round, ready: Tick) -> Tick {
        let start = self.free.max(ready + self.array.rows);
        self.free = start + round.streamed.max(self.array.rows);
        self.end = self.end.max(start + self.array.latency(round.streamed));
        self.end
    }

    /// Cycle of the last result so far.
    pub fn end(&self) -> Tick {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ARRAY: Array = Array {
        rows: 128,
        columns: 128,
        count: 8,
        dataflow: Dataflow::WeightStationary,
        folding: Folding::Overlapped,
    };

    #[test]
    fn a_gemm_with_its_weights_on_chip_has_a_closed_form() {
        // 7B, TP 4, QKV at 256 rows: 3 column groups x 32 reduction blocks, 256 cycles each.
        let rounds = ARRAY.rounds(256, 4096, 3072, 2);
        assert_eq!(rounds.len(), 96);
        let mut schedule = Schedule::new(ARRAY, 0);
        for &round in &rounds {
            schedule.run(round, 0);
        }
        assert_eq!(schedule.end(), 128 + 95 * 256 + (256 + 254));
    }

    proptest! {
        #[test]
        fn rounds_carry_every_weight_once(m in 1u64..300, k in 1u64..2000, n in 1u64..5000) {
            let bytes: u64 = ARRAY.rounds(m, k, n, 2).iter().map(|round| round.bytes).sum();
            prop_assert_eq!(bytes, 2 * k * n);
        }

        #[test]
        fn waiting_for_data_never_ends_before_the_data(ready in proptest::collection::vec(0u64..10_000, 1..50), m in 1u64..500) {
            let mut schedule = Schedule::new(ARRAY, 0);
            let mut last = 0;
            for &at in &ready {
                let end = schedule.run(Round { streamed: m, bytes: 1 }, at);
                prop_assert!(end >= at + 128 + m + 254);
                prop_assert!(end >= last);
                last = end;
            }
        }
    }
}
