//! Recorded runs of the artifact, row by row (`tests/reference/neupims_micro.tsv`, a copy of a table
//! that may lie beside the checkout).

use crate::support::{Shipped, root};
use memwall_sim::machine::load_part;
use memwall_sim::neupims::{Job, Row, Run, Workload};
use memwall_sim::pim::newton::{Newton, Parameters};
use std::sync::OnceLock;

/// A row with its cycles and ours.
struct Compared {
    kind: String,
    what: String,
    recorded: u64,
    ours: u64,
}

impl Compared {
    fn exact(&self) -> bool {
        self.ours == self.recorded
    }
}

/// The copy, and the table itself where it is there.
fn tables() -> Vec<String> {
    let copy = root().join("tests/reference/neupims_micro.tsv");
    let mut tables = vec![std::fs::read_to_string(copy).expect("the copy in the checkout")];
    let shared = root().join("../shared/reference/neupims/reference_micro.tsv");
    match std::fs::read_to_string(&shared) {
        Ok(table) => tables.push(table),
        Err(error) => println!("skipped: {}: {error}", shared.display()),
    }
    tables
}

fn compare(table: &str) -> Vec<Compared> {
    let standard = load_part(&Shipped, "newtonsim-hbm2-dual", &[]).expect("the artifact's part");
    let port = || Newton::new(&standard, Parameters::default()).expect("a channel");
    let mut runs: Vec<(Workload, Run)> = Vec::new();
    let mut compared = Vec::new();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let cell = |index: usize| fields.get(index).copied().unwrap_or_default();
        // Runs that did not end have no cycles.
        let Ok(recorded) = cell(3).parse() else {
            continue;
        };
        let row = Row {
            kind: cell(0),
            case: cell(1),
            params: cell(2),
            note: cell(9),
        };
        let job = Job::new(&row).unwrap_or_else(|error| panic!("{line}: {error}"));
        let known = runs.iter().position(|(known, _)| *known == job.workload);
        let known = known.unwrap_or_else(|| {
            let run = job.workload.run(port).expect("a run");
            runs.push((job.workload.clone(), run));
            runs.len() - 1
        });
        let ours = job
            .cycles(&runs[known].1, Some(recorded))
            .expect("a figure");
        compared.push(Compared {
            kind: row.kind.to_owned(),
            what: format!("{} {} {}", row.kind, row.case, row.params),
            recorded,
            ours,
        });
    }
    compared
}

fn all() -> &'static [Compared] {
    static ALL: OnceLock<Vec<Compared>> = OnceLock::new();
    ALL.get_or_init(|| tables().iter().flat_map(|table| compare(table)).collect())
}

fn check(kinds: &[&str], per_mille: u64) {
    let of_kind = || {
        all()
            .iter()
            .filter(|row| kinds.contains(&row.kind.as_str()))
    };
    assert!(of_kind().count() > 0, "no row of {kinds:?}");
    for row in of_kind() {
        let off = row.ours.abs_diff(row.recorded);
        assert!(
            off * 1000 <= per_mille * row.recorded,
            "{}: {} recorded, {} here",
            row.what,
            row.recorded,
            row.ours
        );
    }
}

/// Attention alone, to the cycle.
#[test]
fn attention_in_the_banks_takes_the_recorded_cycles() {
    check(&["pim_logit", "pim_attend", "alone"], 0);
}

/// Attention beside products: arrays, transfers, both queues and the clocks' rounding.
#[test]
fn a_stage_with_both_sides_takes_the_recorded_cycles() {
    check(&["concurrent"], 0);
}

/// The first products of an iteration, before which nothing ran but a norm.
#[test]
fn first_products_take_the_recorded_cycles() {
    let first = || all().iter().filter(|row| row.what.contains("QKVgen"));
    assert!(first().count() >= 5);
    for row in first() {
        assert!(row.exact(), "{}: {} here", row.what, row.ours);
    }
}
