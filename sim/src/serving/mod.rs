//! Requests over time: admission, batching at iteration level, KV memory, and the measures of a
//! serving system. Knows devices only through [`Placement`] and the cost of a step.

mod batch;
mod kv;
mod pipeline;
mod placement;
mod replay;
mod timeline;

pub use batch::{BatchError, BatchRun, run_batch};
pub use kv::{KvManager, Placement};
pub use pipeline::{PipelineRun, check_devices, run_pipeline};
pub use placement::{ChannelChoice, PlacementError};
pub use replay::{
    Iteration, IterationObserver, NoIterationObserver, Replay, ReplayError, ReplayLimits, StepCost,
};
