//! A decoder block beside the times recorded for its operators one by one.

use super::tables::{BlockRow, Phase};
use crate::exec::{Fidelity, SimError, Simulator, StepTiming};
use crate::machine::Machine;
use crate::record::gpu_validation::{GpuBlock, GpuBlockOperator};
use memwall_models::{Model, Sequence};

/// The operators of one block, which stand together in a table.
pub fn operators(rows: &[BlockRow]) -> Vec<Vec<&BlockRow>> {
    let key = |row: &BlockRow| {
        let sizes = (row.tp, row.batch, row.seq, row.context);
        (row.gpu.clone(), row.model.clone(), sizes)
    };
    let mut blocks: Vec<Vec<&BlockRow>> = Vec::new();
    for row in rows {
        match blocks.iter_mut().find(|block| key(block[0]) == key(row)) {
            Some(block) => block.push(row),
            None => blocks.push(vec![row]),
        }
    }
    blocks
}

/// Runs one layer of `model` on `machine` and puts the times of its operators beside those recorded.
/// Operators that were not recorded do not count; attention fused in one kernel stands for the sum
/// of `logit`, `softmax` and `attend`. Errors name the rule and the line.
pub fn block(
    rows: &[&BlockRow],
    machine: &Machine,
    model: &Model,
) -> Result<GpuBlock, (u64, &'static str, String)> {
    let Some(first) = rows.first() else {
        return Err((0, "operator", "a block needs an operator".to_owned()));
    };
    if first.phase == Phase::Decode && first.seq != 1 {
        let rule = "one new token in decode".to_owned();
        return Err((first.line, "seq", rule));
    }
    let timing =
        run(first, machine, model).map_err(|error| (first.line, "model", error.to_string()))?;
    let time = |name: &str| -> Option<f64> {
        let of_name = timing.tasks.iter().filter(|task| task.name == name);
        let times: Vec<f64> = of_name.map(|task| task.time.0 as f64 / 1e6).collect();
        (!times.is_empty()).then(|| times.iter().sum())
    };
    let mut found = Vec::new();
    for row in rows {
        let us = match (time(&row.operator), row.operator.as_str()) {
            (Some(us), _) => us,
            (None, "logit") if time("attention").is_some() => time("attention").unwrap_or(0.0),
            (None, "softmax" | "attend") if time("attention").is_some() => 0.0,
            (None, name) => {
                let rule = format!("a block of this model has no operator '{name}'");
                return Err((row.line, "operator", rule));
            }
        };
        found.push(GpuBlockOperator {
            name: row.operator.clone(),
            recorded_us: row.us,
            us,
            error: us / row.us - 1.0,
        });
    }
    let recorded_us = rows.iter().map(|row| row.us).sum::<f64>();
    let us = found.iter().map(|operator| operator.us).sum::<f64>();
    Ok(GpuBlock {
        gpu: first.gpu.clone(),
        machine: machine.name.clone(),
        model: first.model.clone(),
        tensor_parallel: first.tp,
        batch: first.batch,
        seq: first.seq,
        context: first.context,
        operators: found,
        recorded_us,
        us,
        error: us / recorded_us - 1.0,
    })
}

fn run(row: &BlockRow, machine: &Machine, model: &Model) -> Result<StepTiming, SimError> {
    // One layer, so that the weights of the rest need not fit.
    let mut block = model.clone();
    block.layers = 1;
    let sequence = Sequence {
        new_tokens: row.seq,
        context: row.context,
    };
    let sequences = vec![sequence; row.batch as usize];
    let mut simulator = Simulator::new(machine, &block, row.tp, Fidelity::Fast)?;
    simulator.step(&sequences, &vec![0; sequences.len()])
}
