//! Where the time of an iteration goes, operator by operator: what explains a figure of the
//! comparison.

use super::table;
use crate::figures::{count, counted, figure, megabytes, percent};
use memwall_sim::record::{Record, ResultRecord};

/// One row an operator, in the order they run. Empty for a replay.
pub fn operators(record: &Record) -> String {
    let ResultRecord::Iteration(iteration) = &record.result else {
        return String::new();
    };
    let headings = ["operator", "unit", "time us", "runs", "share %", "MB/run"]
        .map(str::to_owned)
        .to_vec();
    let rows = iteration
        .operators
        .iter()
        .map(|operator| {
            vec![
                operator.name.clone(),
                operator.unit.clone(),
                figure(operator.time_us),
                count(operator.repeat),
                percent(operator.share),
                megabytes(operator.bus_bytes),
            ]
        })
        .collect();
    let stages = iteration
        .group
        .as_ref()
        .filter(|group| group.pipeline_parallel > 1);
    let whose = stages.map_or_else(String::new, |group| {
        format!(
            "the longest of {} through all layers, as if alone\n",
            counted(group.micro_batches, "micro-batch")
        )
    });
    whose + &table(headings, 2, rows)
}
