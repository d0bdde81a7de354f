//! `memwall validate newton` on rows of whole runs.

use crate::command_line::{folder, memwall};
use crate::support::{root, shared};
use memwall_sim::record::validation::ValidationRecord;
use std::path::Path;

/// The copy of the recorded table, with the rows of some kinds only.
fn table(folder: &Path, wanted: impl Fn(&str) -> bool) -> String {
    let path = root().join("tests/reference/neupims_micro.tsv");
    let text = std::fs::read_to_string(path).expect("the copy in the checkout");
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let rows: Vec<&str> = lines.filter(|line| wanted(line)).collect();
    let text = format!("{header}\n{}\n", rows.join("\n"));
    std::fs::write(folder.join("t.tsv"), &text).expect("writable");
    text
}

const ARGUMENTS: [&str; 6] = [
    "validate",
    "newton",
    "--reference",
    "t.tsv",
    "--json",
    "--max-worst",
];

fn record(output: &[u8]) -> ValidationRecord {
    serde_json::from_slice(output).expect("a record")
}

/// Rows without cycles are passed over; all others are met, with their bytes.
#[test]
fn rows_of_attention_and_of_stages_are_met() {
    let folder = folder("validate-neupims");
    let text = table(&folder, |row| {
        ["pim_", "concurrent\t", "alone\t"]
            .iter()
            .any(|kind| row.starts_with(kind))
    });
    let output = memwall(&folder, &[&ARGUMENTS[..], &["0"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let record = record(&output.stdout);
    let without_cycles = 1;
    assert_eq!(record.rows.len(), text.lines().count() - 1 - without_cycles);
    assert_eq!(record.error.exact, record.error.rows);
}

/// Sizes that no recorded row has are run as well; a wrong figure is an error.
#[test]
fn other_sizes_are_run() {
    let folder = folder("validate-neupims-sizes");
    let header = "kind\tcase\tparams\tmeasured_cycles";
    let sizes = [
        "L=77 dk=128 heads=3",
        "L=700 dk=64 heads=5",
        "L=33 dk=512 heads=2",
    ];
    let rows: Vec<String> = sizes
        .iter()
        .map(|size| format!("pim_logit\tx\t{size}\t1000"))
        .collect();
    std::fs::write(
        folder.join("t.tsv"),
        format!("{header}\n{}\n", rows.join("\n")),
    )
    .expect("writable");
    let output = memwall(&folder, &[&ARGUMENTS[..], &["5"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let record = record(&output.stdout);
    assert_eq!(record.rows.len(), sizes.len());
    assert!(
        record
            .rows
            .iter()
            .all(|row| row.error > 0.0 && row.worst.is_some())
    );
}

#[test]
fn rows_that_say_too_little_are_named() {
    let folder = folder("validate-neupims-names");
    let header = "kind\tcase\tparams\tmeasured_cycles";
    for (row, words) in [
        ("pim_logit\tx\tdk=128\t5", "does not give L"),
        ("pim_logit\tx\tL=0 dk=128 heads=8\t5", "size 0"),
        (
            "pim_attend\tx\tL=5 dk=1024 heads=8\t5",
            "do not come out of rows",
        ),
        ("gemm\t9B tp4 fc1\tM=3\t5", "does not give a model"),
        ("concurrent\tx\tsingle row buffer\t5", "single row buffer"),
        ("pim_logit\tx\tL=5\t", "no row has a figure"),
    ] {
        std::fs::write(folder.join("t.tsv"), format!("{header}\n{row}\n")).expect("writable");
        let output = memwall(&folder, &["validate", "newton", "--reference", "t.tsv"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("t.tsv") && said.contains(words), "{said}");
    }
}

/// With the batches of the recorded iterations every row with cycles is met.
#[test]
fn operators_behind_their_attention_are_met() {
    let (Some(table), Some(traces)) = (
        shared("reference/neupims/reference_micro.tsv"),
        shared("traces/neupims"),
    ) else {
        return;
    };
    let folder = folder("validate-neupims-batches");
    let (table, traces) = (table.display().to_string(), traces.display().to_string());
    let output = memwall(
        &folder,
        &[
            "validate",
            "newton",
            "--reference",
            &table,
            "--trace-dir",
            &traces,
            "--json",
            "--max-worst",
            "0",
        ],
    );
    assert_eq!(output.status.code(), Some(0));
    let record = record(&output.stdout);
    assert!(record.rows.len() >= 79);
    assert_eq!(record.error.exact, record.error.rows);
}
