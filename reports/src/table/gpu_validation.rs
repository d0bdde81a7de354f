//! Recorded GPU kernels and decoder blocks beside ours.

use super::table;
use crate::figures::{count, figure, percent};
use memwall_sim::record::gpu_validation::{GpuBlock, GpuRow, GpuValidationRecord};
use std::fmt::Write;

/// Distribution of errors by GPU, kind and method; blocks operator by operator; every row if asked
/// for.
pub fn gpu_validation(record: &GpuValidationRecord, rows: bool) -> String {
    let mut text = String::new();
    if rows {
        text.push_str(&all_rows(&record.rows));
        text.push('\n');
    }
    if !record.groups.is_empty() {
        text.push_str(&groups(record));
    }
    for block in &record.blocks {
        text.push('\n');
        text.push_str(&one_block(block));
    }
    let error = &record.error;
    let _ = writeln!(
        text,
        "\n {} compared by the machine's model, fitted to other rows where there are enough: error \
         median {} %, p95 {} %, worst {} %",
        count(error.rows),
        percent(error.median),
        percent(error.p95),
        percent(error.worst)
    );
    text
}

fn headings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn all_rows(rows: &[GpuRow]) -> String {
    let names = [
        "GPU",
        "op",
        "shape",
        "model",
        "basis",
        "recorded us",
        "ours us",
        "error %",
    ];
    let lines = rows.iter().flat_map(|row| {
        row.figures.iter().map(|ours| {
            vec![
                row.gpu.clone(),
                row.op.clone(),
                row.shape.clone(),
                ours.method.clone(),
                ours.basis.clone(),
                figure(row.recorded_us),
                figure(ours.us),
                percent(ours.error),
            ]
        })
    });
    table(headings(&names), 5, lines.collect())
}

fn groups(record: &GpuValidationRecord) -> String {
    let names = [
        "GPU",
        "kind",
        "model",
        "fitted to",
        "rows",
        "mean %",
        "median %",
        "p90 %",
        "worst %",
    ];
    let lines = record.groups.iter().map(|group| {
        vec![
            group.gpu.clone(),
            group.kind.clone(),
            group.method.clone(),
            group.basis.clone(),
            count(group.rows),
            percent(group.mean),
            percent(group.median),
            percent(group.p90),
            percent(group.worst),
        ]
    });
    table(headings(&names), 4, lines.collect())
}

fn one_block(block: &GpuBlock) -> String {
    let mut lines: Vec<Vec<String>> = block
        .operators
        .iter()
        .map(|operator| {
            vec![
                operator.name.clone(),
                figure(operator.recorded_us),
                figure(operator.us),
                percent(operator.error),
            ]
        })
        .collect();
    lines.push(vec![
        "sum".to_owned(),
        figure(block.recorded_us),
        figure(block.us),
        percent(block.error),
    ]);
    let names = ["operator", "recorded us", "ours us", "error %"];
    format!(
        "One block of {} on {} x {}: {} sequences, {} new tokens after {} each, by {}\n{}",
        block.model,
        block.tensor_parallel,
        block.gpu,
        count(block.batch),
        count(block.seq),
        count(block.context),
        block.machine,
        table(headings(&names), 1, lines)
    )
}
