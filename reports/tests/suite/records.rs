//! Records made by hand, so that no test here moves when a model of the simulator does.

use memwall_sim::exec::Fidelity;
use memwall_sim::record::{
    CheckRecord, Distribution, IterationRecord, MachineRecord, MemoryRecord, ModelRecord,
    OperatorRecord, Record, RejectedRecord, ReplayRecord, ResultRecord, SCHEMA_VERSION,
    TimelinePoint, WorkloadRecord,
};

const GIB: u64 = 1 << 30;

/// A record of a machine with this result.
pub(crate) fn record(machine: &str, fidelity: Fidelity, result: ResultRecord) -> Record {
    Record {
        schema_version: SCHEMA_VERSION,
        version: "0.0.0".to_owned(),
        machine: MachineRecord {
            name: machine.to_owned(),
            description: String::new(),
            configuration: empty(),
        },
        model: ModelRecord {
            name: "llama-2-13b".to_owned(),
            parameters: 13_000_000_000,
            layers: 40,
            kv_bytes_per_token: 819_200,
        },
        workload: WorkloadRecord {
            source: "sharegpt".to_owned(),
            digest: String::new(),
            requests: 256,
            input_tokens: 90_000,
            output_tokens: 60_000,
        },
        tensor_parallel: 4,
        fidelity,
        memory: MemoryRecord {
            capacity_bytes: 32 * GIB,
            weights_bytes: 6 * GIB + GIB / 16,
            kv_peak_bytes: 17 * GIB,
        },
        result,
        notes: Vec::new(),
    }
}

/// The type of a configuration belongs to a library that is not used here.
fn empty<T: Default>() -> T {
    T::default()
}

/// An iteration of this duration with one operator for each unit and share.
pub(crate) fn iteration(
    milliseconds: f64,
    pim: Option<f64>,
    units: &[(&str, f64)],
) -> ResultRecord {
    let operators = units
        .iter()
        .map(|(unit, share)| OperatorRecord {
            name: format!("work of {unit}"),
            unit: (*unit).to_owned(),
            time_us: milliseconds * 1e3 * share / 40.0,
            repeat: 40,
            share: *share,
            bus_bytes: 12_345_678,
        })
        .collect();
    ResultRecord::Iteration(IterationRecord {
        iteration_ms: milliseconds,
        layer_us: milliseconds * 25.0,
        tokens: 256,
        throughput_tok_per_s: 256e3 / milliseconds,
        array_utilisation: 0.314,
        pim_utilisation: pim,
        memory_utilisation: 0.0002,
        energy: None,
        group: None,
        operators,
    })
}

/// Four machines as `compare` would give them.
pub(crate) fn comparison() -> Vec<Record> {
    let npu = iteration(
        54.32,
        None,
        &[
            ("array", 0.36),
            ("memory", 0.47),
            ("vector", 0.11),
            ("link", 0.06),
        ],
    );
    let naive = iteration(
        31.9,
        Some(0.412),
        &[
            ("array", 0.55),
            ("pim", 0.27),
            ("vector", 0.10),
            ("link", 0.08),
        ],
    );
    let pim = iteration(
        22.18,
        Some(0.58),
        &[
            ("array", 0.61),
            ("pim", 0.2),
            ("vector", 0.15),
            ("link", 0.035),
            ("memory", 0.005),
        ],
    );
    let gpu = iteration(41.0, None, &[("gpu", 0.93), ("link", 0.07)]);
    vec![
        record("npu-only", Fidelity::Command, npu),
        record("npu-pim", Fidelity::Fast, naive),
        record("neupims", Fidelity::Fast, pim),
        record("gpu-a100", Fidelity::Rates, gpu),
    ]
}

/// A distribution around `middle`.
pub(crate) fn around(middle: f64) -> Distribution {
    Distribution {
        count: 1000,
        mean: middle * 1.3,
        p50: middle,
        p90: middle * 2.0,
        p95: middle * 2.5,
        p99: middle * 4.0,
        max: middle * 9.0,
    }
}

/// A timeline of `count` intervals: a burst that is worked off.
pub(crate) fn timeline(count: u64) -> Vec<TimelinePoint> {
    (1..=count)
        .map(|index| {
            let at = index as f64 / count as f64;
            let wave = (at * 40.0).sin() * 0.08 + (at * 13.0).cos() * 0.06;
            let load =
                ((at * 6.0).min(1.0) * (1.0 - (at - 0.8).max(0.0) * 5.0) + wave).clamp(0.0, 1.0);
            TimelinePoint {
                time_s: at * 613.0,
                running: (load * 224.0) as u64,
                waiting: ((at * std::f64::consts::PI).sin().powi(3) * 96.0 * (1.0 + wave)) as u64,
                kv_fraction: load * 0.94,
                output_tok_per_s: load * 5_400.0 * (1.0 + wave),
            }
        })
        .collect()
}

/// A replay with this timeline.
pub(crate) fn replay(timeline: Vec<TimelinePoint>) -> ReplayRecord {
    ReplayRecord {
        completed: 12_345,
        rejected: vec![RejectedRecord {
            index: 7,
            line: 9,
            input_tokens: 9000,
            output_tokens: 1,
            reason: "longer than the memory".to_owned(),
        }],
        empty_rows: 3,
        makespan_s: 613.0,
        iterations: 45_678,
        request_throughput_per_s: 20.14,
        input_throughput_tok_per_s: 7_412.9,
        output_throughput_tok_per_s: 4_711.0,
        ttft_ms: around(81.37),
        tpot_ms: around(24.9),
        e2e_ms: around(7_040.0),
        timeline,
        check: Some(CheckRecord {
            iterations: 32,
            median: 0.004,
            p95: 0.021,
            worst: 0.034,
            signed_mean: 0.0031,
        }),
    }
}
