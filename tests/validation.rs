//! Tables of recorded figures: what is read of them, how a broken one is refused, and what counts as
//! agreement.

use crate::command_line::{folder, memwall};
use crate::support::{part, root};
use memwall_sim::dram::{Command, Latencies, Outcome, Policy};
use memwall_sim::record::validation::ValidationRecord;
use memwall_sim::validation::{ReferenceTable, compare};

fn embedded() -> String {
    std::fs::read_to_string(root().join("tests/reference/dram.tsv")).expect("the recorded table")
}

#[test]
fn columns_may_be_few_and_in_any_order() {
    let table = ReferenceTable::parse("t", &embedded()).expect("the recorded table is sound");
    assert_eq!(table.rows.len(), 128);
    let text =
        "\u{feff}workload\tcycles\tsimulator\tconfig\r\n\r\n# a note\r\nseq_read\t10\tX\tY\r\n";
    let table = ReferenceTable::parse("t", text).expect("few columns");
    let row = &table.rows[0];
    assert_eq!((row.line, row.channels, row.requests), (4, 1, None));
    assert_eq!(row.figures.len(), 1);
    // An empty field is no figure, and a spreadsheet drops those at the end.
    let text =
        "simulator\tconfig\tworkload\tcycles\tn_ACT\nX\tY\tseq_read\t\t3\nX\tY\tseq_read\t4\n";
    let table = ReferenceTable::parse("t", text).expect("empty fields");
    assert!(table.rows.iter().all(|row| row.figures.len() == 1));
}

#[test]
fn broken_tables_are_refused_by_line_and_column() {
    let keys = "simulator\tconfig\tworkload";
    let row = "DRAMsim3\tHBM2_8Gb_x128\tseq_read";
    for (text, line, column, words, nearest) in [
        (String::new(), 1, "(header)", "nothing", None),
        (format!("{keys}\tcycles\n"), 1, "(header)", "no row", None),
        (
            format!("{keys}\n{row}\n"),
            1,
            "(header)",
            "no column to compare",
            None,
        ),
        (
            format!("{keys}\tcycels\n{row}\t1\n"),
            1,
            "cycels",
            "known",
            Some("cycles"),
        ),
        (
            format!("{keys}\tcycles\tcycles\n{row}\t1\t1\n"),
            1,
            "cycles",
            "twice",
            None,
        ),
        (
            format!("config\tworkload\tcycles\n{row}\n"),
            1,
            "simulator",
            "needed",
            None,
        ),
        (
            format!("{keys}\tcycles\n{row}\t1\n{row}\tx\n"),
            3,
            "cycles",
            "found 'x'",
            None,
        ),
        (
            format!("{keys}\tcycles\n{row}\tnan\n"),
            2,
            "cycles",
            "a number",
            None,
        ),
        (
            format!("{keys}\tcycles\n{row}\t-1\n"),
            2,
            "cycles",
            "from 0",
            None,
        ),
        (
            format!("{keys}\tchannels\tcycles\n{row}\t0\t1\n"),
            2,
            "channels",
            "from 1",
            None,
        ),
        (
            format!("{keys}\trequests\tcycles\n{row}\t1e3\t1\n"),
            2,
            "requests",
            "whole",
            None,
        ),
        (
            format!("{keys}\tcycles\n{row}\t1\t2\n"),
            2,
            "(whole row)",
            "5 fields",
            None,
        ),
        (
            format!("{keys}\tcycles\n\tHBM2\tseq_read\t1\n"),
            2,
            "simulator",
            "empty",
            None,
        ),
    ] {
        let error = ReferenceTable::parse("t.tsv", &text).expect_err(&text);
        assert_eq!(
            (error.line, error.column.as_str()),
            (line, column),
            "{error}"
        );
        assert!(error.rule.contains(words), "{error}");
        assert_eq!(error.nearest.as_deref(), nearest, "{error}");
        assert!(error.to_string().starts_with("t.tsv:"), "{error}");
    }
}

