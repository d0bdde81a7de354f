//! The record of a comparison with recorded GPU kernels (`memwall validate gpu`).

use super::validation::ErrorSummary;
use serde::{Deserialize, Serialize};

/// Tables of recorded kernels, compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuValidationRecord {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// The suite.
    pub suite: String,
    /// The tables.
    pub references: Vec<GpuReference>,
    /// Kernels in the tables' order, GPU by GPU.
    pub rows: Vec<GpuRow>,
    /// Distribution of errors by GPU, kind and method.
    pub groups: Vec<GpuGroup>,
    /// Decoder blocks.
    pub blocks: Vec<GpuBlock>,
    /// Error of rows under the model that is best held to account: see [`GpuRow::error`].
    pub error: ErrorSummary,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuReference {
    /// File or embedded name.
    pub name: String,
    /// BLAKE3 of the table.
    pub digest: String,
}

/// A recorded kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuRow {
    /// Table.
    pub reference: String,
    /// Line of the table.
    pub line: u64,
    /// GPU, as the table calls it.
    pub gpu: String,
    /// Kind: `gemm`, `attention_decode`, `attention_prefill`, or a row-wise class.
    pub kind: String,
    /// Operator, as the table calls it.
    pub op: String,
    /// Shape.
    pub shape: String,
    /// Attention whose bytes fit the cache of the GPU: a benchmark that repeats it may not have
    /// read them from memory.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub within_cache: bool,
    /// Recorded, microseconds.
    pub recorded_us: f64,
    /// Our times.
    pub figures: Vec<GpuFigure>,
    /// Error of the model that the machine runs with parameters fitted to the other half of the
    /// rows; with the machine's own parameters where there are too few rows for halves.
    pub error: f64,
}

/// A time of ours beside the recorded one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuFigure {
    /// Model: `three_parameter`, `size_dependent`, `table`, or the one model of the kind.
    pub method: String,
    /// What its parameters were fitted to: `machine file`, `even rows`, `odd rows` (which this row is
    /// not one of), or `all other rows`.
    pub basis: String,
    /// Ours, microseconds.
    pub us: f64,
    /// `ours / recorded - 1`.
    pub error: f64,
}

/// Errors of the rows of a GPU and kind under one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuGroup {
    /// GPU, as the tables call it; `all` for those together.
    pub gpu: String,
    /// Kind.
    pub kind: String,
    /// Model.
    pub method: String,
    /// What the parameters were fitted to; those fitted to even rows are scored on odd ones, and the
    /// other way round.
    pub basis: String,
    /// Rows.
    pub rows: u64,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// 90th percentile.
    pub p90: f64,
    /// Largest.
    pub worst: f64,
}

/// A decoder block, operator by operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuBlock {
    /// GPU, as the table calls it.
    pub gpu: String,
    /// Machine that ran it.
    pub machine: String,
    /// Model.
    pub model: String,
    /// Devices of the tensor-parallel group.
    pub tensor_parallel: u64,
    /// Sequences.
    pub batch: u64,
    /// New tokens of each.
    pub seq: u64,
    /// Tokens before them.
    pub context: u64,
    /// Operators in the table's order.
    pub operators: Vec<GpuBlockOperator>,
    /// Sum of the recorded operators, microseconds.
    pub recorded_us: f64,
    /// Sum of ours.
    pub us: f64,
    /// `ours / recorded - 1`.
    pub error: f64,
}

/// An operator of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpuBlockOperator {
    /// Name.
    pub name: String,
    /// Recorded, microseconds.
    pub recorded_us: f64,
    /// Ours.
    pub us: f64,
    /// `ours / recorded - 1`.
    pub error: f64,
}
