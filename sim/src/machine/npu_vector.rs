//! `[npu.vector]`: what the steps of the vector unit cost, and how softmax and element-wise
//! operators run on it.

use super::error::ConfigError;
use super::load::Document;
use super::number::Positive;
use super::raw::RawMachine;
use crate::npu::vector::{Cost, Costs, Primitive};
use memwall_models::spelling;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Most cycles of one step: far above any function unit.
const MOST: u64 = 1 << 16;

/// `[npu.vector]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVector {
    /// Passes of softmax; classic if absent.
    pub softmax: Option<RawSoftmax>,
    /// Element-wise operators run on results as they leave the arrays.
    #[serde(default)]
    pub fused: bool,
    /// Cycles before a pipe takes the next step, by primitive; one if absent.
    #[serde(default)]
    pub cycles: BTreeMap<String, Positive>,
    /// Cycles to the result, by primitive; those above if absent.
    #[serde(default)]
    pub latency: BTreeMap<String, Positive>,
}

/// `softmax`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawSoftmax {
    /// Maximum, sum of exponentials, division: three passes over a row.
    Classic,
    /// Running maximum and sum.
    Online,
}

pub(super) fn costs(machine: &Document<RawMachine>, raw: &RawVector) -> Result<Costs, ConfigError> {
    let mut costs = Costs::ONE;
    for (name, cycles) in &raw.cycles {
        let primitive = primitive(machine, "cycles", name, *cycles)?;
        let issue = cycles.0 as u32;
        let latency = issue;
        costs.set(primitive, Cost { issue, latency });
    }
    for (name, cycles) in &raw.latency {
        let primitive = primitive(machine, "latency", name, *cycles)?;
        let Cost { issue, .. } = costs.of(primitive);
        let latency = cycles.0 as u32;
        if latency < issue {
            let rule =
                format!("a result takes at least the {issue} cycles that its step is issued");
            return Err(machine.fault(&format!("npu.vector.latency.{name}"), &rule));
        }
        costs.set(primitive, Cost { issue, latency });
    }
    Ok(costs)
}

fn primitive(
    machine: &Document<RawMachine>,
    table: &str,
    name: &str,
    cycles: Positive,
) -> Result<Primitive, ConfigError> {
    let path = format!("npu.vector.{table}.{name}");
    if cycles.0 > MOST {
        return Err(machine.fault(&path, &format!("must be at most {MOST} cycles")));
    }
    let found = Primitive::ALL.into_iter().find(|p| p.name() == name);
    found.ok_or_else(|| {
        let names = Primitive::ALL.map(Primitive::name);
        let rule = format!("no such primitive; there are {}", names.join(", "));
        let mut error = machine.fault(&path, &rule);
        error.nearest = spelling::nearest(name, names).map(str::to_owned);
        error
    })
}
