//! Tables are what most users see and what scripts read: their text is held by snapshots. No line
//! may exceed 80 characters with names of ordinary length.

use crate::records::{comparison, iteration, record, replay, timeline};
use memwall_reports::figures::{count, figure, gib, percent, ratio, tick};
use memwall_reports::table;
use memwall_sim::exec::Fidelity;
use memwall_sim::record::{Distribution, ResultRecord};

#[test]
fn machines_side_by_side() {
    let mut records = comparison();
    // A replay among them is no row.
    let other = ResultRecord::Replay(replay(Vec::new()));
    records.insert(1, record("other", Fidelity::Fast, other));
    let text = table::comparison(&records);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn operators_of_an_iteration() {
    insta::assert_snapshot!(table::operators(&comparison()[2]));
}

#[test]
fn replay_with_its_check() {
    let shown = ResultRecord::Replay(replay(timeline(3)));
    let text = table::replay(&record("neupims", Fidelity::Fast, shown));
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn memory_of_a_device() {
    insta::assert_snapshot!(table::memory(&comparison()[0]));
}

#[test]
fn a_record_of_the_other_kind_is_no_table() {
    let shown = record(
        "neupims",
        Fidelity::Fast,
        ResultRecord::Replay(replay(Vec::new())),
    );
    assert_eq!(table::operators(&shown), "");
    assert_eq!(table::replay(&comparison()[0]), "");
    assert_eq!(table::comparison(&[shown]), "");
    assert_eq!(table::comparison(&[]), "");
}

#[test]
fn what_is_no_number_is_a_dash() {
    let mut nothing = replay(Vec::new());
    nothing.ttft_ms = Distribution::default();
    nothing.tpot_ms.mean = f64::NAN;
    nothing.makespan_s = 0.0;
    nothing.request_throughput_per_s = f64::INFINITY;
    let text = table::replay(&record("a", Fidelity::Fast, ResultRecord::Replay(nothing)));
    let mut bare = record(
        "a",
        Fidelity::Fast,
        iteration(0.0, Some(f64::NAN), &[("pim", f64::NAN)]),
    );
    bare.memory.capacity_bytes = 0;
    bare.memory.weights_bytes = 0;
    let bare = [bare];
    let texts = [
        text,
        table::comparison(&bare),
        table::operators(&bare[0]),
        table::memory(&bare[0]),
    ];
    for text in texts {
        assert!(text.contains('-'), "{text}");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
fn figures_have_four_digits() {
    let cases = [
        (0.0, "0"),
        (0.000_012_34, "1.23e-5"),
        (0.001_234, "0.00123"),
        (0.999_96, "1.000"),
        (1.0, "1.000"),
        (9.999_6, "10.00"),
        (99.996, "100.0"),
        (999.96, "1,000"),
        (-1234.5, "-1,234"),
        (1_234_567.0, "1,234,567"),
        (1e15, "1.00e15"),
        (f64::NAN, "-"),
        (f64::NEG_INFINITY, "-"),
    ];
    for (value, text) in cases {
        assert_eq!(figure(value), text, "{value}");
    }
}

#[test]
fn other_numbers() {
    assert_eq!(
        [count(7), count(1_000), count(12_345_678)],
        ["7", "1,000", "12,345,678"]
    );
    assert_eq!(
        [percent(0.314), percent(0.0002), percent(-0.0), percent(1.0)],
        ["31.4", "<0.1", "0.0", "100.0"]
    );
    assert_eq!(
        [
            ratio(1.93, 1.0),
            ratio(0.001, 1.0),
            ratio(250.0, 2.0),
            ratio(1.0, 0.0)
        ],
        ["1.93x", "0.001x", "125x", "-"]
    );
    assert_eq!(
        [tick(20.0), tick(0.3), tick(1e-17), tick(15_000.0)],
        ["20", "0.3", "0", "15,000"]
    );
    assert_eq!(gib(3 << 29), "1.500");
}
