//! The record of a comparison with recorded figures of NPU simulators (`memwall validate npu`). Rows are
//! of kinds that mean different things, and are summed up apart.

use super::validation::{Compared, ErrorSummary};
use serde::{Deserialize, Serialize};

/// One table of recorded figures, compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NpuValidationRecord {
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
    pub rows: Vec<NpuValidationRow>,
    /// Errors of the rows of each kind, kinds in the order of [`Kind`].
    pub kinds: Vec<KindSummary>,
    /// Errors of all rows that count.
    pub error: Option<ErrorSummary>,
    /// What the shares of the array in use mean.
    pub definitions: Vec<(String, String)>,
}

/// What a row is evidence of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// SCALE-Sim ran it, and its memory did not wait, or waits as it says: counts.
    ScaleSim,
    /// A formula that agreed with every run of SCALE-Sim: apart.
    Formula,
    /// SCALE-Sim ran it, and its stalls are a known defect: apart, beside the rule it states.
    Stalled,
    /// ONNXim ran it: counts.
    Onnxim,
    /// LLMCompass ran it, on rates and a search of its own: apart.
    LlmCompass,
    /// Nothing here runs it.
    Unsupported,
}

impl Kind {
    /// All, with the names shown.
    pub const NAMES: [(&'static str, Kind); 6] = [
        ("SCALE-Sim run", Kind::ScaleSim),
        ("SCALE-Sim formula", Kind::Formula),
        ("SCALE-Sim stalled", Kind::Stalled),
        ("ONNXim run", Kind::Onnxim),
        ("LLMCompass", Kind::LlmCompass),
        ("unsupported", Kind::Unsupported),
    ];

    /// The name shown.
    pub fn name(self) -> &'static str {
        let mut names = Kind::NAMES.iter();
        names
            .find(|(_, kind)| *kind == self)
            .map_or("", |(name, _)| name)
    }

    /// Whether its errors count against limits.
    pub fn counts(self) -> bool {
        matches!(self, Kind::ScaleSim | Kind::Onnxim)
    }
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NpuValidationRow {
    /// Line of the table.
    pub line: u64,
    /// Simulator that made the row.
    pub simulator: String,
    /// Its configuration.
    pub config: String,
    /// Extents of the product, or the name of a layer.
    pub workload: String,
    /// Arrays, rows and columns as the table has them.
    pub array: String,
    /// Dataflow as the table has it.
    pub dataflow: String,
    /// What the row is evidence of.
    pub kind: Kind,
    /// Cycles recorded.
    pub recorded_cycles: Option<f64>,
    /// Figures compared.
    pub figures: u64,
    /// Largest relative error of these; absent where none is compared.
    pub error: Option<f64>,
    /// The figure with that error; absent where all agree to the printed digits.
    pub worst: Option<Compared>,
    /// Figures that differ in the printed digits.
    pub differing: Vec<Compared>,
    /// Columns that the row gives and no figure of ours stands beside.
    pub not_compared: Vec<String>,
    /// Cycles by the rule that the simulator's memory states, in its convention.
    pub rule_cycles: Option<u64>,
    /// Cycles on a machine of ours that stands for the configuration, and its name.
    pub machine: Option<(String, u64)>,
    /// What else there is to say.
    pub note: Option<String>,
}

/// The errors of a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindSummary {
    /// The kind.
    pub kind: Kind,
    /// Rows.
    pub rows: u64,
    /// Whether it counts against limits.
    pub counts: bool,
    /// Errors of the rows that have figures compared.
    pub error: Option<ErrorSummary>,
}
