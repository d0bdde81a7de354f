//! From integer times and uses to the figures of a record: the one place where they are divided.

pub mod gemm;
pub mod pim;
pub mod traffic;

use crate::exec::{Fidelity, Simulator, StepTiming};
use crate::machine::{Device, Machine};
use crate::pim::PimQuirks;
use crate::pim::tiling::Geometry;
use crate::record::{
    IterationRecord, MachineRecord, MemoryRecord, ModelRecord, OperatorRecord, Record,
    ResultRecord, SCHEMA_VERSION, WorkloadRecord,
};

const PS_PER_S: f64 = 1e12;

/// Peaks that utilisations refer to.
struct Peaks {
    macs_per_s: f64,
    bytes_per_s: f64,
    pim_channels: Option<f64>,
}

fn peaks(machine: &Machine) -> Peaks {
    match &machine.device {
        Device::Npu(device) => {
            let macs = device.npu.macs_per_cycle() as f64;
            let part = device.memory.part();
            let channels = part.map_or(1, |part| part.organisation.channels) as f64;
            Peaks {
                macs_per_s: macs * device.npu.clock.hz() as f64,
                bytes_per_s: device.memory.peak_bytes_per_s() as f64,
                pim_channels: device.pim.map(|_| channels),
            }
        }
        Device::Gpu(gpu) => Peaks {
            macs_per_s: gpu.peak_flop_per_s as f64 / 2.0,
            bytes_per_s: gpu.peak_bytes_per_s as f64,
            pim_channels: None,
        },
    }
}

/// Figures of one iteration that generates `tokens` tokens.
pub fn iteration(machine: &Machine, timing: &StepTiming, tokens: u64) -> IterationRecord {
    let peaks = peaks(machine);
    let seconds = timing.total.0 as f64 / PS_PER_S;
    let total = timing.total.0 as f64;
    let operators = timing.tasks.iter().map(|task| OperatorRecord {
        name: task.name.to_owned(),
        unit: task.unit.name().to_owned(),
        time_us: task.time.0 as f64 / 1e6,
        repeat: task.repeat,
        share: task.time.times(task.repeat).0 as f64 / total,
        bus_bytes: task.usage.bus_bytes,
    });
    IterationRecord {
        iteration_ms: total / 1e9,
        layer_us: timing.layer.0 as f64 / 1e6,
        tokens,
        throughput_tok_per_s: tokens as f64 / seconds,
        array_utilisation: timing.usage.array_macs as f64 / (peaks.macs_per_s * seconds),
        pim_utilisation: peaks
            .pim_channels
            .map(|channels| timing.usage.pim_busy_ps as f64 / (channels * total)),
        memory_utilisation: timing.usage.bus_bytes as f64 / (peaks.bytes_per_s * seconds),
        operators: operators.collect(),
    }
}

/// The record of a run: what was simulated, and `result`.
pub fn record(
    simulator: &Simulator,
    workload: WorkloadRecord,
    kv_peak_bytes: u64,
    result: ResultRecord,
) -> Record {
    let (machine, model) = (simulator.machine(), simulator.model());
    Record {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: MachineRecord {
            name: machine.name.clone(),
            description: machine.description.clone(),
            configuration: machine.configuration.clone(),
        },
        model: ModelRecord {
            name: model.name.clone(),
            parameters: model.parameters().total(),
            layers: model.layers,
            kv_bytes_per_token: model.kv_bytes_per_token(),
        },
        workload,
        tensor_parallel: simulator.degree(),
        fidelity: simulator.fidelity(),
        memory: MemoryRecord {
            capacity_bytes: machine.capacity_bytes(),
            weights_bytes: model.weight_bytes().div_ceil(simulator.degree()),
            kv_peak_bytes,
        },
        result,
        notes: notes(machine, simulator.fidelity()),
    }
}

/// What the models leave out that bears on the figures.
fn notes(machine: &Machine, fidelity: Fidelity) -> Vec<String> {
    let mut notes = vec![
        "operators run one after another; sub-batch interleaving is not modelled yet".to_owned(),
    ];
    match fidelity {
        Fidelity::Command => notes.push("one layer is simulated and stands for all".to_owned()),
        Fidelity::Fast => notes.push(
            "memory and PIM by rates measured on the command model; one layer stands for all"
                .to_owned(),
        ),
        Fidelity::Rates => notes.push(match machine.device {
            Device::Gpu(_) => "kernel rates, no memory model".to_owned(),
            Device::Npu(_) => {
                "memory by a given bandwidth and latency; one layer stands for all".to_owned()
            }
        }),
    }
    if let Device::Npu(device) = &machine.device
        && let Some(part) = device.memory.part()
        && let Some(pim) = &part.pim
    {
        let geometry = Geometry::new(&part.organisation, pim);
        notes.push(format!(
            "a request's keys and values lie in one of {} channels (few or long requests leave \
             others idle), in whole blocks of {} keys and {} values",
            part.organisation.channels, geometry.banks, geometry.row_elements
        ));
        if pim.quirks != PimQuirks::default() {
            notes.push(
                "quirks of the reference simulator are on: not the physical model".to_owned(),
            );
        }
    }
    notes
}
