//! The arrays over time: rounds whose operands arrive from memory, each started as soon as the rounds
//! before it and its operands allow. A recurrence over rounds, never over cycles.
//!
//! The arrays share the streamed operand: in one *round* each array runs a fold of its own on the same
//! rows of it.

use super::{Array, Folding};
use crate::time::Tick;

/// A fold in every array, or a stretch of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// Rows streamed through the arrays.
    pub streamed: u64,
    /// Bytes that must come from memory before it starts, all arrays together.
    pub bytes: u64,
    /// Rows in use, in the array that uses the most.
    pub rows: u64,
    /// Columns in use, in the array that uses the most.
    pub columns: u64,
    /// Whether it goes on with the fold of the round before it: an operand that streams arrives in
    /// stretches, and the arrays stand still in between.
    pub continues: bool,
}

impl Round {
    /// A round of full folds.
    pub fn full(array: &Array, streamed: u64, bytes: u64) -> Round {
        Round {
            streamed,
            bytes,
            rows: array.rows,
            columns: array.columns,
            continues: false,
        }
    }
}

/// The fold that runs.
#[derive(Debug, Clone, Copy)]
struct Running {
    start: Tick,
    streamed: u64,
    rows: u64,
    /// Cycles in which the arrays stood still.
    waited: Tick,
}

/// Arrays with their operands arriving; see [`Schedule::run`].
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    array: Array,
    /// Cycle from which on the arrays are there.
    from: Tick,
    running: Option<Running>,
    end: Tick,
}

impl Schedule {
    /// Arrays that are idle from cycle `at` on.
    pub fn new(array: Array, at: Tick) -> Schedule {
        Schedule {
            array,
            from: at,
            running: None,
            end: at,
        }
    }

    /// Runs a round whose operands are on chip at `ready`; returns the cycle of its last result.
    pub fn run(&mut self, round: Round, ready: Tick) -> Tick {
        let (rows, columns) = self.array.charged(round.rows, round.columns);
        let (start, waited, streamed) = match self.running {
            Some(running) if round.continues => {
                let due = running.start + running.waited + running.streamed;
                let waited = running.waited + ready.saturating_sub(due);
                (running.start, waited, running.streamed + round.streamed)
            }
            _ => (self.start(ready, rows), 0, round.streamed),
        };
        self.running = Some(Running {
            start,
            streamed,
            rows,
            waited,
        });
        let pass = match self.array.folding {
            Folding::Blocks => self.array.block_pass(streamed),
            Folding::Serial | Folding::Overlapped => self.array.pass(streamed, rows, columns),
        };
        self.end = self.end.max(start + waited + pass);
        self.end
    }

    /// When the first row of a fold streams.
    fn start(&self, ready: Tick, rows: u64) -> Tick {
        let array = &self.array;
        let load = array.load(rows);
        match (array.folding, self.running) {
            (Folding::Serial, _) => self.end.max(ready) + load,
            (Folding::Overlapped, None) => self.from.max(ready + load),
            (Folding::Overlapped, Some(running)) => {
                let gap = array.gap(running.streamed, running.rows, rows);
                (running.start + running.waited + gap).max(ready + load)
            }
            (Folding::Blocks, Some(running)) if ready < self.end => {
                let gap = array.block_gap(running.streamed);
                (running.start + running.waited + gap).max(ready)
            }
            (Folding::Blocks, _) => self.from.max(ready) + array.block_load(),
        }
    }

    /// Cycle in which the first row of the last fold streamed, or would have but for waiting.
    pub fn started(&self) -> Tick {
        self.running
            .map_or(self.from, |running| running.start + running.waited)
    }

    /// Cycle of the last result so far.
    pub fn end(&self) -> Tick {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dataflow, PartialFolds};
    use super::*;
    use proptest::prelude::*;

    const ARRAY: Array = Array {
        count: 8,
        ..Array::new(128, 128)
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

    fn any_array() -> impl Strategy<Value = Array> {
        let choice = (0usize..3, 0usize..3, 0usize..2);
        (1u64..12, 1u64..12, 1u64..4, 1u64..6, choice).prop_map(
            |(rows, columns, count, mac_latency, (dataflow, folding, partial))| Array {
                count,
                mac_latency,
                dataflow: Dataflow::NAMES[dataflow].1,
                folding: Folding::NAMES[folding].1,
                partial_folds: PartialFolds::NAMES[partial].1,
                ..Array::new(rows, columns)
            },
        )
    }

    proptest! {
        #[test]
        fn operands_on_chip_give_the_closed_form(
            array in any_array(), m in 1u64..40, k in 1u64..40, n in 1u64..40,
        ) {
            let mut schedule = Schedule::new(array, 0);
            for round in array.rounds(m, k, n, 2) {
                schedule.run(round, 0);
            }
            prop_assert_eq!(schedule.end(), array.product_cycles(m, k, n));
        }

        #[test]
        fn waiting_for_data_never_ends_before_the_data(
            array in any_array(), ready in proptest::collection::vec(0u64..10_000, 1..50), m in 1u64..500,
        ) {
            let mut schedule = Schedule::new(array, 0);
            let (mut last, mut alone) = (0, Schedule::new(array, 0));
            let alone = alone.run(Round::full(&array, m, 1), 0);
            for &at in &ready {
                let end = schedule.run(Round::full(&array, m, 1), at);
                prop_assert!(end >= last);
                if array.folding != Folding::Blocks {
                    prop_assert!(end >= at + alone);
                }
                last = end;
            }
        }
    }
}
