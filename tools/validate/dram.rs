//! The suite `dram`: each row of a table names a simulator, its configuration and a workload; the
//! part that stands for the configuration is run under the simulator's policy.

use super::{finish, reference};
use crate::cli::memory::ValidateDramArguments;
use crate::diagnostics::Failure;
use crate::embedded::{Embedded, part};
use crate::host::Host;
use crate::mem::measure::{Bench, Load};
use memwall_models::spelling;
use memwall_sim::dram::{Policy, Workload};
use memwall_sim::machine::{PartSource, Setting};
use memwall_sim::record::validation::ValidationRow;
use memwall_sim::validation::{ReferenceRow, ReferenceTable, compare};
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// The table that the program carries.
const EMBEDDED: (&str, &str) = (
    "tests/reference/dram.tsv",
    include_str!("../../tests/reference/dram.tsv"),
);

pub(crate) fn dram(arguments: &ValidateDramArguments) -> Result<(), Failure> {
    Host::start(arguments.comparison.threads);
    let (origin, text) = reference(arguments.reference.as_deref(), EMBEDDED)?;
    let table = ReferenceTable::parse(&origin, &text)?;
    // All rows are understood before the first is run.
    let jobs = table
        .rows
        .iter()
        .map(|row| Job::new(&table, row, arguments.trace_dir.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    let rows = jobs
        .par_iter()
        .map(Job::run)
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    finish("dram", &origin, &text, rows, &arguments.comparison)
}

/// A row, understood.
struct Job<'a> {
    table: &'a ReferenceTable,
    row: &'a ReferenceRow,
    bench: Bench,
    workload: Run,
}

enum Run {
    Rule(&'static str, Workload, &'static str),
    Trace(PathBuf),
}

impl<'a> Job<'a> {
    fn new(
        table: &'a ReferenceTable,
        row: &'a ReferenceRow,
        folder: Option<&Path>,
    ) -> Result<Job<'a>, Failure> {
        let policy = policy(table, row)?;
        let name = part_of(table, row, policy)?;
        let channels = Setting::parse(&format!("organisation.channels={}", row.channels))?;
        Ok(Job {
            workload: workload(table, row, folder)?,
            bench: Bench {
                standard: part(&name, &[channels])?,
                policy,
                settings: Vec::new(),
            },
            table,
            row,
        })
    }

    fn run(&self) -> Result<ValidationRow, Failure> {
        let load = match &self.workload {
            Run::Rule(name, workload, does) => Load::Rule(name, *workload, does),
            Run::Trace(path) => Load::Trace(path),
        };
        let measured = self.bench.run(load, self.row.requests)?;
        if let Some(wanted) = self
            .row
            .requests
            .filter(|wanted| *wanted > measured.source.requests)
        {
            let rule = format!(
                "the trace has {} requests, not {wanted}",
                measured.source.requests
            );
            return Err(self.table.fault(self.row, "requests", rule, None).into());
        }
        let standard = &self.bench.standard;
        Ok(compare(
            self.row,
            self.bench.policy,
            standard,
            &measured.outcome,
        ))
    }
}

/// The policy whose name begins the simulator's, whatever version follows.
fn policy(table: &ReferenceTable, row: &ReferenceRow) -> Result<Policy, Failure> {
    let simulator = row.simulator.to_lowercase();
    let known = || {
        Policy::NAMES
            .iter()
            .filter(|(_, policy)| *policy != Policy::Default)
    };
    if let Some((_, policy)) = known().find(|(name, _)| simulator.starts_with(name)) {
        return Ok(*policy);
    }
    let names: Vec<&str> = known().map(|(name, _)| *name).collect();
    let rule = format!(
        "no policy reproduces '{}'; there are {}",
        row.simulator,
        names.join(", ")
    );
    let nearest = spelling::nearest(&simulator, names).map(str::to_owned);
    Err(table.fault(row, "simulator", rule, nearest).into())
}

/// The embedded part that stands for a configuration of a simulator: named after both.
fn part_of(table: &ReferenceTable, row: &ReferenceRow, policy: Policy) -> Result<String, Failure> {
    let names = Embedded.part_names();
    let wanted = format!(
        "{}-{}",
        policy.name(),
        row.config.to_lowercase().replace('_', "-")
    );
    if names.contains(&wanted) {
        return Ok(wanted);
    }
    let prefix = format!("{}-", policy.name());
    let ours: Vec<&str> = names
        .iter()
        .filter_map(|name| name.strip_prefix(&prefix))
        .collect();
    let rule = format!(
        "no part stands for '{}' of {}; there are {} (in lower case, with hyphens)",
        row.config,
        row.simulator,
        ours.join(", ")
    );
    let nearest = spelling::nearest(&wanted[prefix.len()..], ours.iter().copied());
    let nearest = nearest.map(str::to_owned);
    Err(table.fault(row, "config", rule, nearest).into())
}

fn workload(
    table: &ReferenceTable,
    row: &ReferenceRow,
    folder: Option<&Path>,
) -> Result<Run, Failure> {
    let name = row.workload.as_str();
    let known = Workload::ALL.iter().find(|(known, ..)| *known == name);
    if let Some(&(name, workload, does)) = known {
        return Ok(Run::Rule(name, workload, does));
    }
    let traced = name.strip_prefix("trace:");
    let file = traced.unwrap_or(name);
    match folder {
        Some(folder) if folder.join(file).is_file() => return Ok(Run::Trace(folder.join(file))),
        Some(folder) if traced.is_some() => {
            let rule = format!("no file '{file}' in {}", folder.display());
            return Err(table.fault(row, "workload", rule, None).into());
        }
        None if traced.is_some() => {
            let rule = format!("'{name}' needs --trace-dir with the folder of '{file}'");
            return Err(table.fault(row, "workload", rule, None).into());
        }
        _ => {}
    }
    let names = Workload::ALL.iter().map(|(name, ..)| *name);
    let nearest = spelling::nearest(name, names).map(str::to_owned);
    let rule = format!(
        "no workload '{name}'; memwall mem --list names them, and trace:NAME is a file in --trace-dir"
    );
    Err(table.fault(row, "workload", rule, nearest).into())
}
