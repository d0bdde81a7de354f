//! Every recorded run of DRAMsim3, to the last digit.

use super::parts::{engine, recorded};
use crate::stepped;
use crate::support::root;
use memwall_sim::dram::bank_queues::{BankQueues, Parameters, Refused, Tables};
use memwall_sim::dram::{Command, NoObserver, Outcome, Requests, Standard, Workload};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// A row of the table by column name.
type Row = BTreeMap<String, String>;

/// The recorded runs of one simulator.
pub fn rows(simulator: &str) -> Vec<Row> {
    let path = root().join("tests/reference/dram.tsv");
    let text = std::fs::read_to_string(path).expect("the recorded runs");
    let mut lines = text.lines().map(|line| line.split('\t'));
    let names: Vec<_> = lines.next().expect("a header").collect();
    lines
        .map(|line| {
            let named = names.iter().zip(line);
            named
                .map(|(n, v)| ((*n).to_owned(), v.to_owned()))
                .collect()
        })
        .filter(|row: &Row| row["simulator"] == simulator)
        .collect()
}

/// The mean as the table prints it: four decimals, rounded half to even on the exact quotient is
/// not distinguishable from rounding half up there.
fn mean(outcome: &Outcome) -> String {
    let count = outcome.latencies.count();
    if count == 0 {
        return "0".to_owned();
    }
    let mean = outcome.latencies.total() as f64 / count as f64;
    let text = format!("{mean:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What the table says of a run.
fn figures(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let count = outcome.latencies.count();
    let rank = |rank: u64| outcome.latencies.at_rank(rank).unwrap_or(0).to_string();
    let of = |command| outcome.of(command).to_string();
    vec![
        ("cycles", outcome.cycles.to_string()),
        ("reads", outcome.reads.to_string()),
        ("writes", outcome.writes.to_string()),
        ("n_ACT", of(Command::Act)),
        ("n_PRE", of(Command::Pre)),
        ("n_RD", of(Command::Rd)),
        ("n_WR", of(Command::Wr)),
        ("n_REF", of(Command::Ref)),
        ("row_hits", outcome.row_hits.to_string()),
        ("lat_avg_cyc", mean(outcome)),
        ("lat_min_cyc", rank(0)),
        ("lat_p50_cyc", rank(count / 2)),
        ("lat_p99_cyc", rank(count * 99 / 100)),
        ("lat_max_cyc", rank(count.saturating_sub(1))),
    ]
}

/// Runs every recorded row and lists the figures that differ.
fn differences(run: impl Fn(&str, Requests) -> Outcome) -> String {
    let mut text = String::new();
    for row in rows("DRAMsim3") {
        let (config, name) = (&row["config"], &row["workload"]);
        let (part, _) = recorded(config).expect("a known part");
        let workload = Workload::named(name).expect("a known workload");
        let count = row["requests"].parse().expect("a number");
        let outcome = run(config, Requests::new(workload, &part.organisation, count));
        for (figure, got) in figures(&outcome) {
            if row[figure] != got {
                let want = &row[figure];
                let _ = writeln!(
                    text,
                    "{config} {name} {figure}: {want} recorded, {got} here"
                );
            }
        }
    }
    text
}

#[test]
#[ignore = "ticks through 40 million cycles; the engine is compared with the same rows"]
fn the_stepped_twin_reproduces_every_recorded_run() {
    let found = differences(|config, mut requests| {
        let (part, parameters) = recorded(config).expect("a known part");
        stepped::bank_queues::run(&part, parameters, &mut requests, &mut NoObserver)
    });
    assert!(found.is_empty(), "{found}");
}

/// The shipped part of a recorded configuration.
fn shipped(config: &str) -> Arc<Standard> {
    let name = format!("dramsim3-{}", config.to_lowercase().replace('_', "-"));
    crate::standards::part(&name)
}

#[test]
fn the_engine_reproduces_every_recorded_run_on_the_shipped_parts() {
    let found = differences(|config, mut requests| {
        let standard = shipped(config);
        let tables = Tables::of(&standard).expect("a standard that has its gates");
        let mut engine = BankQueues::new(tables, Parameters::of(&standard));
        engine.run(&mut requests, &mut NoObserver)
    });
    assert!(found.is_empty(), "{found}");
}

/// DRAMsim3 knows commands of one tick only: the controller takes parts that have no others and
/// refuses the rest instead of running them wrongly.
#[test]
fn parts_that_need_more_gates_are_refused() {
    let takes = |name: &str| Tables::of(&crate::standards::part(name));
    for name in [
        "ddr4-3200",
        "lpddr4-2400",
        "hbm2-2000-legacy",
        "hbm2-8gb-x128",
    ] {
        assert!(takes(name).is_ok(), "{name}");
    }
    // A command bus that an ACT holds for two ticks; paired edges; activation in two phases.
    for name in ["hbm2-2000", "ddr5-4800"] {
        assert!(matches!(takes(name), Err(Refused::Constraint(_))), "{name}");
    }
    for name in ["hbm3-6400", "lpddr5-6400"] {
        assert_eq!(takes(name), Err(Refused::Interface), "{name}");
    }
}

#[test]
fn the_engine_reproduces_every_recorded_run() {
    let found = differences(|config, mut requests| {
        let (part, parameters) = recorded(config).expect("a known part");
        engine(&part, parameters).run(&mut requests, &mut NoObserver)
    });
    assert!(found.is_empty(), "{found}");
}

/// Energy of every recorded run, by kind: the standby of a rank depends on the ticks in which it has
/// an open row.
#[test]
fn energies_follow_from_counts_and_ticks() {
    for row in rows("DRAMsim3") {
        let (config, name) = (&row["config"], &row["workload"]);
        let standard = shipped(config);
        let energy = standard.energy.as_ref().expect("currents");
        let workload = Workload::named(name).expect("a known workload");
        let count = row["requests"].parse().expect("a number");
        let mut requests = Requests::new(workload, &standard.organisation, count);
        let tables = Tables::of(&standard).expect("a standard that has its gates");
        let mut engine = BankQueues::new(tables, Parameters::of(&standard));
        let outcome = engine.run(&mut requests, &mut NoObserver);
        let spent = energy.of(&outcome);
        let figures = [
            ("energy_act_uJ", Some(spent.activate_fj)),
            ("energy_rdwr_uJ", Some(spent.read_write_fj)),
            ("energy_ref_uJ", spent.refresh_fj),
            ("energy_standby_uJ", spent.standby_fj),
        ];
        for (figure, fj) in figures {
            let want: f64 = row[figure].parse().expect("a number");
            let got = fj.expect("a figure") as f64 / 1e9;
            // Four decimals are printed, of a sum of products in floating point.
            let close = (got - want).abs() <= 1e-4 + 1e-6 * want;
            assert!(
                close,
                "{config} {name} {figure}: {want} recorded, {got} here"
            );
        }
    }
}
