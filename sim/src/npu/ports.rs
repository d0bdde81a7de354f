//! A product whose operands come through three ports of their own, each into one half of a scratchpad
//! while the arrays use the other: how long the arrays wait.
//!
//! This is the rule that the memory of SCALE-Sim states (Samajdar et al., ISPASS 2020, section III) and
//! that double buffering obeys: a half is refilled while the other is in use, so that a half costs the
//! longer of both times. The arrays stop as a whole. Operands that fit into a half stay; others are
//! fetched again in every pass. The first half of each operand is there before cycle 0, and the time
//! of that fill is given apart.

use super::traffic::Halves;
use super::{Array, Dataflow};
use crate::time::Tick;

/// Words a cycle of each port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Inputs.
    pub inputs: u64,
    /// Weights.
    pub weights: u64,
    /// Outputs.
    pub outputs: u64,
}

/// A product with operands from memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// Cycles in which the arrays run.
    pub array: Tick,
    /// Cycles in which they wait.
    pub stalls: Tick,
    /// Cycles of the first fill, before the first of these.
    pub first_fill: Tick,
}

impl Overlap {
    /// From cycle 0 to the last result.
    pub fn cycles(&self) -> Tick {
        self.array + self.stalls
    }
}

/// An operand on its way: when, in cycles of the arrays, each half of a scratchpad is used up.
struct Stream {
    half: u64,
    rate: u64,
    /// Words so far.
    words: u64,
    /// Cycles of the arrays at which another half begins.
    bounds: Vec<Tick>,
}

impl Stream {
    fn new(half: u64, rate: u64) -> Stream {
        Stream {
            half: half.max(1),
            rate: rate.max(1),
            words: 0,
            bounds: Vec::new(),
        }
    }

    /// Adds `words`, used evenly in the `length` cycles from `at` on.
    fn add(&mut self, at: Tick, length: Tick, words: u64) {
        // The halves whose first word is among these; half 0 is there from the start.
        let mut half = self.words.div_ceil(self.half).max(1);
        while half * self.half < self.words + words {
            let before = u128::from(half * self.half - self.words);
            let part = u128::from(length) * before / u128::from(words);
            self.bounds.push(at + part as Tick);
            half += 1;
        }
        self.words += words;
    }

    /// Cycles to fill, or drain, half number `index`.
    fn fill(&self, index: u64) -> Tick {
        let rest = self.words.saturating_sub(index * self.half);
        rest.min(self.half).div_ceil(self.rate)
    }
}

impl Array {
    /// A product [m, k] x [k, n] on one array, folds one after the other, through scratchpads of such
    /// halves.
    pub fn overlap(&self, (m, k, n): (u64, u64, u64), halves: &Halves, rates: &Rates) -> Overlap {
        let (on_rows, on_columns, streamed) = self.dataflow.extents(m, k, n);
        let folds = self.folds(m, k, n);
        let mut inputs = Stream::new(halves.inputs, rates.inputs);
        let mut weights = Stream::new(halves.weights, rates.weights);
        let mut outputs = Stream::new(halves.outputs, rates.outputs);
        let (keep_inputs, keep_weights) = (m * k <= halves.inputs, k * n <= halves.weights);
        let mut at = 0;
        for column in 0..folds.columns {
            let columns = self.columns.min(on_columns - column * self.columns);
            for row in 0..folds.rows {
                let rows = self.rows.min(on_rows - row * self.rows);
                let charged = self.charged(rows, columns);
                let load = self.load(charged.0);
                let stationary = (at, load.max(1), rows * columns);
                let (left, top) = match self.dataflow {
                    Dataflow::OutputStationary => (
                        (at, streamed, rows * streamed),
                        (at, streamed, columns * streamed),
                    ),
                    Dataflow::WeightStationary => {
                        ((at + load, streamed, rows * streamed), stationary)
                    }
                    Dataflow::InputStationary => {
                        (stationary, (at + load, streamed, rows * streamed))
                    }
                };
                if !keep_inputs {
                    inputs.add(left.0, left.1, left.2);
                }
                if !keep_weights {
                    weights.add(top.0, top.1, top.2);
                }
                let pass = self.pass(streamed, charged.0, charged.1);
                let (produced, words) = match self.dataflow {
                    Dataflow::OutputStationary => (rows, rows * columns),
                    Dataflow::WeightStationary | Dataflow::InputStationary => {
                        (streamed, streamed * columns)
                    }
                };
                let end = at + load + pass;
                // Partial sums stay; the last fold of a reduction gives outputs away.
                if self.dataflow == Dataflow::OutputStationary || row + 1 == folds.rows {
                    outputs.add(end.saturating_sub(produced), produced, words);
                }
                at = end;
            }
        }
        let first = |operand: u64, half: u64, rate: u64| operand.min(half).div_ceil(rate.max(1));
        Overlap {
            array: at,
            stalls: stalls(&[(&inputs, true), (&weights, true), (&outputs, false)]),
            first_fill: first(m * k, halves.inputs, rates.inputs).max(first(
                k * n,
                halves.weights,
                rates.weights,
            )),
        }
    }
}

