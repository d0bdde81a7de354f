//! A replay in figures: latencies as their users see them, percentiles included since the mean
//! hides the tail, and what the machine delivered.

use super::{listing, table};
use crate::figures::{ABSENT, count, figure, percent};
use memwall_sim::record::{CheckRecord, Distribution, Record, ReplayRecord, ResultRecord};

/// Latencies, then totals. Empty for an iteration.
pub fn replay(record: &Record) -> String {
    let ResultRecord::Replay(replay) = &record.result else {
        return String::new();
    };
    let mut text = latencies(replay);
    text.push('\n');
    text.push_str(&totals(replay));
    if let Some(check) = &replay.check {
        text.push('\n');
        text.push_str(&checked(check));
    }
    text
}

fn latencies(replay: &ReplayRecord) -> String {
    let headings = ["ms", "mean", "p50", "p90", "p95", "p99", "max"]
        .map(str::to_owned)
        .to_vec();
    let rows = vec![
        row("TTFT", &replay.ttft_ms),
        row("TPOT", &replay.tpot_ms),
        row("end to end", &replay.e2e_ms),
    ];
    table(headings, 1, rows)
}

fn row(name: &str, times: &Distribution) -> Vec<String> {
    let values = [
        times.mean, times.p50, times.p90, times.p95, times.p99, times.max,
    ];
    let shown = values.map(|value| {
        // Zeros of an empty distribution are no latencies.
        if times.count == 0 {
            ABSENT.to_owned()
        } else {
            figure(value)
        }
    });
    std::iter::once(name.to_owned()).chain(shown).collect()
}

fn totals(replay: &ReplayRecord) -> String {
    let rows = [
        ("completed", count(replay.completed)),
        ("rejected", count(replay.rejected.len() as u64)),
        ("empty rows", count(replay.empty_rows)),
        ("iterations", count(replay.iterations)),
        ("makespan", format!("{} s", figure(replay.makespan_s))),
        (
            "requests",
            format!("{} /s", figure(replay.request_throughput_per_s)),
        ),
        (
            "input",
            format!("{} tok/s", figure(replay.input_throughput_tok_per_s)),
        ),
        (
            "output",
            format!("{} tok/s", figure(replay.output_throughput_tok_per_s)),
        ),
    ];
    listing(
        rows.into_iter()
            .map(|(name, value)| vec![name.to_owned(), value])
            .collect(),
    )
}

fn checked(check: &CheckRecord) -> String {
    // The sign of the mean says which side `fast` errs on; without a plus it is easily missed.
    let sign = if check.signed_mean > 0.0 { "+" } else { "" };
    format!(
        " fast against command, {} iterations sampled:\n error median {} %, p95 {} %, worst {} %, mean {sign}{} %\n",
        count(check.iterations),
        percent(check.median),
        percent(check.p95),
        percent(check.worst),
        percent(check.signed_mean),
    )
}
