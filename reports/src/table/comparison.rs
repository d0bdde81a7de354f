//! Machines side by side: the table a reader of `compare` looks at first. Utilisations stand next
//! to the throughput because they say what bounds a machine.

use super::table;
use crate::figures::{ABSENT, figure, percent, ratio};
use crate::records::{fidelity, iterations};
use memwall_sim::record::Record;

/// One row a machine, the first being the baseline. Records that are not iterations are passed
/// over; without any, the text is empty.
pub fn comparison(records: &[Record]) -> String {
    let shown = iterations(records);
    let Some((first, baseline)) = shown.first() else {
        return String::new();
    };
    let headings = vec![
        "machine".to_owned(),
        "fidelity".to_owned(),
        "iteration ms".to_owned(),
        "tok/s".to_owned(),
        "array %".to_owned(),
        "PIM %".to_owned(),
        "memory %".to_owned(),
        format!("vs {}", first.machine.name),
    ];
    let rows = shown
        .iter()
        .map(|(record, iteration)| {
            vec![
                record.machine.name.clone(),
                fidelity(record.fidelity).to_owned(),
                figure(iteration.iteration_ms),
                figure(iteration.throughput_tok_per_s),
                percent(iteration.array_utilisation),
                iteration
                    .pim_utilisation
                    .map_or_else(|| ABSENT.to_owned(), percent),
                percent(iteration.memory_utilisation),
                ratio(
                    iteration.throughput_tok_per_s,
                    baseline.throughput_tok_per_s,
                ),
            ]
        })
        .collect();
    table(headings, 2, rows)
}
