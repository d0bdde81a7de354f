//! From integer times and uses to the figures of a record: the one place where they are divided.

pub mod energy;
pub mod gemm;
pub mod link;
pub mod pim;
pub mod traffic;

use crate::exec::{Fidelity, Group, Simulator, StepTiming, TaskTiming};
use crate::lower::Unit;
use crate::machine::{Device, Machine};
use crate::pim::PimQuirks;
use crate::pim::tiling::Geometry;
use crate::record::group::GroupRecord;
use crate::record::{
    IterationRecord, MachineRecord, MemoryRecord, ModelRecord, OperatorRecord, Record,
    ResultRecord, SCHEMA_VERSION, WorkloadRecord,
};
use crate::serving::{BatchRun, PipelineRun};
use crate::time::Ps;
use memwall_models::Model;

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
            macs_per_s: gpu.peaks.flop_per_s as f64 / 2.0,
            bytes_per_s: gpu.peaks.bytes_per_s as f64,
            pim_channels: None,
        },
    }
}

/// A line of the table of operators: all runs of a task, or of the tasks of all experts.
struct Row {
    name: &'static str,
    unit: Unit,
    time: Ps,
    repeat: u64,
    bus_bytes: u64,
}

/// Experts by the hundred are one line; what is not an expert's is one a task.
fn rows(tasks: &[TaskTiming]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for task in tasks.iter().filter(|task| task.repeat > 0) {
        let known = rows.iter_mut().find(|row| row.name == task.name);
        let time = task.time.times(task.repeat);
        let bus_bytes = task.usage.bus_bytes * task.repeat;
        match known.filter(|_| task.expert.is_some()) {
            Some(row) => {
                row.time += time;
                row.repeat += task.repeat;
                row.bus_bytes += bus_bytes;
            }
            None => rows.push(Row {
                name: task.name,
                unit: task.unit,
                time,
                repeat: task.repeat,
                bus_bytes,
            }),
        }
    }
    rows
}

/// Figures of one iteration that generates `tokens` tokens.
pub fn iteration(machine: &Machine, timing: &StepTiming, tokens: u64) -> IterationRecord {
    let peaks = peaks(machine);
    let seconds = timing.total.0 as f64 / PS_PER_S;
    let total = timing.total.0 as f64;
    let operators = rows(&timing.tasks).into_iter().map(|row| OperatorRecord {
        name: row.name.to_owned(),
        unit: row.unit.name().to_owned(),
        time_us: row.time.0 as f64 / row.repeat as f64 / 1e6,
        repeat: row.repeat,
        share: row.time.0 as f64 / total,
        bus_bytes: row.bus_bytes / row.repeat,
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
        energy: None,
        group: None,
    }
}

/// Replicas of a group of one stage.
pub fn replicas(simulator: &Simulator, done: &BatchRun, group: Group) -> GroupRecord {
    GroupRecord {
        pipeline_parallel: 1,
        stage_layers: vec![simulator.model().layers],
        micro_batches: 1,
        data_parallel: group.data,
        devices: group.devices(),
        latency_ms: done.timing.total.0 as f64 / 1e9,
        bubble: 0.0,
        message_bytes: 0,
        message_us: 0.0,
    }
}

/// Figures of one iteration of a batch of `tokens` requests on each replica of a group.
pub fn pipeline(
    machine: &Machine,
    done: &PipelineRun,
    group: Group,
    tokens: u64,
) -> IterationRecord {
    let layers = done.layers.iter().sum();
    let mut timing = done.run.timing.clone();
    for task in timing.tasks.iter_mut().filter(|task| task.in_layer) {
        task.repeat = layers;
    }
    timing.total = timing.prologue + timing.layer.times(layers) + timing.epilogue;
    let mut figures = iteration(machine, &timing, tokens * group.data);
    let period = done.stages.period;
    let seconds = period.0 as f64 / PS_PER_S;
    let peaks = peaks(machine);
    // Uses are those of one device of every stage.
    let room = seconds * group.pipeline as f64;
    figures.iteration_ms = seconds * 1e3;
    figures.throughput_tok_per_s = figures.tokens as f64 / seconds;
    figures.array_utilisation = done.usage.array_macs as f64 / (peaks.macs_per_s * room);
    figures.pim_utilisation = peaks
        .pim_channels
        .map(|channels| done.usage.pim_busy_ps as f64 / (channels * room * PS_PER_S));
    figures.memory_utilisation = done.usage.bus_bytes as f64 / (peaks.bytes_per_s * room);
    figures.group = Some(GroupRecord {
        pipeline_parallel: group.pipeline,
        stage_layers: done.layers.clone(),
        micro_batches: done.micro_batches,
        data_parallel: group.data,
        devices: group.devices(),
        latency_ms: done.stages.latency.0 as f64 / 1e9,
        bubble: 1.0 - done.stages.busy.0 as f64 / (room * PS_PER_S),
        message_bytes: done.message_bytes,
        message_us: done.message.0 as f64 / 1e6,
    });
    figures
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
        model: model_record(model),
        workload,
        tensor_parallel: simulator.degree(),
        fidelity: simulator.fidelity(),
        memory: MemoryRecord {
            capacity_bytes: machine.capacity_bytes(),
            weights_bytes: model.weight_bytes().div_ceil(simulator.degree()),
            kv_peak_bytes,
        },
        result,
        notes: notes(machine, model, simulator.fidelity()),
    }
}

/// The record of a model.
pub fn model_record(model: &Model) -> ModelRecord {
    ModelRecord {
        name: model.name.clone(),
        parameters: model.parameters().total(),
        layers: model.layers,
        kv_bytes_per_token: model.kv_bytes_per_token(),
    }
}

/// What the models leave out that bears on the figures.
fn notes(machine: &Machine, model: &Model, fidelity: Fidelity) -> Vec<String> {
    let mut notes = vec![
        "operators run one after another; sub-batch interleaving is not modelled yet".to_owned(),
    ];
    if let Some(experts) = model.experts {
        notes.push(format!(
            "{} of {} experts a token, all in device memory, chosen without preference; \
             real routers meet fewer experts",
            experts.per_token, experts.count
        ));
    }
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
