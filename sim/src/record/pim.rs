//! The record of a matrix-vector product in the banks (`memwall pim gemv`) and the closed forms of a
//! PIM device (`memwall pim explain`).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One product on one PIM device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PimRecord {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// The device.
    pub device: PimDeviceRecord,
    /// The product.
    pub product: ProductRecord,
    /// What was measured.
    pub result: PimResult,
    /// The bound beside it.
    pub bound: BoundRecord,
    /// What a reader must know to read the figures rightly.
    pub notes: Vec<String>,
}

/// A PIM device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PimDeviceRecord {
    /// Name of its file.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Name of the memory part.
    pub memory: String,
    /// Family of its commands: `newton`, `hbm_pim`, `attacc`.
    pub command_set: String,
    /// Keys set on the command line.
    pub settings: Vec<String>,
    /// Digest of everything that a run depends on.
    pub digest: String,
}

/// A matrix of `m` rows and `k` columns times `vectors` vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ProductRecord {
    pub m: u64,
    pub k: u64,
    pub vectors: u64,
    pub format: String,
    /// How the matrix lies in the banks.
    pub layout: String,
}

/// What a product came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PimResult {
    /// Duration of a tick.
    pub tick_ns: f64,
    /// From the first byte of the vectors to the last result.
    pub ticks: u64,
    /// The same.
    pub time_us: f64,
    /// Of it, until the vectors were in place; absent where uploads and steps alternate.
    pub upload_us: Option<f64>,
    /// Reading out the results, where the time leaves them in the banks.
    pub read_out_us: Option<f64>,
    /// Bytes of the matrix.
    pub weight_bytes: u64,
    /// Over the whole time.
    pub weight_gb_per_s: f64,
    /// Multiply-accumulates of the product over those that the steps had room for.
    pub useful_macs: f64,
    /// Time that the bound leaves over the time simulated.
    pub bound_fraction: f64,
    /// Channels with work.
    pub channels: u64,
    /// Commands by mnemonic, all channels together.
    pub commands: BTreeMap<String, u64>,
    /// Bytes of vectors written over the pins.
    pub vector_bytes: u64,
    /// Bytes of results and partial sums read over the pins.
    pub result_bytes: u64,
    /// Reading the matrix over the pins instead.
    pub streaming_us: f64,
    /// Over this.
    pub speed_up: f64,
}

/// Closed forms of a row pass, and of the whole product where there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundRecord {
    /// The product takes at least so long; absent where only the device is explained.
    pub time_us: Option<f64>,
    /// Multiply-accumulate steps on one set of open rows.
    pub steps_a_row: u64,
    /// Ticks from one set of rows to the next.
    pub row_ticks: u64,
    /// The rule without which this would be shortest.
    pub binding: String,
    /// Matrix bytes a second of whole rows at that pace.
    pub gb_per_s: f64,
    /// The same after refresh.
    pub after_refresh_gb_per_s: f64,
    /// The multipliers alone, all rows open.
    pub multipliers_gb_per_s: f64,
    /// If banks could compute as they open.
    pub pipelined_gb_per_s: f64,
    /// Over the pins of all channels.
    pub pins_gb_per_s: f64,
    /// What the rules add to a row pass.
    pub rules: Vec<RuleRecord>,
}

/// One rule of a row pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleRecord {
    /// In the words of the field.
    pub rule: String,
    /// Ticks it accounts for; of the row active time, those it must last.
    pub ticks: u64,
    /// Bandwidth of a device without it.
    pub without_gb_per_s: f64,
}
