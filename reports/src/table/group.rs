//! Pipeline stages and replicas.

use super::table;
use crate::figures::{count, figure, percent};
use crate::records::iterations;
use memwall_sim::record::Record;

/// One row a record with several stages or replicas; empty without any.
pub fn group(records: &[Record]) -> String {
    let rows: Vec<Vec<String>> = iterations(records)
        .into_iter()
        .filter_map(|(record, iteration)| {
            let group = iteration.group.as_ref()?;
            Some(vec![
                record.machine.name.clone(),
                format!(
                    "{} x {} x {}",
                    record.tensor_parallel, group.pipeline_parallel, group.data_parallel
                ),
                count(group.devices),
                count(group.micro_batches),
                figure(group.latency_ms),
                percent(group.bubble),
                count(group.message_bytes),
                figure(group.message_us),
            ])
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let headings = [
        "machine",
        "TP x PP x DP",
        "devices",
        "parts",
        "through ms",
        "bubble %",
        "message B",
        "us",
    ];
    table(headings.map(str::to_owned).to_vec(), 2, rows) + "\n"
}
