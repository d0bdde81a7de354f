//! The suite `gpu`: recorded kernels beside the machines that stand for their GPUs, and beside models
//! fitted to the other half of the rows; decoder blocks operator by operator.

use super::exceeded;
use crate::cli::gpu::ValidateGpuArguments;
use crate::diagnostics::Failure;
use crate::embedded::{Embedded, GPU_TABLES, machine};
use crate::host::Host;
use crate::output;
use crate::workload::named_model;
use memwall_models::spelling;
use memwall_reports::table;
use memwall_sim::gpu::Gpu;
use memwall_sim::machine::{Device, Machine, PartSource, Setting};
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::gpu_validation::{GpuBlock, GpuReference, GpuRow, GpuValidationRecord};
use memwall_sim::validation::gpu::{
    BlockRow, Kernels, Machines, block, compare, groups, operators,
};
use memwall_sim::validation::{TableError, summary};
use rayon::prelude::*;
use std::fmt::Write;
use std::path::PathBuf;

/// Tables beside those that machines may name.
const EMBEDDED: [(&str, &str); 2] = [
    (
        "gpu_attention",
        include_str!("../../tests/reference/gpu_attention.tsv"),
    ),
    (
        "gpu_block",
        include_str!("../../tests/reference/gpu_block.tsv"),
    ),
];

/// A table of recorded kernels.
pub(crate) struct Reference {
    /// File or embedded name.
    pub origin: String,
    text: String,
    pub kernels: Kernels,
    /// Carried by the program: machines' tables are made of its rows.
    embedded: bool,
}

/// The tables named, or the embedded ones.
pub(crate) fn references(paths: &[PathBuf]) -> Result<Vec<Reference>, Failure> {
    let read = |(origin, text, embedded): (String, String, bool)| {
        Ok(Reference {
            kernels: Kernels::parse(&origin, &text)?,
            origin,
            text,
            embedded,
        })
    };
    if paths.is_empty() {
        let all = GPU_TABLES.iter().chain(&EMBEDDED);
        return all
            .map(|(name, text)| {
                read((
                    format!("tests/reference/{name}.tsv"),
                    (*text).to_owned(),
                    true,
                ))
            })
            .collect();
    }
    paths
        .iter()
        .map(|path| read((path.display().to_string(), super::read(path)?, false)))
        .collect()
}

/// The embedded machine that is measured as a GPU, and its name.
pub(crate) fn preset(gpu: &str) -> Result<(String, Gpu), Failure> {
    let mut known = Vec::new();
    for name in Embedded.machine_names() {
        if let Device::Gpu(found) = machine(&name, &[])?.device
            && let Some(measured_as) = &found.measured_as
        {
            if measured_as == gpu {
                return Ok((name, *found));
            }
            known.push(measured_as.clone());
        }
    }
    let names = known.join("'; '");
    let text = format!("gpu: no machine is measured as '{gpu}'; there are '{names}'");
    let nearest = spelling::nearest(gpu, known.iter().map(String::as_str));
    Err(Failure::misspelt(text, nearest))
}

pub(crate) fn gpu(arguments: &ValidateGpuArguments) -> Result<(), Failure> {
    Host::start(arguments.comparison.threads);
    let references = references(&arguments.reference)?;
    // All rows are understood before the first is run.
    let mut jobs = Vec::new();
    let mut blocks = Vec::new();
    for reference in &references {
        for gpu in reference.kernels.gpus() {
            let machines = machines(gpu)?;
            jobs.push((reference, reference.kernels.of(gpu), machines));
        }
        for rows in operators(&reference.kernels.blocks) {
            blocks.extend(run_block(reference, &rows)?);
        }
    }
    let rows: Vec<GpuRow> = jobs
        .par_iter()
        .map(|(reference, kernels, machines)| {
            compare(&reference.origin, kernels, machines, reference.embedded)
        })
        .collect::<Vec<_>>()
        .into_iter()
        .flatten()
        .collect();
    let held_to_account = rows.iter().map(|row| row.error);
    let block_errors = blocks.iter().map(|block| block.error.abs());
    let error = summary(held_to_account.clone())
        .or_else(|| summary(block_errors))
        .ok_or_else(|| Failure::internal("tables without rows were compared"))?;
    let record = GpuValidationRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: "gpu".to_owned(),
        references: references
            .iter()
            .map(|reference| GpuReference {
                name: reference.origin.clone(),
                digest: blake3::hash(reference.text.as_bytes()).to_hex().to_string(),
            })
            .collect(),
        groups: groups(&rows),
        rows,
        blocks,
        error,
    };
    if arguments.comparison.json {
        output::print_json(&record)?;
    } else {
        output::print(&table::gpu_validation(&record, arguments.rows))?;
    }
    let mut text = exceeded(&arguments.comparison, Some(&record.error));
    text.push_str(&exceeded_block(arguments.max_block, &record.blocks));
    if text.is_empty() {
        return Ok(());
    }
    Err(Failure::Check(text))
}

/// Only the first machine of each block is held to the limit: the others show what differs.
fn exceeded_block(limit: Option<f64>, blocks: &[GpuBlock]) -> String {
    let mut text = String::new();
    let named =
        |block: &&GpuBlock| preset(&block.gpu).is_ok_and(|(machine, _)| machine == block.machine);
    if let (Some(limit), true) = (limit, blocks.is_empty()) {
        let _ = writeln!(text, "--max-block {limit}: no block was compared");
    }
    for block in blocks.iter().filter(named) {
        let found = 100.0 * block.error.abs();
        if let Some(limit) = limit.filter(|limit| found > *limit) {
            let (model, seq) = (&block.model, block.seq);
            let _ = writeln!(
                text,
                "--max-block {limit}: the sum of a block of {model}, {seq} new tokens, errs by {found:.2} %"
            );
        }
    }
    text
}

/// A machine under every model of products that its file has.
fn machines(gpu: &str) -> Result<Machines, Failure> {
    let (name, shipped) = preset(gpu)?;
    let mut others = Vec::new();
    for model in ["three_parameter", "size_dependent", "table"] {
        let setting = Setting::parse(&format!("gpu.gemm.model={model}"))?;
        // A file without a model's table has no such model.
        if let Ok(Device::Gpu(other)) = machine(&name, &[setting]).map(|found| found.device)
            && other.gemm.name() != shipped.gemm.name()
        {
            others.push(*other);
        }
    }
    Ok(Machines { shipped, others })
}

/// A block on the machine that its GPU names, and on the machine of bare kernels beside it.
fn run_block(reference: &Reference, rows: &[&BlockRow]) -> Result<Vec<GpuBlock>, Failure> {
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let model = named_model(&first.model)?;
    let (name, _) = preset(&first.gpu)?;
    let mut machines: Vec<Machine> = vec![machine(&name, &[])?];
    if let Some(kernels) = name.strip_suffix("-pytorch") {
        let apart = ["gpu.fusion.attention=false", "gpu.fusion.qkv=false"];
        let apart = apart.map(Setting::parse).into_iter();
        machines.push(machine(kernels, &apart.collect::<Result<Vec<_>, _>>()?)?);
    }
    let compared = machines.iter().map(|machine| {
        block(rows, machine, &model).map_err(|(line, column, rule)| {
            Failure::from(TableError {
                origin: reference.origin.clone(),
                line,
                column: column.to_owned(),
                rule,
                nearest: None,
            })
        })
    });
    compared.collect()
}