/// Cycles that the arrays wait at the bounds of halves. A read half is filled from when the one before
/// it came into use; a written half drains from when it was full, before the next may be.
fn stalls(streams: &[(&Stream, bool); 3]) -> Tick {
    let mut next = [0; 3];
    // The second half of an operand fills from cycle 0 on.
    let mut since = streams.map(|(_, reads)| reads.then_some(0));
    let mut stalled = 0;
    loop {
        let due = (0..3).filter_map(|at| Some((*streams[at].0.bounds.get(next[at])?, at)));
        let Some((bound, at)) = due.min() else {
            return stalled;
        };
        let (stream, reads) = streams[at];
        let half = next[at] as u64 + u64::from(reads);
        let now = bound + stalled;
        if let Some(since) = since[at] {
            let ready: Tick = since + stream.fill(half.saturating_sub(u64::from(!reads)));
            stalled += ready.saturating_sub(now);
        }
        since[at] = Some(bound + stalled);
        next[at] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Folding;
    use super::*;

    const SERIAL: Array = Array {
        folding: Folding::Serial,
        ..Array::new(128, 128)
    };

    fn halves(words: u64) -> Halves {
        Halves {
            inputs: words,
            weights: words,
            outputs: words,
        }
    }

    fn rates(words: u64) -> Rates {
        Rates {
            inputs: words,
            weights: words,
            outputs: words,
        }
    }

    #[test]
    fn operands_that_fit_never_wait() {
        let found = SERIAL.overlap((100, 300, 500), &halves(1 << 19), &rates(10));
        assert_eq!((found.array, found.stalls), (5784, 0));
        assert_eq!(found.first_fill, 15_000);
    }

    #[test]
    fn a_narrow_port_takes_the_time_of_its_words() {
        // 150,000 weights by tens: the halves after the first, and the use of the last.
        let found = SERIAL.overlap((100, 300, 500), &halves(1 << 15), &rates(10));
        let refills = 3 * 3277 + (150_000u64 - 4 * 32_768).div_ceil(10);
        assert!(found.cycles() > refills);
        assert!(found.cycles() < refills + 5784 / 4);
        // A wide one hides.
        let hidden = SERIAL.overlap((100, 300, 500), &halves(1 << 15), &rates(128));
        assert_eq!(hidden.stalls, 0);
    }

    #[test]
    fn a_half_costs_the_longer_of_both_times() {
        // One column of folds; each loads 128 x 128 weights, a half.
        let steady = |rate| {
            let of = |folds: u64| {
                let product = (1000, 128 * folds, 128);
                let halves = Halves {
                    weights: 128 * 128,
                    ..halves(1 << 40)
                };
                SERIAL.overlap(product, &halves, &rates(rate)).cycles()
            };
            of(9) - of(8)
        };
        let fold = 2 * 128 + 128 + 1000 - 2;
        assert_eq!(steady(128), fold);
        assert_eq!(steady(4), 128 * 128 / 4);
    }
}
