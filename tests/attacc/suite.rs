//! `memwall validate pim-attention` as a user meets it.

use crate::command_line::memwall;
use crate::support::root;
use memwall_sim::validation::pim_attention::parse;

#[test]
fn attacc_suite_runs_and_limits_hold() {
    let met = memwall(root(), &["validate", "pim-attention", "--max-worst", "1"]);
    assert_eq!(met.status.code(), Some(0), "{met:?}");
    let text = String::from_utf8_lossy(&met.stdout);
    assert!(text.contains("7 compared, 7 exact"), "{text}");
    let broken = memwall(
        root(),
        &[
            "validate",
            "pim-attention",
            "--controller",
            "published",
            "--max-worst",
            "1",
        ],
    );
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
}

#[test]
fn attacc_broken_tables_are_refused_by_line_and_column() {
    let keys = "pim_type\tpower_constraint\tnhead\tdhead\tdbyte\tL\tcycle";
    let row = "BA\tTrue\t3\t128\t2\t128\t1000";
    let good = parse("t", &format!("# note\n{keys}\n{row}\n")).expect("sound");
    assert_eq!((good.len(), good[0].line, good[0].figures.len()), (1, 3, 1));
    assert!(parse("t", &format!("{keys}\n{row}\n").replace('\t', ",")).is_ok());
    for (text, line, column) in [
        (String::new(), 1, "(header)"),
        (format!("{keys}\n"), 1, "(header)"),
        (format!("{keys}\tcycel\n{row}\t1\n"), 1, "cycel"),
        (format!("{keys}\tcycle\n{row}\t1\n"), 1, "cycle"),
        (format!("{keys}\n{row}\t1\n"), 2, "(whole row)"),
        (
            format!(
                "{}\n{}\n",
                keys.replace("\tL", ""),
                row.replace("\t2\t128\t", "\t2\t")
            ),
            1,
            "L",
        ),
        (
            format!("{keys}\n{}\n", row.replace("BA", "BX")),
            2,
            "pim_type",
        ),
        (
            format!("{keys}\n{}\n", row.replace("True", "Maybe")),
            2,
            "power_constraint",
        ),
        (
            format!("{keys}\n{}\n", row.replace("\t3\t", "\t0\t")),
            2,
            "nhead",
        ),
        (
            format!("{keys}\n{}\n", row.replace("1000", "-1")),
            2,
            "cycle",
        ),
        (
            format!("{keys}\n{}\n", row.replace("1000", "0")),
            2,
            "cycle",
        ),
        (
            format!("{keys}\n{}\n", row.replace("\t3\t", "\t900000\t")),
            2,
            "(whole row)",
        ),
    ] {
        let error = parse("t", &text).expect_err(&text);
        assert_eq!(
            (error.line, error.column.as_str()),
            (line, column),
            "{text}"
        );
    }
}
