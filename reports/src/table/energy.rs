//! Energy by component. What has no source says so and is no zero.

use super::table;
use crate::figures::{ABSENT, count, figure};
use crate::records::iterations;
use memwall_sim::record::Record;
use std::fmt::Write;

/// A table for each record that has energies; empty without any.
pub fn energy(records: &[Record]) -> String {
    let mut text = String::new();
    for (record, iteration) in iterations(records) {
        let Some(energy) = &iteration.energy else {
            continue;
        };
        let rows = energy.components.iter().map(|component| {
            let absent = || ABSENT.to_owned();
            let remark = match (component.count, component.pj_each) {
                (Some(0), _) => "none",
                (_, None) => "no source",
                (None, _) => "not counted",
                _ => "",
            };
            vec![
                component.name.clone(),
                component.unit.clone(),
                component.count.map_or_else(absent, count),
                component.pj_each.map_or_else(absent, figure),
                component.energy_mj.map_or_else(absent, figure),
                remark.to_owned(),
            ]
        });
        let headings = ["energy", "of one", "count", "pJ each", "mJ", ""];
        let headings = headings.map(str::to_owned).to_vec();
        text.push_str(&table(headings, 2, rows.collect()));
        let _ = writeln!(
            text,
            " {} {} mJ on {} of {}, {} mJ a token of the group ({}, {} nm)\n",
            if energy.partial { "at least" } else { "in all" },
            figure(energy.device_mj),
            devices(energy.stages),
            record.machine.name,
            figure(energy.mj_per_token),
            energy.table,
            energy.node_nm
        );
    }
    text
}

/// Whose energy it is.
fn devices(stages: u64) -> String {
    match stages {
        1 => "one device".to_owned(),
        _ => format!("one device of each of {stages} stages together"),
    }
}
