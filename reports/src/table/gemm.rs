//! One matrix product on one machine: where its time went, what moved, and what bounds it.

use super::{listing, table};
use crate::figures::{count, counted, figure, percent};
use memwall_sim::record::gemm::{GemmRecord, GemmResult};
use std::fmt::Write;

fn fact(name: &str, value: String) -> Vec<String> {
    vec![name.to_owned(), value]
}

/// Mapping, parts of the time, traffic and bounds.
pub fn gemm(record: &GemmRecord) -> String {
    let (product, result) = (&record.product, &record.result);
    let mut text = format!(
        "{}: {} x {} x {} {}\n",
        record.machine.name,
        count(product.m),
        count(product.k),
        count(product.n),
        product.dtype,
    );
    if !product.resident.is_empty() {
        let _ = writeln!(text, "on chip: {}", product.resident.join(", "));
    }
    if let Some(mapping) = &record.mapping {
        let _ = writeln!(
            text,
            "{} of at most {} x {} x {} on {}, loops {}, {} held in the arrays",
            counted(mapping.tiles, "tile"),
            count(mapping.tile_m),
            count(mapping.tile_k),
            count(mapping.tile_n),
            counted(mapping.cores, "core"),
            mapping.order,
            mapping.stationary,
        );
    }
    text.push('\n');
    // A kernel has no tiles and no cores that are told apart.
    let kernel = record.mapping.is_none();
    let cycles = result
        .cycles
        .map_or_else(String::new, |cycles| format!(", {} cycles", count(cycles)));
    let mut facts = vec![
        fact("time", format!("{} us{cycles}", figure(result.time_us))),
        fact(
            "utilisation",
            format!(
                "{} % (multiply-accumulates over those {} in the time)",
                percent(result.utilisation),
                if kernel {
                    "of the peak"
                } else {
                    "of all arrays"
                }
            ),
        ),
    ];
    if let Some(lanes) = result.lane_utilisation {
        facts.push(fact(
            "while busy",
            format!(
                "{} % (over those of all arrays while operands stream)",
                percent(lanes)
            ),
        ));
    }
    facts.push(fact(
        "bandwidth",
        format!(
            "{} GB/s of {} at the pins",
            figure(result.bandwidth_gb_per_s),
            figure(result.peak_gb_per_s)
        ),
    ));
    facts.push(fact("bound", bound(result, kernel)));
    text.push_str(&listing(facts));
    text.push('\n');
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let rows = result
        .parts
        .iter()
        .map(|part| vec![part.part.clone(), figure(part.time_us), percent(part.share)]);
    text.push_str(&table(
        names(&[
            if kernel {
                "time"
            } else {
                "time, mean of cores"
            },
            "us",
            "%",
        ]),
        1,
        rows.collect(),
    ));
    text.push('\n');
    let rows = result.traffic.iter().filter(|tensor| tensor.bytes > 0);
    let rows = rows.map(|tensor| {
        vec![
            tensor.tensor.clone(),
            count(tensor.bytes),
            figure(tensor.times),
        ]
    });
    text.push_str(&table(
        names(&["to and from memory", "bytes", "times its size"]),
        1,
        rows.collect(),
    ));
    if !result.accesses.is_empty() {
        text.push('\n');
        let rows = result.accesses.iter();
        let rows = rows.map(|access| vec![access.port.clone(), count(access.bytes)]);
        text.push_str(&table(names(&["scratchpads", "bytes"]), 1, rows.collect()));
    }
    text
}

fn bound(result: &GemmResult, kernel: bool) -> String {
    let bound = &result.bound;
    // Records call arithmetic by what does it on an NPU.
    let (arithmetic, binding) = match (kernel, bound.binding.as_str()) {
        (true, "arrays") => ("arithmetic", "arithmetic"),
        (true, other) => ("arithmetic", other),
        (false, other) => ("arrays", other),
    };
    let links = bound
        .links_us
        .map_or_else(String::new, |us| format!(", links {}", figure(us)));
    format!(
        "{} us, {} % of the time, by {binding} ({arithmetic} {}, memory {}{links})",
        figure(bound.time_us),
        percent(bound.fraction),
        figure(bound.arrays_us),
        figure(bound.memory_us),
    )
}
