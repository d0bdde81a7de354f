//! Several devices beyond a tensor-parallel group.

use serde::{Deserialize, Serialize};

/// Pipeline stages and replicas of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Stages of layers.
    pub pipeline_parallel: u64,
    /// Layers of each stage.
    pub stage_layers: Vec<u64>,
    /// Parts of the batch that follow each other through the stages.
    pub micro_batches: u64,
    /// Replicas, each with a batch of its own.
    pub data_parallel: u64,
    /// Devices of all.
    pub devices: u64,
    /// One micro-batch through all stages, the longest, alone.
    pub latency_ms: f64,
    /// Share of the stages' time in which none works.
    pub bubble: f64,
    /// Activations from a stage to the next, of the largest micro-batch, on one device.
    pub message_bytes: u64,
    /// Time of that message.
    pub message_us: f64,
}
