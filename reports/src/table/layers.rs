//! The layers of a topology on a systolic array, a row each, and their sum.

use super::table;
use crate::figures::{ABSENT, count, percent};
use memwall_sim::record::layers::{LayersRecord, WordsRecord};
use std::fmt::Write;

/// Cycles and shares of the array in use.
pub fn layers(record: &LayersRecord) -> String {
    let names = [
        "layer",
        "M",
        "K",
        "N",
        "times",
        "array",
        "stalls",
        "by the rule",
        "overall %",
        "mapping %",
        "compute %",
    ];
    let option = |value: Option<u64>| value.map_or_else(|| ABSENT.to_owned(), count);
    let rows = record.layers.iter().map(|layer| {
        vec![
            layer.name.clone(),
            count(layer.m),
            count(layer.k),
            count(layer.n),
            count(layer.repeats),
            count(layer.array_cycles),
            option(layer.stall_cycles),
            option(layer.by_the_rule.map(|rule| rule.cycles)),
            percent(layer.overall_utilisation),
            percent(layer.mapping_efficiency),
            percent(layer.compute_utilisation),
        ]
    });
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    table(names, 1, rows.collect())
}

/// Words that the layers move.
pub fn layers_words(record: &LayersRecord) -> String {
    let names = [
        "layer",
        "words: inputs",
        "weights",
        "outputs",
        "sums read",
        "memory: inputs",
        "weights",
        "outputs",
    ];
    let option = |value: Option<u64>| value.map_or_else(|| ABSENT.to_owned(), count);
    let rows = record.layers.iter().map(|layer| {
        let memory = layer.memory.unwrap_or(WordsRecord {
            input_reads: None,
            weight_reads: None,
            output_writes: None,
            partial_sum_reads: None,
        });
        let scratchpad = layer.scratchpad;
        vec![
            layer.name.clone(),
            option(scratchpad.input_reads),
            option(scratchpad.weight_reads),
            option(scratchpad.output_writes),
            option(scratchpad.partial_sum_reads),
            option(memory.input_reads),
            option(memory.weight_reads),
            option(memory.output_writes),
        ]
    });
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    table(names, 1, rows.collect())
}

/// What was run, and what the words mean.
pub fn layers_summary(record: &LayersRecord) -> String {
    let (rows, columns) = record.array;
    let mut text = format!(
        " {} on {rows} x {columns}, {}: {} cycles of the array; SCALE-Sim prints one less a layer\n",
        record.configuration.1,
        record.dataflow,
        count(record.array_cycles),
    );
    text.push_str(
        " by the rule: cycles with double-buffered scratchpads, the first half filled before\n",
    );
    for (name, meaning) in &record.definitions {
        let _ = writeln!(text, " {name}: {meaning}");
    }
    text
}
