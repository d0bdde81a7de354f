//! Layers as SCALE-Sim reports them: the array of [`npu`](crate::npu) with serial folds, and what that
//! tool counts beyond it.
//!
//! Everything it counts that no machine does is a departure of its own here, by name, and none of it is
//! in `npu`. Facts are those of scalesim-project/SCALE-Sim (v3) and scale-sim-v2, where both agree.

pub mod layers;
mod reads;
mod writes;

use crate::npu::{
    Accesses, Array, Folding, Halves, Overlap, PartialFolds, Rates, Sparsity, Utilisation,
};
use crate::time::Tick;

pub use crate::npu::Dataflow;

/// A configuration of the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// Rows of the array (`ArrayHeight`).
    pub rows: u64,
    /// Its columns (`ArrayWidth`).
    pub columns: u64,
    /// What stays in it.
    pub dataflow: Dataflow,
    /// Scratchpads and what is behind them; absent where only the array is looked at.
    pub memory: Option<Memory>,
}

/// The scratchpads, in words of one byte, and the mode of the interface behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Of inputs (`IfmapSramSzkB`), both halves.
    pub inputs: u64,
    /// Of weights (`FilterSramSzkB`).
    pub weights: u64,
    /// Of outputs (`OfmapSramSzkB`).
    pub outputs: u64,
    /// `InterfaceBandwidth`.
    pub interface: Interface,
}

/// What limits the traffic behind the scratchpads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// `CALC`: nothing; the tool reports what rate would have been needed.
    Calculated,
    /// `USER`: words a cycle of each port.
    User(Rates),
}

/// The words that half a scratchpad holds: `active_buf_frac` is 0.5, rounded up.
fn half(words: u64) -> u64 {
    words.div_ceil(2)
}

impl Memory {
    /// Scratchpads of so many KiB.
    pub fn kib(inputs: u64, weights: u64, outputs: u64, interface: Interface) -> Memory {
        Memory {
            inputs: inputs << 10,
            weights: weights << 10,
            outputs: outputs << 10,
            interface,
        }
    }

    /// The halves of the scratchpads.
    pub fn halves(&self) -> Halves {
        Halves {
            inputs: half(self.inputs),
            weights: half(self.weights),
            outputs: half(self.outputs),
        }
    }
}

/// A layer as a product [m, k] x [k, n].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// Rows of the inputs: tokens, or output pixels.
    pub m: u64,
    /// Reduction.
    pub k: u64,
    /// Columns of the outputs: features, or filters.
    pub n: u64,
    /// Words of the inputs: fewer than `m * k` where windows of a convolution overlap.
    pub input_words: u64,
    /// Which weights are left; all where it is absent.
    pub sparsity: Option<Sparsity>,
}

impl Product {
    /// A product of matrices.
    pub fn new(m: u64, k: u64, n: u64) -> Product {
        Product {
            m,
            k,
            n,
            input_words: m * k,
            sparsity: None,
        }
    }

    /// Lanes that its reduction takes.
    pub fn lanes(&self) -> u64 {
        self.sparsity
            .map_or(self.k, |sparsity| sparsity.lanes(self.k))
    }

    /// Bytes that say which weights are left.
    pub fn index_bytes(&self) -> u64 {
        let weights = self.lanes() * self.n;
        self.sparsity
            .map_or(0, |sparsity| sparsity.index_bytes(weights))
    }

    /// The product as the array sees it: weights that are left, and the inputs they meet.
    fn dense(&self) -> Product {
        Product::new(self.m, self.lanes(), self.n)
    }
}

/// What the tool reports of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Cycles of the array, counted (`F * T_fold`).
    pub array_cycles: Tick,
    /// Cycles of the array and the stalls; none where the tool's own stalls are a defect that is not
    /// followed, see [`Report::ideal`].
    pub cycles: Option<Tick>,
    /// Stalls.
    pub stalls: Option<Tick>,
    /// Shares of the array in use.
    pub utilisation: Utilisation,
    /// Words between scratchpads and array as physical.
    pub scratchpads: Accesses,
    /// Output words beyond these that the tool counts.
    pub surplus_writes: u64,
    /// Words behind the scratchpads, as far as they are known without following defects.
    pub memory: Option<Traffic>,
    /// The same product by the rule that the tool's memory is meant to follow; absent where nothing
    /// limits the traffic.
    pub ideal: Option<Overlap>,
    /// Words behind the scratchpads as physical.
    pub physical: Option<Accesses>,
}

/// Words behind the scratchpads as the tool counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Inputs read.
    pub inputs: Option<u64>,
    /// Weights read.
    pub weights: Option<u64>,
    /// Outputs written.
    pub outputs: Option<u64>,
}

