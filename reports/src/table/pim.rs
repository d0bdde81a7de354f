//! A product in the banks and the closed forms beside it.

use super::{listing, table, traffic::headings};
use crate::figures::{count, figure, percent};
use memwall_sim::record::pim::{BoundRecord, PimRecord};

/// Result, bound and commands of one product.
pub fn pim(record: &PimRecord) -> String {
    let (product, result, bound) = (&record.product, &record.result, &record.bound);
    let mut text = format!(
        "{}: {} x {} {} in {}\n{}\n\n",
        record.device.name,
        count(product.m),
        count(product.k),
        product.format,
        record.device.memory,
        product.layout,
    );
    let row = |name: &str, us: f64, gb_per_s: f64, share: String| {
        vec![name.to_owned(), figure(us), figure(gb_per_s), share]
    };
    let rate = |us: f64| result.weight_bytes as f64 / us / 1e3;
    let mut rows = vec![row(
        "in the banks",
        result.time_us,
        result.weight_gb_per_s,
        percent(result.bound_fraction),
    )];
    if let Some(us) = bound.time_us {
        rows.push(row("bound", us, rate(us), percent(1.0)));
    }
    rows.push(row(
        "over the pins",
        result.streaming_us,
        rate(result.streaming_us),
        String::new(),
    ));
    let names = ["", "us", "matrix GB/s", "of bound %"];
    text.push_str(&table(headings(&names), 1, rows));
    text.push('\n');
    let mut facts = vec![
        fact("speed-up over the pins", format!("{:.2}x", result.speed_up)),
        fact("channels with work", count(result.channels)),
        fact("multipliers used", percent(result.useful_macs) + " %"),
    ];
    if let Some(us) = result.upload_us {
        facts.push(fact("of the time, upload of vectors", figure(us) + " us"));
    }
    if let Some(us) = result.read_out_us {
        facts.push(fact("reading results out, besides", figure(us) + " us"));
    }
    facts.push(fact(
        "vectors in, results out",
        format!(
            "{} B, {} B",
            count(result.vector_bytes),
            count(result.result_bytes)
        ),
    ));
    let commands: Vec<String> = result
        .commands
        .iter()
        .map(|(name, issued)| format!("{} {name}", count(*issued)))
        .collect();
    facts.push(fact("commands", commands.join(", ")));
    text.push_str(&listing(facts));
    text.push('\n');
    text + &pim_bound(bound)
}

fn fact(name: &str, value: String) -> Vec<String> {
    vec![name.to_owned(), value]
}

/// The closed forms of a device.
pub fn pim_bound(bound: &BoundRecord) -> String {
    let mut text = format!(
        "a row pass of {} steps takes {} ticks at least; binding: {}\n\n",
        count(bound.steps_a_row),
        count(bound.row_ticks),
        bound.binding
    );
    let rows = bound.rules.iter().map(|rule| {
        vec![
            rule.rule.clone(),
            count(rule.ticks),
            figure(rule.without_gb_per_s),
        ]
    });
    text.push_str(&table(
        headings(&["rule", "ticks", "GB/s without it"]),
        1,
        rows.collect(),
    ));
    text.push('\n');
    let gb = |value: f64| figure(value) + " GB/s";
    text + &listing(vec![
        fact("multipliers alone", gb(bound.multipliers_gb_per_s)),
        fact("banks computing as they open", gb(bound.pipelined_gb_per_s)),
        fact("bound: all rows open first", gb(bound.gb_per_s)),
        fact("bound after refresh", gb(bound.after_refresh_gb_per_s)),
        fact("over the pins", gb(bound.pins_gb_per_s)),
    ])
}
