//! Our figures beside recorded ones of NPU simulators: rows of kinds that mean different things.

use super::table;
use super::validation::error;
use crate::figures::{ABSENT, count, figure};
use memwall_sim::record::npu_validation::{Kind, NpuValidationRecord};
use std::fmt::Write;

/// One row a row of the reference table.
pub fn npu_validation(record: &NpuValidationRecord) -> String {
    let machine = record.rows.iter().any(|row| row.machine.is_some());
    let mut names = vec![
        "simulator",
        "config",
        "workload",
        "array",
        "flow",
        "kind",
        "figures",
        "error %",
        "worst figure",
        "recorded",
        "ours",
        "cycles",
        "by the rule",
    ];
    if machine {
        names.push("our machine");
    }
    let rows = record.rows.iter().map(|row| {
        let worst = row.worst.as_ref();
        let text = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
        let mut cells = vec![
            row.simulator.clone(),
            row.config.clone(),
            row.workload.clone(),
            row.array.clone(),
            row.dataflow.clone(),
            row.kind.name().to_owned(),
            count(row.figures),
            text(row.error.map(error)),
            text(worst.map(|worst| worst.column.clone())),
            text(worst.map(|worst| figure(worst.reference))),
            text(worst.map(|worst| figure(worst.ours))),
            text(row.recorded_cycles.map(figure)),
            text(row.rule_cycles.map(count)),
        ];
        if machine {
            cells.push(text(row.machine.as_ref().map(|(_, cycles)| count(*cycles))));
        }
        cells
    });
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    table(names, 6, rows.collect())
}

/// The errors of each kind, what counts, and what the words mean.
pub fn npu_validation_summary(record: &NpuValidationRecord) -> String {
    let mut text = String::new();
    for kind in &record.kinds {
        let counts = if kind.counts { "" } else { " (apart)" };
        let _ = write!(
            text,
            " {}{counts}: {} rows",
            kind.kind.name(),
            count(kind.rows)
        );
        if let Some(found) = &kind.error {
            let _ = write!(
                text,
                ", {} compared, {} exact; error median {} %, p95 {} %, worst {} %",
                count(found.rows),
                count(found.exact),
                error(found.median),
                error(found.p95),
                error(found.worst),
            );
        }
        text.push('\n');
    }
    for row in record
        .rows
        .iter()
        .filter(|row| row.kind == Kind::Unsupported)
    {
        let why = row.note.as_deref().unwrap_or("no reason is known");
        let _ = writeln!(text, " line {} is not run: {why}", row.line);
    }
    text.push_str(
        " by the rule: cycles with double-buffered scratchpads, each half the longer of\n",
    );
    text.push_str("   filling it and using it; SCALE-Sim states this rule and stalls more\n");
    text.push_str(" util_pct is overall utilisation; of the array in use:\n");
    for (name, meaning) in &record.definitions {
        let _ = writeln!(text, "   {name}: {meaning}");
    }
    text
}
