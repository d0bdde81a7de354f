//! The record of requests on a memory standard (`memwall mem`).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One workload on one memory standard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrafficRecord {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// The memory.
    pub standard: StandardRecord,
    /// Controller policy.
    pub policy: String,
    /// The requests.
    pub traffic: RequestsRecord,
    /// What was measured.
    pub result: TrafficResult,
    /// What a reader must know to read the figures rightly.
    pub notes: Vec<String>,
}

/// The memory of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StandardRecord {
    /// Name of the part.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Channels driven together.
    pub channels: u64,
    /// Duration of one tick.
    pub tick_ns: f64,
    /// Bytes of one request.
    pub burst_bytes: u64,
    /// Bytes of all channels.
    pub capacity_bytes: u64,
    /// Keys set on the command line.
    pub settings: Vec<String>,
    /// Timing parameters after rounding to ticks.
    pub parameters_ticks: BTreeMap<String, u64>,
    /// BLAKE3 of the resolved part: shape, mapping, every distance between commands, energies.
    pub digest: String,
}

/// The requests of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestsRecord {
    /// Name of the workload rule or of the trace file.
    pub name: String,
    /// What a workload rule does, or the format of a trace.
    pub description: String,
    /// BLAKE3 of the requests of a trace as offered (tick, channel, slot, direction); absent for a
    /// rule, which its name defines.
    pub digest: Option<String>,
    /// Requests accepted.
    pub requests: u64,
    /// Reads among them.
    pub reads: u64,
    /// Writes among them.
    pub writes: u64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrafficResult {
    /// Ticks until the last request was accepted and the last read returned. Writes that are still
    /// queued then are not waited for.
    pub cycles: u64,
    /// The same as time.
    pub time_us: f64,
    /// Bytes that crossed the data pins over that time; requests that shared a command or still wait
    /// are not in it.
    pub bandwidth_gb_per_s: f64,
    /// What the data pins could move.
    pub peak_gb_per_s: f64,
    /// Bandwidth over peak.
    pub peak_fraction: f64,
    /// Read latency from acceptance to return, in ticks; absent without reads.
    pub latency_ticks: Option<LatencyRecord>,
    /// The same in nanoseconds.
    pub latency_ns: Option<LatencyRecord>,
    /// Latencies and the share of reads that took no longer, ascending, at most 256 points.
    pub latency_steps: Vec<LatencyStep>,
    /// Column commands to a row that had served one since it was opened.
    pub row_hits: u64,
    /// Row hits over requests.
    pub row_hit_rate: f64,
    /// Commands issued, by mnemonic.
    pub commands: BTreeMap<String, u64>,
    /// Energy, where the part has figures.
    pub energy: Option<EnergyRecord>,
}

/// Latencies of reads. Percentiles by nearest rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LatencyRecord {
    pub min: f64,
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// A point of the distribution of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatencyStep {
    /// Latency.
    pub ns: f64,
    /// Share of reads that took no longer.
    pub share: f64,
}

/// Energy of the memory device. A part of the sum that the standard has no figure for is absent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EnergyRecord {
    /// Opening and closing rows.
    pub activate_uj: f64,
    /// Bursts.
    pub read_write_uj: f64,
    /// Refresh.
    pub refresh_uj: Option<f64>,
    /// Standby.
    pub standby_uj: Option<f64>,
    /// Sum of those.
    pub total_uj: f64,
    /// Sum over the requested bits.
    pub pj_per_bit: f64,
}
