//! `memwall compare`: the same iteration on several machines.

use crate::cli::CompareArguments;
use crate::diagnostics::Failure;
use crate::embedded::{machine, settings};
use crate::host::Host;
use crate::iteration::simulate;
use crate::output;
use crate::run::{check_out, heading, push_notes, write};
use crate::workload;
use memwall_reports::table;
use memwall_sim::machine::{Machine, Setting};
use memwall_sim::record::{Record, ResultRecord};
use rayon::prelude::*;
use std::fmt::Write;

pub(crate) fn compare(arguments: &CompareArguments) -> Result<(), Failure> {
    let common = &arguments.common;
    let host = Host::start(common.threads);
    check_out(&common.out, "compare")?;
    let machines = machines(&arguments.machines, &settings(&common.settings)?)?;
    let model = workload::model(common, workload::BATCH_MODEL)?;
    let batch = workload::batch(&arguments.batch)?;
    let records = machines
        .par_iter()
        .map(|machine| simulate(machine, &model, &batch, common.tp, &arguments.batch))
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let files = write(&records, "compare", common, &host)?;
    if common.json {
        output::print_json(&records)?;
        output::aside(files.trim_end());
        return Ok(());
    }
    let mut text = records.first().map(heading).unwrap_or_default();
    let _ = writeln!(text, "{}", table::comparison(&records));
    text.push_str(&table::group(&records));
    text.push_str(&table::energy(&records));
    let mut notes: Vec<String> = Vec::new();
    for note in records.iter().flat_map(|record| &record.notes) {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    notes.extend(energy_note(&records));
    push_notes(&mut text, &notes);
    text.push_str(&files);
    output::print(&text)
}

/// What the energies of machines leave out, where that differs.
fn energy_note(records: &[Record]) -> Option<String> {
    let missing = |record: &Record| {
        let ResultRecord::Iteration(iteration) = &record.result else {
            return None;
        };
        let components = iteration.energy.as_ref()?.components.iter();
        let missing = components.filter(|part| part.energy_mj.is_none() && part.count != Some(0));
        let names: Vec<&str> = missing.map(|part| part.name.as_str()).collect();
        Some((record.machine.name.clone(), names.join(", ")))
    };
    let all: Vec<(String, String)> = records.iter().filter_map(missing).collect();
    let (_, first) = all.first()?;
    if all.iter().all(|(_, names)| names == first) {
        return None;
    }
    let each = all.iter().map(|(machine, names)| match names.as_str() {
        "" => format!("{machine}: nothing"),
        _ => format!("{machine}: {names}"),
    });
    let each: Vec<String> = each.collect();
    Some(format!(
        "energies do not compare: they leave out different components ({})",
        each.join("; ")
    ))
}

/// Loads the machines. A setting goes to those that have its table: one machine's arrays are no
/// other's kernel rates.
fn machines(names: &[String], settings: &[Setting]) -> Result<Vec<Machine>, Failure> {
    let plain = names
        .iter()
        .map(|name| machine(name, &[]))
        .collect::<Result<Vec<_>, _>>()?;
    let takes = |machine: &Machine, setting: &Setting| {
        let table = setting.path.split('.').next().unwrap_or_default();
        machine.configuration.contains_key(table)
    };
    if let Some(stray) = settings
        .iter()
        .find(|setting| !plain.iter().any(|machine| takes(machine, setting)))
    {
        // Loading says what is wrong with it, and what was meant.
        machine(&names[0], std::slice::from_ref(stray))?;
    }
    names
        .iter()
        .zip(&plain)
        .map(|(name, plain)| {
            let own: Vec<Setting> = settings
                .iter()
                .filter(|setting| takes(plain, setting))
                .cloned()
                .collect();
            machine(name, &own)
        })
        .collect()
}
