//! Our figures beside recorded ones of NPU simulators: rows of kinds that mean different things.

use super::table_without_empty;
use super::validation::error;
use crate::figures::{ABSENT, count, figure};
use memwall_sim::record::npu_validation::{Kind, NpuValidationRecord, NpuValidationRow};
use std::fmt::Write;

/// One row a row of the reference table. The configuration says whose row it is.
pub fn npu_validation(record: &NpuValidationRecord) -> String {
    let names = [
        "config",
        "workload",
        "array",
        "is",
        "error %",
        "worst",
        "recorded",
        "ours",
        "cycles",
        "by the rule",
        "our machine",
    ];
    // Of cycles the recorded figure stands in the table anyway.
    let mut worst = record.rows.iter().filter_map(|row| row.worst.as_ref());
    let of_cycles = worst.all(|worst| worst.column == "cycles");
    let rows = record.rows.iter().map(|row| {
        let worst = row.worst.as_ref();
        let named = worst.filter(|_| !of_cycles);
        let text = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
        vec![
            row.config.clone(),
            in_lines(&row.workload),
            array(row),
            evidence(row.kind).to_owned(),
            text(row.error.map(error)),
            text(named.map(|worst| worst.column.clone())),
            text(named.map(|worst| figure(worst.reference))),
            text(worst.map(|worst| figure(worst.ours))),
            text(row.recorded_cycles.map(figure)),
            text(row.rule_cycles.map(count)),
            text(row.machine.as_ref().map(|(_, cycles)| count(*cycles))),
        ]
    });
    let names = names.map(str::to_owned).to_vec();
    table_without_empty(names, 4, 5, rows.collect())
}

/// The words of a layer, some to a line: they are wider than any product.
fn in_lines(workload: &str) -> String {
    const WIDTH: usize = 24;
    let mut lines: Vec<String> = Vec::new();
    for word in workload.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

/// Array and dataflow, without remarks.
fn array(row: &NpuValidationRow) -> String {
    let flow = row.dataflow.split_whitespace().next().unwrap_or(ABSENT);
    match (row.array.as_str(), flow) {
        (ABSENT, ABSENT) => ABSENT.to_owned(),
        (array, ABSENT) => array.to_owned(),
        (array, flow) => format!("{array} {flow}"),
    }
}

/// The kind without the simulator.
fn evidence(kind: Kind) -> &'static str {
    match kind {
        Kind::ScaleSim | Kind::Onnxim => "run",
        Kind::Formula => "formula",
        Kind::Stalled => "stalled",
        Kind::LlmCompass => "apart",
        Kind::Unsupported => "not run",
    }
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
