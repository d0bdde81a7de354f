//! Energy of an iteration by component.

use serde::{Deserialize, Serialize};

/// Energy of one iteration by component: on one device, or on one of each pipeline stage together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnergyRecord {
    /// Name of the table.
    pub table: String,
    /// Process of the logic, nm.
    pub node_nm: u64,
    /// Pipeline stages: counts and sums are those of one device of each together.
    #[serde(default = "one")]
    pub stages: u64,
    /// Components.
    pub components: Vec<EnergyComponent>,
    /// Sum of what is known, one device of each stage.
    pub device_mj: f64,
    /// The same for all devices, over the tokens of the iteration.
    pub mj_per_token: f64,
    /// Whether a component has no source or no count, so that the sums are lower bounds.
    pub partial: bool,
}

/// Stages of a record that does not say.
fn one() -> u64 {
    1
}

/// A component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnergyComponent {
    /// What.
    pub name: String,
    /// What is counted.
    pub unit: String,
    /// How often, on one device of each stage; absent where it is not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Of one; absent without a source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pj_each: Option<f64>,
    /// Product of the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy_mj: Option<f64>,
    /// Source of the figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}
