//! A closed batch in decode through pipeline stages: micro-batches follow each other, each sending
//! its activations on to the next stage, and enter again with their next token.

use super::batch::{BatchError, BatchRun, reserve, run_batch};
use crate::exec::{Fidelity, Group, SimError, Simulator, Stages, StepTiming, Usage, steady};
use crate::machine::Machine;
use crate::time::Ps;
use memwall_models::Model;
use memwall_traces::InFlight;

/// A batch through stages, on one replica.
#[derive(Debug, Clone)]
pub struct PipelineRun {
    /// Of the longest stage's layers.
    pub simulator: Simulator,
    /// The longest micro-batch through all layers on one stage's devices, as if alone.
    pub run: BatchRun,
    /// The stream.
    pub stages: Stages,
    /// Layers of each stage.
    pub layers: Vec<u64>,
    /// Micro-batches.
    pub micro_batches: u64,
    /// Activations of the largest micro-batch from stage to stage, on one device.
    pub message_bytes: u64,
    /// Its time.
    pub message: Ps,
    /// What the whole iteration used, on all stages' devices of one tensor-parallel index.
    pub usage: Usage,
}

/// Runs `batch` in `micro` parts (as many as stages, or fewer if the batch is smaller, where not
/// given) over the stages of `group`.
///
/// # Errors
/// More stages than layers, a group that the machine's link cannot hold, or what a single batch
/// is refused for; memory is checked for the longest stage with embedding and head.
pub fn run_pipeline(
    machine: &Machine,
    model: &Model,
    group: Group,
    fidelity: Fidelity,
    batch: &[InFlight],
    micro: Option<u64>,
) -> Result<PipelineRun, BatchError> {
    let refused = |rule: String| BatchError::Sim(SimError::Group { rule });
    if group.pipeline > model.layers {
        return Err(refused(format!(
            "{} pipeline stages, but '{}' has {} layers",
            group.pipeline, model.name, model.layers
        )));
    }
    let requests = batch.len() as u64;
    let micro = micro.unwrap_or(group.pipeline.min(requests)).max(1);
    if micro > requests {
        return Err(refused(format!(
            "{micro} micro-batches, but the batch has {requests} requests"
        )));
    }
    let Some(link) = &machine.link else {
        return Err(BatchError::Sim(SimError::NoLink {
            machine: machine.name.clone(),
            degree: group.devices(),
        }));
    };
    check_devices(machine, group)?;
    let layers = group.layers(model.layers);
    // Memory holds one stage's layers, and every micro-batch's keys and values of them.
    let mut stage = model.clone();
    stage.layers = layers.first().copied().unwrap_or(1);
    let mut simulator = Simulator::new(machine, &stage, group.tensor, fidelity)?;
    let (kv_bytes, beyond_positions) = reserve(&simulator, batch)?;
    let mut runs: Vec<(BatchRun, u64)> = Vec::new();
    for part in split(batch, micro) {
        runs.push((run_batch(&mut simulator, part)?, part.len() as u64));
    }
    // Every device of a stage holds all activations and sends them to its counterpart.
    let bytes_of = |tokens: u64| tokens * model.hidden * model.dtype.bytes();
    let mut times = Vec::new();
    let mut messages = Vec::new();
    let mut usage = Usage::default();
    for (run, tokens) in &runs {
        let timing = &run.timing;
        let mut row: Vec<Ps> = layers
            .iter()
            .map(|&layers| timing.layer.times(layers))
            .collect();
        if let Some(first) = row.first_mut() {
            *first += timing.prologue;
        }
        if let Some(last) = row.last_mut() {
            *last += timing.epilogue;
        }
        times.push(row);
        let message = link
            .message(
                bytes_of(*tokens),
                group.device(0, 0, 0),
                group.device(0, 1, 0),
            )
            .map_err(SimError::Link)?;
        messages.push(vec![message; layers.len() - 1]);
        usage = usage.plus(whole(timing, model.layers), 1);
        usage.link_bytes += bytes_of(*tokens) * (group.pipeline - 1);
    }
    let stages = steady(&times, &messages);
    let largest = runs.iter().map(|(_, tokens)| *tokens).max().unwrap_or(0);
    let message = messages.iter().flatten().max().copied().unwrap_or(Ps::ZERO);
    let Some((mut run, _)) = runs.into_iter().max_by_key(|(run, _)| run.timing.total) else {
        return Err(BatchError::Sim(SimError::ZeroWork));
    };
    run.kv_bytes = kv_bytes;
    run.beyond_positions = beyond_positions;
    Ok(PipelineRun {
        simulator,
        run,
        stages,
        layers,
        micro_batches: micro,
        message_bytes: bytes_of(largest),
        message,
        usage,
    })
}

/// Refuses a group that the topology of a machine has no room for.
pub fn check_devices(machine: &Machine, group: Group) -> Result<(), SimError> {
    let most = machine.link.as_ref().and_then(crate::link::Link::devices);
    match most {
        Some(devices) if group.devices() > devices => Err(SimError::Group {
            rule: format!(
                "{} x {} x {} devices (tensor, pipeline, data), but the topology of machine \
                 '{}' has {devices}",
                group.tensor, group.pipeline, group.data, machine.name
            ),
        }),
        _ => Ok(()),
    }
}

/// What a step over all of `layers` layers uses, from one over some of them.
fn whole(timing: &StepTiming, layers: u64) -> Usage {
    let tasks = timing.tasks.iter();
    tasks.fold(Usage::default(), |all, task| {
        let repeats = if task.in_layer { layers } else { task.repeat };
        all.plus(task.usage, repeats)
    })
}

/// As even parts as can be, the longer ones first.
fn split(batch: &[InFlight], parts: u64) -> Vec<&[InFlight]> {
    let (each, longer) = (batch.len() / parts as usize, batch.len() % parts as usize);
    let mut rest = batch;
    (0..parts as usize)
        .map(|index| {
            let (part, others) = rest.split_at(each + usize::from(index < longer));
            rest = others;
            part
        })
        .collect()
}
