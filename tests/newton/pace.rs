//! Ticks a row: those that the published simulator was measured to take, to the tick.

use crate::command_line::{folder, memwall};
use crate::support::{part, root};
use memwall_sim::dram::NoObserver;
use memwall_sim::pim::newton::{Newton, Pace, Parameters, Tiles};
use memwall_sim::record::validation::ValidationRecord;

fn pace(tiles: Tiles, parameters: Parameters) -> Pace {
    let standard = part("newtonsim-hbm2-dual", &[]);
    let mut channel = Newton::new(&standard, parameters).expect("a part of its own");
    tiles.run(&mut channel, &mut NoObserver).expect("tiles")
}

#[test]
fn the_recorded_table_is_met_to_the_tick() {
    let folder = folder("validate-newton");
    // One mean is rounded up where its own row's total would round it down.
    let limits = ["--max-median", "0", "--max-worst", "0.03"];
    let arguments = [&["validate", "newton", "--json"][..], &limits].concat();
    let output = memwall(&folder, &arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let record: ValidationRecord = serde_json::from_slice(&output.stdout).expect("a record");
    assert_eq!((record.suite.as_str(), record.rows.len()), ("newton", 11));
    assert_eq!((record.error.exact, record.error.rows), (10, 11));
    let differing = record.rows.iter().flat_map(|row| &row.differing);
    assert!(differing.clone().all(|figure| figure.column == "row_ticks"));
    assert!(
        differing
            .clone()
            .all(|figure| (figure.ours - 192.648).abs() < 0.001)
    );
    // 200 headers, and four read-outs each.
    assert_eq!(record.rows[2].requests, 1000);
}

#[test]
fn a_wrong_figure_is_an_error_and_exceeds_a_limit() {
    let folder = folder("validate-newton-wrong");
    let table = root().join("tests/reference/newton.tsv");
    let text = std::fs::read_to_string(table).expect("the recorded table");
    let wrong = text.replace("\t55261\t", "\t55311\t");
    assert_ne!(text, wrong);
    std::fs::write(folder.join("t.tsv"), wrong).expect("writable");
    let arguments = ["validate", "newton", "--reference", "t.tsv", "--max-worst"];
    let limited = |limit: &str| memwall(&folder, &[&arguments[..], &[limit]].concat());
    assert_eq!(limited("0.05").status.code(), Some(1));
    assert_eq!(limited("0.1").status.code(), Some(0));
    let shown = String::from_utf8_lossy(&limited("0.05").stdout).into_owned();
    assert!(shown.contains("total_ticks"), "{shown}");
}

#[test]
fn rows_that_cannot_be_run_are_named() {
    let folder = folder("validate-newton-names");
    let keys =
        "kind\tsimulator\tconfig\trows\tread_outs\tcomps\tsame_row\tgwrite\trefresh\ttotal_ticks";
    let good = "tiles\tNewtonSim\tHBM2_8Gb_x128_dualpim\t2\t1\t8\tno\tno\ton\t1";
    for (from, to, words) in [
        ("tiles\t", "tile\t", "did you mean 'tiles'?"),
        (
            "dualpim",
            "dualpin",
            "did you mean 'HBM2_8Gb_x128_dualpim'?",
        ),
        ("\t8\t", "\t33\t", "a whole number from 1 to 32; found '33'"),
        ("\ton\t", "\toff?\t", "one of off, on"),
        ("\ton\t1", "\ton\t", "no figure to compare"),
        ("\t2\t1", "\t\t1", "must not be empty"),
    ] {
        let row = good.replacen(from, to, 1);
        assert_ne!(row, good);
        std::fs::write(folder.join("t.tsv"), format!("{keys}\n{row}\n")).expect("writable");
        let output = memwall(&folder, &["validate", "newton", "--reference", "t.tsv"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("t.tsv:2") && said.contains(words), "{said}");
    }
}

/// Logit tiles, 197 ticks each where nothing is refreshed, with one behaviour made physical.
#[test]
fn what_each_behaviour_is_worth() {
    let tiles = Tiles {
        count: 8,
        read_outs: 4,
        comps: 8,
        same_row: false,
        gwrite: false,
    };
    let period = |tiles: Tiles, parameters| {
        let pace = pace(tiles, parameters);
        (pace.last_tile - pace.first_result) / u64::from(tiles.count - 1)
    };
    let p = Parameters {
        refresh: memwall_sim::dram::bank_queues::RefreshOrder::Off,
        ..Parameters::default()
    };
    assert_eq!(period(tiles, p), 197);
    // Eighteen ticks of steps instead of five.
    let late = Parameters {
        early_precharge: false,
        ..p
    };
    assert_eq!(period(tiles, late), 197 + 18 - 5);
    // One slot instead of 32; the first group is then held by tRP instead.
    let all = Parameters {
        precharge_by_bank: false,
        ..p
    };
    assert_eq!(period(tiles, all), 5 + 14 + 91 + 14 + 3 * 18);
    let free = Parameters {
        header_slot: false,
        ..p
    };
    assert_eq!(period(tiles, free), 196);
    // The result comes when the steps are over: sixteen ticks later.
    let first = pace(tiles, p).first_result;
    let late = Parameters {
        early_result: false,
        ..p
    };
    assert_eq!(pace(tiles, late).first_result, first + 16);
    // The vector is copied while the first rows are opened.
    let vector = Tiles {
        gwrite: true,
        count: 1,
        ..tiles
    };
    let beside = Parameters {
        gwrite_stalls: false,
        ..p
    };
    assert_eq!(pace(vector, p).first_result, 234);
    // GWRITE 15, header 16, G_ACTs from 17 to 108.
    assert_eq!(pace(vector, beside).first_result, 108 + 14 + 16 + 1);
    // Without a test, a refresh cuts the tile that it meets.
    let many = Tiles {
        count: 200,
        ..tiles
    };
    let total = |p: Parameters| pace(many, p).total;
    let cut = Parameters {
        deadline: false,
        ..Parameters::default()
    };
    let fine = Parameters {
        coarse_estimate: false,
        ..Parameters::default()
    };
    let refreshed = total(Parameters::default());
    assert!(total(cut) < refreshed && total(fine) < refreshed);
    assert!(total(p) < total(cut));
}
