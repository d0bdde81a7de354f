//! Tables of recorded figures of NPU simulators: what agrees, what is apart, and how a broken one is
//! refused.

use crate::command_line::{folder, memwall, write};
use crate::support::root;
use memwall_sim::record::npu_validation::{Kind, NpuValidationRow};
use memwall_sim::validation::npu::{NpuRow, npu_rows};
use memwall_sim::validation::{Cells, TableError};

fn rows(text: &str) -> Result<Vec<NpuValidationRow>, TableError> {
    let rows = npu_rows(&Cells::parse("t", text)?)?;
    Ok(rows.iter().map(NpuRow::run).collect())
}

fn recorded() -> Vec<NpuValidationRow> {
    let path = root().join("tests/reference/npu.tsv");
    rows(&std::fs::read_to_string(path).expect("the recorded table")).expect("a sound table")
}

#[test]
fn every_run_of_scale_sim_agrees_in_every_figure() {
    let rows = recorded();
    let of = |kind| rows.iter().filter(move |row| row.kind == kind);
    assert_eq!(of(Kind::ScaleSim).count(), 21);
    for row in of(Kind::ScaleSim).chain(of(Kind::Formula)) {
        assert!(row.differing.is_empty(), "{row:?}");
        assert!(row.not_compared.is_empty(), "{row:?}");
        // Cycles, stalls, utilisation, and words on the array's side at least.
        assert!(row.figures >= 7, "{row:?}");
    }
    assert_eq!(of(Kind::Formula).count(), 33);
}

#[test]
fn stalls_that_are_a_defect_stand_beside_the_rule() {
    for row in recorded().iter().filter(|row| row.kind == Kind::Stalled) {
        // What does not wait agrees; cycles, stalls and traffic are not compared.
        assert_eq!((row.figures, row.error), (4, Some(0.0)), "{row:?}");
        assert!(row.not_compared.contains(&"cycles".to_owned()));
        let (Some(recorded), Some(rule)) = (row.recorded_cycles, row.rule_cycles) else {
            panic!("both are given: {row:?}");
        };
        // The tool is never faster than its own rule.
        assert!(recorded >= rule as f64, "{row:?}");
    }
}

const HEADER: &str =
    "simulator\tconfig\tM\tK\tN\tarray\tdataflow\tevidence\tcycles\tsram_ofmap_writes\n";

#[test]
fn other_shapes_and_arrays_are_run() {
    let text = format!("{HEADER}S\tS-gen\t5\t7\t9\t4x2\tos\trun\t99\t145\n");
    let found = rows(&text).expect("a sound table");
    // Two folds of the rows, five of the columns; 4 + 2 + 7 - 2 cycles each, and 6 words too many.
    assert_eq!(found[0].differing.len(), 2, "{found:?}");
    let text = format!("{HEADER}S\tS-gen\t5\t7\t9\t4x2\tos\trun\t109\t105\n");
    let found = rows(&text).expect("a sound table");
    assert!(found[0].differing.is_empty(), "{found:?}");
}

#[test]
fn a_figure_that_differs_is_named() {
    let text = format!("{HEADER}S\tS-calc-64\t100\t300\t500\t128x128\tws\trun\t5784\t150000\n");
    let found = rows(&text).expect("a sound table");
    let worst = found[0].worst.as_ref().expect("one differs");
    assert_eq!(worst.column, "cycles");
    assert!((worst.ours - 5783.0).abs() < 0.5);
}

