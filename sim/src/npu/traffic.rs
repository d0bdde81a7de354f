//! Words that a product moves between the arrays and their scratchpads, and between those and memory.
//!
//! What SCALE-Sim counts, where it is physical; what it counts beyond that is in `scale_sim`.

use super::{Array, Dataflow};

/// Words of a product, by operand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accesses {
    /// Inputs read (ifmap).
    pub inputs: u64,
    /// Weights read (filter).
    pub weights: u64,
    /// Outputs written, partial sums among them (ofmap).
    pub outputs: u64,
    /// Partial sums read back to be added to: one for every output written but its first.
    pub partial_sums: u64,
}

impl Array {
    /// Words between scratchpads and array for a product [m, k] x [k, n]: an operand is read in every
    /// fold that uses it, an output written in every fold that adds to it.
    pub fn scratchpad_accesses(&self, m: u64, k: u64, n: u64) -> Accesses {
        let folds = self.folds(m, k, n);
        let sums = |folds: u64| (m * n * folds, m * n * folds.saturating_sub(1));
        let ((outputs, partial_sums), inputs, weights) = match self.dataflow {
            Dataflow::WeightStationary => (sums(folds.rows), m * k * folds.columns, k * n),
            Dataflow::OutputStationary => (sums(1), m * k * folds.columns, k * n * folds.rows),
            Dataflow::InputStationary => (sums(folds.rows), m * k, k * n * folds.columns),
        };
        Accesses {
            inputs,
            weights,
            outputs,
            partial_sums,
        }
    }

    /// Words between memory and scratchpads of which halves hold so many words of each operand:
    /// inputs and weights once where they stay, in every pass where they do not; partial sums never
    /// leave the chip.
    pub fn memory_accesses(&self, (m, k, n): (u64, u64, u64), halves: &Halves) -> Accesses {
        let on_chip = self.scratchpad_accesses(m, k, n);
        let of = |operand: u64, half: u64, read: u64| if operand <= half { operand } else { read };
        Accesses {
            inputs: of(m * k, halves.inputs, on_chip.inputs),
            weights: of(k * n, halves.weights, on_chip.weights),
            outputs: m * n,
            partial_sums: 0,
        }
    }
}

/// Words that half of the scratchpad of each operand holds; the other half fills or drains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halves {
    /// Inputs.
    pub inputs: u64,
    /// Weights.
    pub weights: u64,
    /// Outputs.
    pub outputs: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_read_and_write_again() {
        let of = |dataflow| {
            let array = Array {
                dataflow,
                ..Array::new(128, 128)
            };
            let found = array.scratchpad_accesses(100, 300, 500);
            [
                found.inputs,
                found.weights,
                found.outputs,
                found.partial_sums,
            ]
        };
        // 3 folds of the reduction, 4 of 500 columns.
        let (a, b, c) = (30_000, 150_000, 50_000);
        assert_eq!(of(Dataflow::WeightStationary), [4 * a, b, 3 * c, 2 * c]);
        assert_eq!(of(Dataflow::OutputStationary), [4 * a, b, c, 0]);
        assert_eq!(of(Dataflow::InputStationary), [a, b, 3 * c, 2 * c]);
    }

    #[test]
    fn what_stays_comes_from_memory_once() {
        let array = Array::new(128, 128);
        let halves = |inputs| Halves {
            inputs,
            weights: 1,
            outputs: 1,
        };
        let of = |inputs| array.memory_accesses((100, 300, 500), &halves(inputs));
        assert_eq!(of(30_000).inputs, 30_000);
        assert_eq!(of(29_999).inputs, 120_000);
        assert_eq!(of(1).weights, 150_000);
        assert_eq!(of(1).outputs, 50_000);
    }
}
