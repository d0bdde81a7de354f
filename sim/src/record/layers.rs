//! The record of the layers of a topology on a systolic array (`memwall gemm --topology`).

use serde::{Deserialize, Serialize};

/// Layers on one array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayersRecord {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// File of the configuration, and its `run_name`.
    pub configuration: (String, String),
    /// File of the topology.
    pub topology: String,
    /// BLAKE3 of both files.
    pub digest: String,
    /// Rows and columns of the array.
    pub array: (u64, u64),
    /// Dataflow.
    pub dataflow: String,
    /// Layers in order.
    pub layers: Vec<LayerRecord>,
    /// Cycles of the arrays in all layers, repeats counted.
    pub array_cycles: u64,
    /// What the shares of the array in use mean.
    pub definitions: Vec<(String, String)>,
    /// What a reader must know to read the figures rightly.
    pub notes: Vec<String>,
}

/// A layer, once; a depth-wise convolution or a batch repeats it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// Name.
    pub name: String,
    /// Line of the topology.
    pub line: u64,
    /// Rows of the product [m, k] x [k, n].
    pub m: u64,
    /// Its reduction.
    pub k: u64,
    /// Its columns.
    pub n: u64,
    /// Of the reduction, what is left with sparse weights.
    pub lanes_of_reduction: u64,
    /// Equal products.
    pub repeats: u64,
    /// Cycles of the array, counted; SCALE-Sim prints one less.
    pub array_cycles: u64,
    /// With stalls as SCALE-Sim has them; absent where those are a known defect of it.
    pub cycles: Option<u64>,
    /// These stalls.
    pub stall_cycles: Option<u64>,
    /// By the rule of double-buffered scratchpads; absent where nothing limits the traffic.
    pub by_the_rule: Option<IdealRecord>,
    /// Share of the multiply-accumulates possible in the cycles taken.
    pub overall_utilisation: f64,
    /// Share of the elements with work.
    pub mapping_efficiency: f64,
    /// Share of the multiply-accumulates possible in the cycles of the folds.
    pub compute_utilisation: f64,
    /// Words between scratchpads and array.
    pub scratchpad: WordsRecord,
    /// Words between memory and scratchpads.
    pub memory: Option<WordsRecord>,
    /// These as SCALE-Sim counts them, as far as they are known without following its defects.
    pub memory_as_scale_sim_counts: Option<WordsRecord>,
    /// Output words that SCALE-Sim counts beyond those of `scratchpad`.
    pub surplus_output_writes: u64,
    /// Bytes that say which weights are left.
    pub index_bytes: u64,
}

/// A layer with double-buffered scratchpads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IdealRecord {
    /// Cycles, from when the first halves are filled.
    pub cycles: u64,
    /// Of these, those in which the array waits.
    pub stall_cycles: u64,
    /// Cycles of that first fill.
    pub first_fill_cycles: u64,
}

/// Words, by operand; absent where they are not known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WordsRecord {
    /// Inputs (ifmap) read.
    pub input_reads: Option<u64>,
    /// Weights (filter) read.
    pub weight_reads: Option<u64>,
    /// Outputs (ofmap) written, partial sums among them.
    pub output_writes: Option<u64>,
    /// Partial sums read back.
    pub partial_sum_reads: Option<u64>,
}
