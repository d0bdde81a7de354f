//! Our figures beside recorded ones: every row, worst figures named, and what to think of the whole.

use super::table_without_empty;
use crate::figures::{ABSENT, count, figure, percent};
use memwall_sim::record::validation::{ErrorSummary, ValidationRecord};

/// One row a row of the reference table.
pub fn validation(record: &ValidationRecord) -> String {
    let names = [
        "simulator",
        "config",
        "workload",
        "ch",
        "requests",
        "error %",
        "worst figure",
        "recorded",
        "ours",
        "energy %",
        "on a die",
    ];
    let rows = record.rows.iter().map(|row| {
        let worst = row.worst.as_ref();
        let text = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
        vec![
            row.simulator.clone(),
            row.config.clone(),
            row.workload.clone(),
            count(row.channels),
            count(row.requests),
            error(row.error),
            text(worst.map(|worst| worst.column.clone())),
            text(worst.map(|worst| figure(worst.reference))),
            text(worst.map(|worst| figure(worst.ours))),
            text(row.energy_error.map(error)),
            text(row.die_row_ticks.map(figure)),
        ]
    });
    table_without_empty(names.map(str::to_owned).to_vec(), 3, 6, rows.collect())
}

/// The distribution of errors in two lines.
pub fn validation_summary(record: &ValidationRecord) -> String {
    let mut text = line("rows", &record.error);
    if record.rows.iter().any(|row| row.die_row_ticks.is_some()) {
        text.push_str(" on a die: ticks from row to row without the simulator's departures\n");
    }
    if let Some(energy) = &record.energy_error {
        text.push_str(&line("energies", energy));
    }
    text
}

fn line(what: &str, summary: &ErrorSummary) -> String {
    format!(
        " {what}: {} compared, {} exact; error median {} %, p95 {} %, worst {} %\n",
        count(summary.rows),
        count(summary.exact),
        error(summary.median),
        error(summary.p95),
        error(summary.worst),
    )
}

/// An error that is not zero never looks like one: a table that says 0 means agreement to the
/// digit.
pub(super) fn error(error: f64) -> String {
    if error <= 0.0 {
        "0".to_owned()
    } else if error < 0.0005 {
        figure(100.0 * error)
    } else {
        percent(error)
    }
}
