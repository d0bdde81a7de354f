//! What comes out of a simulation: one record a run, a pure function of its inputs. Everything that
//! is shown is read from records. Field names carry their unit; times of the host are not here.

pub mod energy;
pub mod gemm;
pub mod gpu_validation;
pub mod group;
pub mod layers;
pub mod link;
pub mod npu_validation;
pub mod pim;
pub mod timeline;
pub mod traffic;
pub mod validation;
pub mod verify;

use crate::exec::Fidelity;
use energy::EnergyRecord;
use group::GroupRecord;
use serde::{Deserialize, Serialize};

/// Version of the layout below; changes when a field changes meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A run of one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// The machine.
    pub machine: MachineRecord,
    /// The model.
    pub model: ModelRecord,
    /// The workload.
    pub workload: WorkloadRecord,
    /// Devices of the tensor-parallel group.
    pub tensor_parallel: u64,
    /// Detail of the memory model.
    pub fidelity: Fidelity,
    /// Memory of one device.
    pub memory: MemoryRecord,
    /// What was measured.
    pub result: ResultRecord,
    /// What a reader must know to read the figures rightly.
    pub notes: Vec<String>,
}

/// What was measured.
#[allow(clippy::large_enum_variant)] // one a run
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultRecord {
    /// One iteration of a batch in flight (`run`, `compare`).
    Iteration(IterationRecord),
    /// Requests arriving over time (`replay`).
    Replay(ReplayRecord),
}

/// Machine of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineRecord {
    /// Name of its file.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Configuration after `--set`, parts included.
    pub configuration: toml::Table,
}

/// Model of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Name.
    pub name: String,
    /// Parameters of the whole model.
    pub parameters: u64,
    /// Decoder layers simulated.
    pub layers: u64,
    /// Bytes of KV cache of one token over all layers and devices.
    pub kv_bytes_per_token: u64,
}

/// Workload of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadRecord {
    /// File or sample name.
    pub source: String,
    /// BLAKE3 of the uncompressed rows used.
    pub digest: String,
    /// Requests used.
    pub requests: u64,
    /// Tokens of context (batch) or prompt (arrivals) of those requests.
    pub input_tokens: u64,
    /// Tokens to generate.
    pub output_tokens: u64,
}

/// Memory of one device, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryRecord {
    /// Memory there is.
    pub capacity_bytes: u64,
    /// Share of the weights.
    pub weights_bytes: u64,
    /// KV caches, at most over the run, whole blocks.
    pub kv_peak_bytes: u64,
}

/// One iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IterationRecord {
    /// Duration of the iteration.
    pub iteration_ms: f64,
    /// Duration of one decoder layer.
    pub layer_us: f64,
    /// Tokens generated.
    pub tokens: u64,
    /// Tokens per second of the whole group.
    pub throughput_tok_per_s: f64,
    /// Multiply-accumulates on arrays (or GPU) over what their peak allows in the iteration.
    pub array_utilisation: f64,
    /// Time in which the in-bank MACs are occupied over the iteration, mean of channels; absent
    /// without PIM.
    pub pim_utilisation: Option<f64>,
    /// Bytes over the memory pins over what their peak allows in the iteration.
    pub memory_utilisation: f64,
    /// Tasks in order.
    pub operators: Vec<OperatorRecord>,
    /// Energy, where a table is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergyRecord>,
    /// Pipeline stages and replicas, where there are several; figures above are then those of all
    /// replicas, operators those of one micro-batch through all layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupRecord>,
}

/// A task of an iteration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatorRecord {
    /// Operator.
    pub name: String,
    /// Unit it ran on: array, vector, pim, memory, link, gpu.
    pub unit: String,
    /// Duration of one run.
    pub time_us: f64,
    /// Runs in the iteration.
    pub repeat: u64,
    /// Share of all its runs in the iteration.
    pub share: f64,
    /// Bytes over the memory pins of one device, one run.
    pub bus_bytes: u64,
}

/// A replay of arrivals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplayRecord {
    /// Requests completed.
    pub completed: u64,
    /// Requests that can never be served, with the reason of each.
    pub rejected: Vec<RejectedRecord>,
    /// Rows without a prompt or without a token to generate, passed over.
    pub empty_rows: u64,
    /// First arrival to last completion.
    pub makespan_s: f64,
    /// Iterations run.
    pub iterations: u64,
    /// Requests completed per second.
    pub request_throughput_per_s: f64,
    /// Prompt tokens of completed requests per second.
    pub input_throughput_tok_per_s: f64,
    /// Tokens generated per second.
    pub output_throughput_tok_per_s: f64,
    /// Arrival to first token.
    pub ttft_ms: Distribution,
    /// Mean time between tokens of a request after its first; requests of several tokens only.
    pub tpot_ms: Distribution,
    /// Arrival to last token.
    pub e2e_ms: Distribution,
    /// State over time, in equal intervals.
    pub timeline: Vec<TimelinePoint>,
    /// Comparison of sampled iterations with command fidelity, if asked for.
    pub check: Option<CheckRecord>,
}

/// A request that can never be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRecord {
    /// 0-based row of the trace.
    pub index: u64,
    /// Line of the trace.
    pub line: u64,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Tokens to generate.
    pub output_tokens: u64,
    /// Why.
    pub reason: String,
}

/// A distribution of times. Percentiles by nearest rank: the smallest value that at least so many
/// per cent of the values do not exceed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Distribution {
    pub count: u64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

/// State at the end of an interval of a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// End of the interval, since the first arrival.
    pub time_s: f64,
    /// Requests in the batch, largest within the interval.
    pub running: u64,
    /// Requests waiting for admission, largest within the interval.
    pub waiting: u64,
    /// KV memory reserved over what there is, largest within the interval.
    pub kv_fraction: f64,
    /// Tokens generated per second within the interval.
    pub output_tok_per_s: f64,
}

/// Sampled iterations at `fast` against the same at `command`: signed relative errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Iterations compared.
    pub iterations: u64,
    /// Median of the absolute errors.
    pub median: f64,
    /// 95th percentile of the absolute errors.
    pub p95: f64,
    /// Largest absolute error.
    pub worst: f64,
    /// Mean of the signed errors; positive where `fast` is slower.
    pub signed_mean: f64,
}