#[test]
fn broken_rows_are_refused_by_line_and_column() {
    let row = |config: &str, k: &str, array: &str, flow: &str, evidence: &str| {
        format!("{HEADER}S\t{config}\t5\t{k}\t9\t{array}\t{flow}\t{evidence}\t1\t1\n")
    };
    for (text, column, words, nearest) in [
        (
            row("S-cacl-64", "7", "4x4", "ws", "run"),
            "config",
            "S-calc-KIB",
            Some("S-calc-KIB"),
        ),
        (
            row("S-user-64", "7", "4x4", "ws", "run"),
            "config",
            "S-user-KIB-RATE",
            Some("S-user-KIB-RATE"),
        ),
        (
            row("S-calc-0", "7", "4x4", "ws", "run"),
            "config",
            "no configuration",
            None,
        ),
        (
            row("L-A10", "7", "4x4", "ws", "run"),
            "config",
            "L-A100",
            Some("L-A100"),
        ),
        (
            row("S-gen", "0", "4x4", "ws", "run"),
            "K",
            "whole number from 1",
            None,
        ),
        (
            row("S-gen", "7", "4-4", "ws", "run"),
            "array",
            "ROWSxCOLUMNS",
            None,
        ),
        (
            row("S-gen", "7", "4x4", "wos", "run"),
            "dataflow",
            "one of ws, os, is",
            Some("ws"),
        ),
        (
            row("S-gen", "7", "4x4", "ws", "guess"),
            "evidence",
            "run or formula",
            None,
        ),
        (
            row("S-gen", "1048576", "1x1", "ws", "run").replace("\t9\t", "\t1048576\t"),
            "(whole row)",
            "folds",
            None,
        ),
        (
            HEADER.replace("cycles", "cycels") + "S\tS-gen\t1\t1\t1\t1x1\tws\trun\t1\t1\n",
            "cycels",
            "known",
            Some("cycles"),
        ),
        (
            row("S-gen", "7", "4x4", "ws", "run").replace("\nS\t", "\nONNXim\t"),
            "simulator",
            "is one of SCALE-Sim",
            None,
        ),
        (
            layer("prefil OPT-125M seq=8"),
            "M",
            "prefill or decode",
            Some("prefill"),
        ),
        (
            layer("prefill llama-2-7c seq=8"),
            "M",
            "no model",
            Some("llama-2-7b"),
        ),
        (
            layer("decode OPT-125M seq=0"),
            "M",
            "whole number from 1",
            None,
        ),
        (
            layer("decode OPT-125M seq=8 bach=2"),
            "M",
            "no size",
            Some("batch"),
        ),
        (
            onnxim("O-4x128", "64", "2x128x128", "ws"),
            "array",
            "has 4x128x128",
            None,
        ),
        (
            onnxim("O-4x128", "64", "4x128x128", "os"),
            "dataflow",
            "holds weights",
            None,
        ),
        (
            onnxim("O-4x128", "64", "4x128x128", "ws").replace("O-4x128", "L-A100"),
            "simulator",
            "is one of LLMCompass",
            None,
        ),
    ] {
        let error = rows(&text).expect_err(words);
        assert_eq!(error.column, column, "{error}");
        assert!(error.rule.contains(words), "{error}");
        if let Some(nearest) = nearest {
            assert_eq!(error.nearest.as_deref(), Some(nearest), "{error}");
        }
    }
}

/// A table of one row of ONNXim.
fn onnxim(config: &str, m: &str, array: &str, flow: &str) -> String {
    format!("{HEADER}ONNXim\t{config}\t{m}\t64\t64\t{array}\t{flow}\trun\t1\t\n")
}

/// A table of one layer of ONNXim.
fn layer(words: &str) -> String {
    format!("{HEADER}ONNXim\tO-4x128\t{words}\t\t\t\t\trun\t1\t\n")
}

#[test]
fn what_is_not_run_says_why_and_keeps_no_limit() {
    let folder = folder("npu-not-run");
    let large =
        onnxim("O-1x1", "1048576", "1x1x1", "ws").replace("\t64\t64\t", "\t1048576\t1048576\t");
    for (table, why) in [
        (onnxim("O-3x100", "64", "3x100x100", "ws"), "power of two"),
        (large, "to follow one by one"),
        (
            layer("prefill llama-2-70b seq=100000 batch=64"),
            "longer than",
        ),
    ] {
        write(&folder, "mine.tsv", table);
        let run = |more: &[&str]| {
            memwall(
                &folder,
                &[&["validate", "npu", "--reference", "mine.tsv"], more].concat(),
            )
        };
        let output = run(&[]);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{shown}");
        assert!(
            shown.contains("line 2 is not run: ") && shown.contains(why),
            "{shown}"
        );
        for limit in ["--max-worst", "--max-median"] {
            let output = run(&[limit, "100"]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains("nothing was compared"), "{said}");
        }
    }
}