#[test]
fn a_row_errs_as_its_worst_figure_and_energies_count_apart() {
    let standard = part("dramsim3-hbm2-8gb-x128", &[]);
    let mut outcome = Outcome {
        cycles: 1000,
        reads: 10,
        latencies: Latencies::default(),
        ..Outcome::default()
    };
    outcome.latencies.add_many(31, 10);
    outcome.commands[Command::Act as usize] = 4;
    let text = "simulator\tconfig\tworkload\tcycles\tn_ACT\tlat_avg_cyc\tenergy_total_uJ\ttime_us\n\
        DRAMsim3\tx\tseq_read\t1000\t5\t30.9\t1000\t1\n\
        DRAMsim3\tx\tseq_read\t1000\t4\t31\t\t1.000\n";
    let table = ReferenceTable::parse("t", text).expect("a sound table");
    let rows = table.rows.iter();
    let rows: Vec<_> = rows
        .map(|row| compare(row, Policy::DramSim3, &standard, &outcome))
        .collect();
    assert!((rows[0].error - 0.2).abs() < 1e-12);
    assert_eq!(
        rows[0].worst.as_ref().map(|worst| worst.column.as_str()),
        Some("n_ACT")
    );
    assert!(rows[0].energy_error.is_some_and(|error| error > 0.5));
    assert_eq!(rows[0].differing.len(), 3);
    assert!(rows[1].worst.is_none() && rows[1].energy_error.is_none());
}

/// Every row is understood, and limits set the exit code.
#[test]
fn validate_compares_its_own_table() {
    let folder = folder("validate");
    let header = embedded().lines().next().expect("a header").to_owned();
    let table = embedded();
    let short = |row: &&str| row.contains("\tprobe_row_closed\t");
    let mut rows: Vec<&str> = table.lines().filter(short).collect();
    rows.insert(0, &header);
    std::fs::write(folder.join("few.tsv"), rows.join("\n")).expect("writable");
    let output = memwall(
        &folder,
        &["validate", "dram", "--reference", "few.tsv", "--json"],
    );
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{error}");
    let record: ValidationRecord = serde_json::from_slice(&output.stdout).expect("a record");
    assert_eq!(record.rows.len(), rows.len() - 1);
    assert_eq!(record.error.exact, record.error.rows, "{:?}", record.rows);

    let wrong = rows[1].replacen("\t16\t", "\t15\t", 1);
    std::fs::write(folder.join("wrong.tsv"), format!("{header}\n{wrong}\n")).expect("writable");
    let limited = |limit: &str| {
        let arguments = [
            "validate",
            "dram",
            "--reference",
            "wrong.tsv",
            "--max-worst",
            limit,
        ];
        memwall(&folder, &arguments)
    };
    let output = limited("0.5");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--max-worst 0.5: the error is"));
    assert_eq!(limited("100").status.code(), Some(0));
}

#[test]
fn rows_that_cannot_be_run_are_named() {
    let folder = folder("validate-names");
    for (row, words) in [
        (
            "DRAMsim4\tHBM2_8Gb_x128\tseq_read",
            "did you mean 'dramsim3'?",
        ),
        (
            "DRAMsim3\tHBM2_8Gb_x12\tseq_read",
            "did you mean 'hbm2-8gb-x128'?",
        ),
        (
            "DRAMsim3\tHBM2_8Gb_x128\tseqread",
            "did you mean 'seq_read'?",
        ),
        (
            "DRAMsim3\tHBM2_8Gb_x128\ttrace:a.trace",
            "needs --trace-dir",
        ),
    ] {
        let text = format!("simulator\tconfig\tworkload\tcycles\n{row}\t1\n");
        std::fs::write(folder.join("t.tsv"), text).expect("writable");
        let output = memwall(&folder, &["validate", "dram", "--reference", "t.tsv"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("t.tsv:2") && said.contains(words), "{said}");
    }
}
