//! The record of a comparison with recorded reference figures (`memwall validate`).

use serde::{Deserialize, Serialize};

/// One table of reference figures, compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidationRecord {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// The suite.
    pub suite: String,
    /// File or embedded name of the table.
    pub reference: String,
    /// BLAKE3 of the table.
    pub digest: String,
    /// Rows in the table's order.
    pub rows: Vec<ValidationRow>,
    /// Error of rows, energy apart.
    pub error: ErrorSummary,
    /// Error of energies, over the rows that give any.
    pub energy_error: Option<ErrorSummary>,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidationRow {
    /// Line of the table.
    pub line: u64,
    /// Simulator that made the row.
    pub simulator: String,
    /// Its configuration.
    pub config: String,
    /// Part of ours that stands for it.
    pub part: String,
    /// Workload.
    pub workload: String,
    /// Channels.
    pub channels: u64,
    /// Requests.
    pub requests: u64,
    /// Largest relative error among the figures that are no energies.
    pub error: f64,
    /// The figure with that error; absent where all agree to the printed digits.
    pub worst: Option<Compared>,
    /// The same for energies; absent where the row gives none, or our part has no figures.
    pub energy_error: Option<f64>,
    /// Figures that differ in the printed digits.
    pub differing: Vec<Compared>,
    /// Ticks from row to row on a part that a die could be, beside those of the simulator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub die_row_ticks: Option<f64>,
}

/// A figure of ours beside the recorded one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Column of the table.
    pub column: String,
    /// Recorded.
    pub reference: f64,
    /// Ours.
    pub ours: f64,
    /// `|ours - reference| / |reference|`; infinity is written as null.
    pub error: f64,
}

/// Distribution of errors. Percentiles by nearest rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorSummary {
    /// Rows.
    pub rows: u64,
    /// Rows whose every figure agrees to the printed digits.
    pub exact: u64,
    /// Median.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Largest.
    pub worst: f64,
}
