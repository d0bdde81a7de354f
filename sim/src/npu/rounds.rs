//! A product as rounds of all arrays, with the bytes of weights that each needs from memory.

use super::{Array, Dataflow, Folding, Round};

/// The stretches of `extent`, of at most `most` each: start and length.
fn stretches(extent: u64, most: u64) -> impl Iterator<Item = (u64, u64)> {
    let most = most.max(1);
    (0..extent.div_ceil(most)).map(move |part| (part * most, most.min(extent - part * most)))
}

impl Array {
    /// Rounds of a product [m, k] x [k, n] in the order in which its weights are consumed.
    ///
    /// Stationary weights: output columns outermost, then the reduction; a block of weights is there
    /// before its round. Stationary outputs: output columns, then rows of the output; weights stream
    /// through the first rows a stretch at a time, and are kept on chip for the others. Stationary
    /// inputs: rows of the input, as many as the arrays have columns, then the reduction; all weights
    /// stream through each.
    pub fn rounds(&self, m: u64, k: u64, n: u64, bytes_per_element: u64) -> Vec<Round> {
        let (on_rows, on_columns, streamed) = self.dataflow.extents(m, k, n);
        // Blocks are streamed to an end, stretches go on with the fold.
        let continues =
            self.folding != Folding::Blocks && self.dataflow != Dataflow::WeightStationary;
        let most = match (self.folding, self.dataflow) {
            (Folding::Blocks, _) | (_, Dataflow::OutputStationary) => self.rows,
            (_, Dataflow::WeightStationary) => streamed,
            (_, Dataflow::InputStationary) => self.columns,
        };
        let mut rounds = Vec::new();
        for (_, columns) in stretches(on_columns, self.columns * self.count) {
            for (row, rows) in stretches(on_rows, self.rows) {
                for (at, streamed) in stretches(streamed, most) {
                    let weights = match self.dataflow {
                        Dataflow::WeightStationary if at == 0 => rows * columns,
                        Dataflow::OutputStationary if row == 0 => streamed * columns,
                        Dataflow::InputStationary => rows * streamed,
                        Dataflow::WeightStationary | Dataflow::OutputStationary => 0,
                    };
                    rounds.push(Round {
                        streamed,
                        bytes: weights * bytes_per_element,
                        rows,
                        columns: columns.min(self.columns),
                        continues: continues && at > 0,
                    });
                }
            }
        }
        rounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounds_carry_every_weight_once(
            flow in 0usize..3, m in 1u64..300, k in 1u64..2000, n in 1u64..5000,
        ) {
            let array = Array {
                count: 8,
                dataflow: Dataflow::NAMES[flow].1,
                ..Array::new(128, 128)
            };
            let bytes: u64 = array.rounds(m, k, n, 2).iter().map(|round| round.bytes).sum();
            prop_assert_eq!(bytes, 2 * k * n);
        }

        #[test]
        fn rounds_stream_every_fold_whole(
            flow in 0usize..3, m in 1u64..300, k in 1u64..500, n in 1u64..500,
        ) {
            let array = Array { dataflow: Dataflow::NAMES[flow].1, ..Array::new(16, 32) };
            let rounds = array.rounds(m, k, n, 2);
            let folds = array.folds(m, k, n);
            let begun = rounds.iter().filter(|round| !round.continues).count() as u64;
            prop_assert_eq!(begun, folds.count());
            let streamed: u64 = rounds.iter().map(|round| round.streamed).sum();
            prop_assert_eq!(streamed, folds.count() * folds.streamed);
        }
    }
}
