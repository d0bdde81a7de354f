//! Record of a run whose values were executed (`memwall verify`).

use serde::{Deserialize, Serialize};

/// A decoder on a machine, beside the reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerifyRecord {
    /// Version of this layout.
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// Machine.
    pub machine: String,
    /// Model.
    pub model: String,
    /// Type in which weights, activations, keys and values are kept.
    pub dtype: String,
    /// Sequences, tokens of each prompt, and tokens decoded after it.
    pub batch: (u64, u64, u64),
    /// Seed of weights and prompts.
    pub seed: u64,
    /// Largest difference accepted, as a share of the larger of an element and its tensor's rms.
    pub tolerance: f64,
    /// Operators, over all layers and steps.
    pub operators: Vec<OperatorRecord>,
    /// Greedy tokens that are those of the reference, and all.
    pub tokens: (u64, u64),
    /// Largest difference of a logit.
    pub logits_max_abs: f64,
    /// The defect that was made, if one was.
    pub injected: Option<String>,
    /// The first thing that is wrong.
    pub fault: Option<String>,
}

/// An operator.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OperatorRecord {
    /// Name.
    pub name: String,
    /// How often it ran.
    pub runs: u64,
    /// Elements compared.
    pub elements: u64,
    /// Largest difference.
    pub max_abs: f64,
    /// Largest difference as a share of the larger of an element and its tensor's rms.
    pub max_rel: f64,
    /// Elements by distance in units in the last place of f32: 0, 1, up to 4, 16, 256, 65,536, more.
    pub ulp: [u64; 7],
    /// Bytes of weights, keys and values that were touched, each once a run.
    pub touched_bytes: u64,
    /// Bytes on the pins, in whole bursts.
    pub moved_bytes: u64,
}
