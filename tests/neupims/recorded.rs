//! Recorded runs of the artifact, row by row (`tests/reference/neupims_micro.tsv`, a copy of a table
//! that may lie beside the checkout).

use crate::support::{Shipped, root, shared};
use memwall_sim::machine::load_part;
use memwall_sim::neupims::{Job, Mode, Model, Request, Row, Run, Workload};
use memwall_sim::pim::newton::{Newton, Parameters};

/// A row with its cycles and ours.
struct Compared {
    what: String,
    recorded: u64,
    ours: u64,
}

/// The copy, and the table itself where it is there and another one.
fn tables() -> Vec<String> {
    let copy = root().join("tests/reference/neupims_micro.tsv");
    let mut tables = vec![std::fs::read_to_string(copy).expect("the copy in the checkout")];
    if let Some(path) = shared("reference/neupims/reference_micro.tsv") {
        let table = std::fs::read_to_string(path).expect("a table");
        if table != tables[0] {
            tables.push(table);
        }
    }
    tables
}

/// The artifact's channel, with one or two row buffers.
fn port(part: &str) -> impl Fn() -> Newton {
    let standard = load_part(&Shipped, part, &[]).expect("the artifact's part");
    move || Newton::new(&standard, Parameters::default()).expect("a channel")
}

/// Rows of some kinds beside our figures. `batch` gives the requests of an iteration of so many.
fn compare(
    kinds: &[&str],
    batch: impl Fn(usize) -> Vec<Request>,
    wanted: impl Fn(&str) -> bool,
) -> Vec<Compared> {
    let port = port("newtonsim-hbm2-dual");
    let mut runs: Vec<(Workload, Run)> = Vec::new();
    let mut compared = Vec::new();
    let tables = tables();
    for line in tables.iter().flat_map(|table| table.lines().skip(1)) {
        let fields: Vec<&str> = line.split('\t').collect();
        let cell = |index: usize| fields.get(index).copied().unwrap_or_default();
        // Runs that did not end have no cycles.
        let Ok(recorded) = cell(3).parse() else {
            continue;
        };
        if !kinds.contains(&cell(0)) || !wanted(cell(1)) {
            continue;
        }
        let rows = cell(2)
            .split([' ', '='])
            .nth(1)
            .and_then(|rows| rows.parse().ok());
        let batch = batch(rows.unwrap_or(0));
        let row = Row {
            kind: cell(0),
            case: cell(1),
            params: cell(2),
            note: cell(9),
            batch: &batch,
        };
        let job = Job::new(&row).unwrap_or_else(|error| panic!("{line}: {error}"));
        let known = runs.iter().position(|(known, _)| *known == job.workload);
        let known = known.unwrap_or_else(|| {
            let run = job.workload.run(&port).expect("a run");
            runs.push((job.workload.clone(), run));
            runs.len() - 1
        });
        compared.push(Compared {
            what: format!("{} {} {}", row.kind, row.case, row.params),
            recorded,
            ours: job
                .cycles(&runs[known].1, Some(recorded))
                .expect("a figure"),
        });
    }
    assert!(!compared.is_empty(), "no row of {kinds:?}");
    compared
}

fn check(compared: &[Compared], per_mille: u64) {
    for row in compared {
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

fn alone(kinds: &[&str], wanted: impl Fn(&str) -> bool) -> Vec<Compared> {
    compare(kinds, |_| Vec::new(), wanted)
}

/// Attention alone, to the cycle.
#[test]
fn attention_in_the_banks_takes_the_recorded_cycles() {
    check(&alone(&["pim_logit", "pim_attend", "alone"], |_| true), 0);
}

/// Attention beside products: arrays, transfers, both queues and the clocks' rounding.
#[test]
fn a_stage_with_both_sides_takes_the_recorded_cycles() {
    check(&alone(&["concurrent"], |_| true), 0);
}

/// Operators of stages that ran on their own, and the first products of iterations.
#[test]
fn stages_on_their_own_take_the_recorded_cycles() {
    let small = alone(&["gemm", "vector"], |case| case.starts_with("E1024"));
    assert!(small.len() >= 25);
    check(&small, 0);
    let first = alone(&["gemm"], |case| case == "7B tp4 QKVgen");
    assert!(first.len() >= 2);
    check(&first, 0);
}

/// Requests of a recorded batch: length and channel.
fn batch(name: &str) -> Option<Vec<Request>> {
    let path = shared(&format!("traces/neupims/{name}.csv"))?;
    let text = std::fs::read_to_string(path).expect("a trace");
    let request = |line: &str| {
        let (tokens, channel) = line.split_once(',').expect("two columns");
        Request {
            channel: channel.trim().parse().expect("a channel"),
            tokens: tokens.trim().parse().expect("tokens"),
        }
    };
    Some(text.lines().skip(1).map(request).collect())
}

/// Later operators, behind the attention of the batch that they were recorded with.
#[test]
fn operators_behind_their_attention_take_the_recorded_cycles() {
    if batch("w32-clb").is_none() {
        println!("skipped: no traces beside the checkout");
        return;
    }
    let of = |rows: usize| batch(&format!("w{rows}-clb")).unwrap_or_default();
    let compared = compare(&["gemm", "vector"], of, |case| case.starts_with("7B tp4"));
    assert!(compared.len() >= 20);
    check(&compared, 0);
}

/// Whole iterations, stage by stage, with one batch and with two.
#[test]
fn iterations_take_the_recorded_cycles() {
    let Some(path) = shared("reference/neupims/reference.tsv") else {
        println!("skipped: no table of iterations beside the checkout");
        return;
    };
    let table = std::fs::read_to_string(path).expect("a table");
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    let [dual, blocked] = ["newtonsim-hbm2-dual", "newtonsim-hbm2-blocked"].map(port);
    let mut compared = 0;
    for line in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        let cell = |name: &str| {
            let index = header.iter().position(|column| *column == name);
            fields[index.expect("a column")]
        };
        let mode = match (cell("branch"), cell("sub_batch")) {
            ("main", "off") => Mode::OneBatch,
            ("main", "on") => Mode::SubBatches,
            ("npu+pim", _) => Mode::Blocked,
            ("npu+pim (issue limit removed)", _) => Mode::BlockedAtOnce,
            _ => continue,
        };
        // Larger batches take seconds.
        let Some(requests) = batch(cell("trace").trim_end_matches(".csv")) else {
            println!("skipped: no trace {}", cell("trace"));
            continue;
        };
        let at_once = mode == Mode::BlockedAtOnce;
        if requests.len() > 64 && !at_once {
            continue;
        }
        let workload = Workload::iteration(Model::GPT3_7B_TP4, &requests, mode).expect("a batch");
        let run = match mode {
            Mode::OneBatch | Mode::SubBatches => workload.run(&dual),
            Mode::Blocked | Mode::BlockedAtOnce => workload.run(&blocked),
        };
        let run = run.expect("a run");
        let mut before = 0;
        for stage in &run.stages {
            let recorded: u64 = cell(&format!("{:?}", stage.stage)).parse().expect("cycles");
            assert_eq!(stage.done - before, recorded, "{line}: {:?}", stage.stage);
            before = stage.done;
        }
        assert_eq!(
            run.worked,
            cell("cycles").parse::<u64>().expect("cycles"),
            "{line}"
        );
        compared += 1;
    }
    assert!(compared >= 4);
}
