//! Operators of a run on values, beside the reference.

use super::table;
use crate::figures::count;
use memwall_sim::record::verify::VerifyRecord;
use std::fmt::Write;

/// Operators, a row each, over all layers and steps.
pub fn verify(record: &VerifyRecord) -> String {
    let names = [
        "operator",
        "runs",
        "max abs",
        "max rel",
        "ulp 0",
        "1",
        "to 4",
        "to 16",
        "to 256",
        "to 65,536",
        "more",
        "touched B",
        "moved B",
    ];
    let rows = record.operators.iter().map(|operator| {
        let mut row = vec![
            operator.name.clone(),
            count(operator.runs),
            format!("{:.1e}", operator.max_abs),
            format!("{:.1e}", operator.max_rel),
        ];
        row.extend(operator.ulp.iter().map(|elements| count(*elements)));
        row.push(count(operator.touched_bytes));
        row.push(count(operator.moved_bytes));
        row
    });
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    table(names, 1, rows.collect())
}

/// What was run, and what came of it.
pub fn verify_summary(record: &VerifyRecord) -> String {
    let (sequences, prompt, decoded) = record.batch;
    let mut text = format!(
        " {} on {}, {}: {sequences} sequences, {prompt} tokens and {decoded} decoded\n",
        record.model, record.machine, record.dtype
    );
    let _ = writeln!(
        text,
        " greedy tokens {} of {} those of the reference; logits at most {:.1e} apart",
        record.tokens.0, record.tokens.1, record.logits_max_abs
    );
    text.push_str(
        " touched: weights, keys and values, each element once a run; equal to the bytes\n",
    );
    text.push_str(
        " that the reference touched, operator by operator. moved: whole bursts on the pins.\n",
    );
    if let Some(injected) = &record.injected {
        let _ = writeln!(text, " injected: {injected}");
    }
    text
}
