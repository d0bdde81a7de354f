//! The record of one matrix product alone on a machine (`memwall gemm`).

use super::MachineRecord;
use crate::exec::Fidelity;
use serde::{Deserialize, Serialize};

/// One product on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GemmRecord {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// The machine.
    pub machine: MachineRecord,
    /// The product.
    pub product: ShapeRecord,
    /// Detail of the memory.
    pub fidelity: Fidelity,
    /// How it was cut; absent for a GPU.
    pub mapping: Option<MappingRecord>,
    /// What was measured.
    pub result: GemmResult,
    /// What a reader must know to read the figures rightly.
    pub notes: Vec<String>,
}

/// A product [m, k] x [k, n].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ShapeRecord {
    pub m: u64,
    pub k: u64,
    pub n: u64,
    pub dtype: String,
    /// Tensors on chip before the product, or left there.
    pub resident: Vec<String>,
}

/// How a product was cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MappingRecord {
    pub tile_m: u64,
    pub tile_k: u64,
    pub tile_n: u64,
    /// Loops over tiles, outermost first.
    pub order: String,
    /// What the arrays hold: weights, activations, outputs.
    pub stationary: String,
    /// Tiles that all cores ran.
    pub tiles: u64,
    /// Cores with work.
    pub cores: u64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GemmResult {
    /// From the first request to the last output in its place.
    pub time_us: f64,
    /// The same in cycles of the arrays, rounded up; absent for a GPU.
    pub cycles: Option<u64>,
    /// Time by cause, mean of cores; adds up to the time.
    pub parts: Vec<PartRecord>,
    /// Multiply-accumulates over those that all arrays could do in the time.
    pub utilisation: f64,
    /// Multiply-accumulates over those that all arrays could do while operands stream; absent for a
    /// GPU.
    pub lane_utilisation: Option<f64>,
    /// Bytes between memory and chip.
    pub traffic: Vec<TensorRecord>,
    /// Bytes over the pins, in whole bursts.
    pub bus_bytes: u64,
    /// Those over the time.
    pub bandwidth_gb_per_s: f64,
    /// Peak of the memory.
    pub peak_gb_per_s: f64,
    /// Bytes at the ports of scratchpads and accumulators; empty for a GPU.
    pub accesses: Vec<AccessRecord>,
    /// No run of this mapping is faster.
    pub bound: GemmBound,
}

/// A cause, and the time that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartRecord {
    /// Cause.
    pub part: String,
    /// Picoseconds of all cores together: exact.
    pub core_ps: u64,
    /// Mean of cores.
    pub time_us: f64,
    /// Over the time.
    pub share: f64,
}

/// Bytes of one tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorRecord {
    /// Tensor.
    pub tensor: String,
    /// Bytes between memory and chip.
    pub bytes: u64,
    /// Over the size of the tensor.
    pub times: f64,
}

/// Bytes at one kind of port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccessRecord {
    pub port: String,
    pub bytes: u64,
}

/// Closed forms beside a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GemmBound {
    /// The longest of those below.
    pub time_us: f64,
    /// Over the time of the product.
    pub fraction: f64,
    /// What it belongs to: arrays, memory, links.
    pub binding: String,
    /// Blocks of the busiest core one after another.
    pub arrays_us: f64,
    /// Bytes at the peak of memory.
    pub memory_us: f64,
    /// Bytes at the busiest link; absent for a GPU.
    pub links_us: Option<f64>,
}
