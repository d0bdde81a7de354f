//! Requests on a memory standard: how fast, how long a read takes, what the memory did for it, and
//! what that costs.

use super::table;
use crate::figures::{ABSENT, count, figure, percent};
use memwall_sim::record::traffic::{LatencyRecord, TrafficRecord};

pub(super) fn headings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Time, bandwidth and row hits, one row a workload.
pub fn traffic(records: &[TrafficRecord]) -> String {
    let rows = records.iter().map(|record| {
        let result = &record.result;
        vec![
            record.traffic.name.clone(),
            count(record.traffic.reads),
            count(record.traffic.writes),
            count(result.cycles),
            figure(result.time_us),
            figure(result.bandwidth_gb_per_s),
            percent(result.peak_fraction),
            count(result.row_hits),
            percent(result.row_hit_rate),
        ]
    });
    let names = [
        "workload", "reads", "writes", "cycles", "time us", "GB/s", "peak %", "row hits", "hits %",
    ];
    table(headings(&names), 1, rows.collect())
}

/// Latencies of reads in ticks and in nanoseconds; empty where nothing was read.
pub fn traffic_latency(records: &[TrafficRecord]) -> String {
    let mut rows = Vec::new();
    for record in records {
        let (result, name) = (&record.result, &record.traffic.name);
        for (unit, latency) in [("ticks", &result.latency_ticks), ("ns", &result.latency_ns)] {
            if let Some(latency) = latency {
                rows.push(latencies(name, unit, latency));
            }
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let names = [
        "read latency",
        "in",
        "min",
        "mean",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
    ];
    table(headings(&names), 2, rows)
}

fn latencies(name: &str, unit: &str, latency: &LatencyRecord) -> Vec<String> {
    let values = [
        latency.min,
        latency.mean,
        latency.p50,
        latency.p90,
        latency.p99,
        latency.p999,
        latency.max,
    ];
    let named = [name.to_owned(), unit.to_owned()];
    named.into_iter().chain(values.map(duration)).collect()
}

/// Whole ticks without digits that say nothing.
fn duration(value: f64) -> String {
    if value.fract() == 0.0 {
        count(value as u64)
    } else {
        figure(value)
    }
}

/// Commands issued, a column each kind that occurs.
pub fn traffic_commands(records: &[TrafficRecord]) -> String {
    let mut kinds: Vec<&String> = Vec::new();
    for kind in records
        .iter()
        .flat_map(|record| record.result.commands.keys())
    {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.sort();
    let rows = records.iter().map(|record| {
        let issued = kinds.iter().map(|&kind| {
            let issued = record.result.commands.get(kind);
            count(issued.copied().unwrap_or(0))
        });
        std::iter::once(record.traffic.name.clone())
            .chain(issued)
            .collect()
    });
    let mut names = vec!["commands".to_owned()];
    names.extend(kinds.iter().map(|&kind| kind.clone()));
    table(names, 1, rows.collect())
}

/// Energy by part; empty where no standard has figures.
pub fn traffic_energy(records: &[TrafficRecord]) -> String {
    let rows: Vec<_> = records
        .iter()
        .filter_map(|record| {
            let energy = record.result.energy.as_ref()?;
            let known = |value: Option<f64>| value.map_or_else(|| ABSENT.to_owned(), figure);
            Some(vec![
                record.traffic.name.clone(),
                figure(energy.activate_uj),
                figure(energy.read_write_uj),
                known(energy.refresh_uj),
                known(energy.standby_uj),
                figure(energy.total_uj),
                figure(energy.pj_per_bit),
            ])
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let names = [
        "energy uJ",
        "ACT+PRE",
        "RD+WR",
        "refresh",
        "standby",
        "total",
        "pJ/bit",
    ];
    table(headings(&names), 1, rows)
}