impl Report {
    /// The figure printed as "Total Cycles": the index of the last cycle, counted from 0.
    pub fn printed(cycles: Tick) -> Tick {
        cycles.saturating_sub(1)
    }

    /// The output writes printed.
    pub fn printed_writes(&self) -> u64 {
        self.scratchpads.outputs + self.surplus_writes
    }
}

impl Setup {
    /// The array that the tool describes.
    pub fn array(&self) -> Array {
        Array {
            dataflow: self.dataflow,
            folding: Folding::Serial,
            partial_folds: PartialFolds::Full,
            ..Array::new(self.rows, self.columns)
        }
    }

    /// Folds and cycles of a layer on the array.
    pub fn size(&self, product: Product) -> (u64, Tick) {
        let Product { m, k, n, .. } = product.dense();
        let array = self.array();
        let folds = array.folds(m, k, n);
        (folds.count(), array.cycles(folds))
    }

    /// What the tool reports of a layer.
    pub fn run(&self, product: Product) -> Report {
        let Product { m, k, n, .. } = product.dense();
        let array = self.array();
        let folds = array.folds(m, k, n);
        let array_cycles = array.cycles(folds);
        // It adds up the sides of a fold's outputs as if they were words.
        let surplus_writes = match self.dataflow {
            Dataflow::OutputStationary => folds.count() * (self.rows + self.columns),
            Dataflow::WeightStationary | Dataflow::InputStationary => 0,
        };
        let (stalls, memory) = match &self.memory {
            None => (Some(0), None),
            Some(memory) => self.behind(product.dense(), product.input_words, memory),
        };
        let cycles = stalls.map(|stalls| array_cycles + stalls);
        let rates = self.memory.and_then(|memory| match memory.interface {
            Interface::Calculated => None,
            Interface::User(rates) => Some((memory.halves(), rates)),
        });
        let ideal = rates.map(|(halves, rates)| array.overlap((m, k, n), &halves, &rates));
        let taken = cycles.or(ideal.map(|ideal| ideal.cycles()));
        let mut scratchpads = array.scratchpad_accesses(m, k, n);
        if product.sparsity.is_some() && self.dataflow == Dataflow::WeightStationary {
            // All inputs of a block stream past the weights that are left of it.
            scratchpads.inputs = m * product.k * folds.columns;
        }
        let printed = Report::printed(taken.unwrap_or(array_cycles));
        Report {
            array_cycles,
            cycles,
            stalls,
            utilisation: array.utilisation((m, k, n), printed),
            scratchpads,
            surplus_writes,
            memory,
            ideal,
            physical: self.memory.map(|memory| {
                let halves = memory.halves();
                let words = array.memory_accesses((m, k, n), &halves);
                let resident = product.input_words <= halves.inputs;
                Accesses {
                    inputs: if resident {
                        product.input_words
                    } else {
                        scratchpads.inputs
                    },
                    ..words
                }
            }),
        }
    }

    /// Stalls, and words behind the scratchpads.
    fn behind(
        &self,
        product: Product,
        input_words: u64,
        memory: &Memory,
    ) -> (Option<Tick>, Option<Traffic>) {
        let array = self.array();
        let shape = reads::Operands::new(&array, product, input_words);
        let drain = |rate| writes::drain(&array, product, memory.outputs, rate);
        match memory.interface {
            Interface::Calculated => {
                // A word of each column leaves in a cycle.
                let (stalls, written) = drain(self.columns);
                let traffic = Traffic {
                    inputs: shape.inputs.without_limit(memory.inputs),
                    weights: shape.weights.without_limit(memory.weights),
                    outputs: Some(written),
                };
                (Some(stalls), Some(traffic))
            }
            Interface::User(rates) => {
                let inputs = shape.inputs.resident(memory.inputs, rates.inputs);
                let weights = shape.weights.resident(memory.weights, rates.weights);
                if inputs.is_none() || weights.is_none() {
                    return (None, None);
                }
                let (stalls, written) = drain(rates.outputs);
                let traffic = Traffic {
                    inputs,
                    weights,
                    outputs: Some(written),
                };
                (Some(stalls), Some(traffic))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_the_array_and_what_is_counted_beyond() {
        let setup = Setup {
            rows: 128,
            columns: 64,
            dataflow: Dataflow::OutputStationary,
            memory: None,
        };
        let report = setup.run(Product::new(128, 10, 128));
        assert_eq!(report.array_cycles, 2 * (128 + 64 + 10 - 2));
        assert_eq!(report.printed_writes(), 128 * 128 + 2 * (128 + 64));
        assert_eq!(report.stalls, Some(0));
    }
}
