//! One iteration of a batch, for `run` and `compare`: on one tensor-parallel group, or on several in
//! stages and replicas; with its energy where a table is named.

use crate::cli::BatchArguments;
use crate::diagnostics::Failure;
use crate::embedded::energies;
use crate::workload::Batch;
use memwall_models::Model;
use memwall_sim::energy::spent;
use memwall_sim::exec::{Fidelity, Group, Simulator, Usage};
use memwall_sim::machine::Machine;
use memwall_sim::metrics;
use memwall_sim::record::energy::EnergyRecord;
use memwall_sim::record::{Record, ResultRecord};
use memwall_sim::serving::{BatchRun, check_devices, run_batch, run_pipeline};
use memwall_sim::time::Ps;
use std::sync::Arc;

/// Runs one iteration of `batch` on `tensor` devices a stage.
pub(crate) fn simulate(
    machine: &Machine,
    model: &Model,
    batch: &Batch,
    tensor: u64,
    arguments: &BatchArguments,
) -> Result<Record, Failure> {
    let group = Group {
        tensor,
        pipeline: arguments.pp,
        data: arguments.dp,
    };
    if arguments.micro_batches.is_some() && group.pipeline == 1 {
        return Err(Failure::input(
            "--micro-batches: there is one stage; give --pp 2 or more",
        ));
    }
    check_devices(machine, group)?;
    if group.pipeline > 1 {
        return stages(machine, model, batch, group, arguments);
    }
    let mut simulator = Simulator::new(machine, model, tensor, arguments.fidelity.into())?;
    if arguments.no_sharing {
        simulator = simulator.without_sharing();
    }
    let done = run_batch(&mut simulator, &batch.rows)?;
    let tokens = batch.rows.len() as u64;
    let mut result = metrics::iteration(machine, &done.timing, tokens * group.data);
    if group.data > 1 {
        result.group = Some(metrics::replicas(&simulator, &done, group));
    }
    let usage = (&done.timing.usage, done.timing.total);
    result.energy = energy(arguments, &simulator, usage, group, tokens)?;
    let result = ResultRecord::Iteration(result);
    let mut record = metrics::record(&simulator, batch.record.clone(), done.kv_bytes, result);
    note(&mut record, model, &done);
    Ok(record)
}

fn stages(
    machine: &Machine,
    model: &Model,
    batch: &Batch,
    group: Group,
    arguments: &BatchArguments,
) -> Result<Record, Failure> {
    if arguments.no_sharing {
        return Err(Failure::input(
            "--no-sharing checks one stage: leave --pp out",
        ));
    }
    let (fidelity, micro) = (arguments.fidelity.into(), arguments.micro_batches);
    let done = run_pipeline(machine, model, group, fidelity, &batch.rows, micro)?;
    let tokens = batch.rows.len() as u64;
    let mut result = metrics::pipeline(machine, &done, group, tokens);
    let time = done.stages.period.times(group.pipeline);
    result.energy = energy(
        arguments,
        &done.simulator,
        (&done.usage, time),
        group,
        tokens,
    )?;
    let result = ResultRecord::Iteration(result);
    let workload = batch.record.clone();
    let mut record = metrics::record(&done.simulator, workload, done.run.kv_bytes, result);
    record.model = metrics::model_record(model);
    record.notes.push(
        "stages take equal devices and links; the first stage's group stands for all, the longest \
         stage with embedding and head for the memory"
            .to_owned(),
    );
    note(&mut record, model, &done.run);
    Ok(record)
}

fn note(record: &mut Record, model: &Model, done: &BatchRun) {
    if done.beyond_positions > 0 {
        record.notes.push(format!(
            "{} requests are longer than the model's {} positions and are simulated as they are",
            done.beyond_positions, model.max_positions
        ));
    }
}

/// Energy by the table that the command line or the machine names.
fn energy(
    arguments: &BatchArguments,
    simulator: &Simulator,
    (usage, time): (&Usage, Ps),
    group: Group,
    tokens: u64,
) -> Result<Option<EnergyRecord>, Failure> {
    let machine = simulator.machine();
    let table = match &arguments.energy {
        Some(name) => energies(name)?,
        None => match &machine.energy {
            Some(table) => Arc::clone(table),
            None => return Ok(None),
        },
    };
    let commands = simulator.fidelity() == Fidelity::Command;
    let format = simulator.model().dtype.name();
    let account = spent(&table, machine, format, usage, time, commands);
    // Uses are those of one device of each stage; every replica makes `tokens` tokens.
    let record = metrics::energy::record(&table, &account, group, tokens);
    Ok(Some(record))
}
