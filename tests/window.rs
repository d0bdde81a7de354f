//! The window controller against recorded runs of Ramulator 2.1 and against its stepped twin.

use crate::ramulator::{NAMES, Row, part, rows};
use crate::standards;
use crate::stepped::window::Stepped;
use memwall_sim::dram::window::{Parameters, Protocol, Window};
use memwall_sim::dram::{Command, NoObserver, Outcome, Request, Requests, Source, Workload};

/// Compares an outcome with a recorded run; a line for each difference.
fn differences(row: &Row, outcome: &Outcome) -> Vec<String> {
    let latencies = &outcome.latencies;
    let n = latencies.count();
    let mean = if n == 0 {
        "0".to_owned()
    } else {
        let mean = format!("{:.4}", latencies.total() as f64 / n as f64);
        mean.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let rank = |rank: u64| {
        latencies
            .at_rank(rank.min(n.saturating_sub(1)))
            .unwrap_or(0)
    };
    let of = |command| outcome.of(command);
    let hits = of(Command::Rd) + of(Command::Wr);
    let pairs = [
        ("cycles", row.cycles, outcome.cycles),
        ("ACT", row.commands[0], of(Command::Act)),
        (
            "PRE",
            row.commands[1],
            of(Command::Pre) + of(Command::PreAll),
        ),
        ("RD", row.commands[2], of(Command::Rd)),
        ("WR", row.commands[3], of(Command::Wr)),
        ("REF", row.commands[4], of(Command::Ref)),
        ("hits", row.hits, hits.saturating_sub(of(Command::Act))),
        ("min", row.latencies[0], rank(0)),
        ("p50", row.latencies[1], rank(n / 2)),
        ("p99", row.latencies[2], rank(n * 99 / 100)),
        ("max", row.latencies[3], rank(n.saturating_sub(1))),
    ];
    let mut all = Vec::new();
    for (what, recorded, ours) in pairs {
        if recorded != ours {
            all.push(format!("{what}: recorded {recorded}, here {ours}"));
        }
    }
    if row.mean != mean {
        all.push(format!("mean: recorded {}, here {mean}", row.mean));
    }
    all
}

fn source(row: &Row) -> Requests {
    let workload = Workload::named(&row.workload).expect("a rule");
    Requests::new(workload, &part(&row.part).organisation, row.requests)
}

#[test]
#[ignore = "ticks through 60 million cycles"]
fn the_stepped_twin_is_ramulator() {
    let mut wrong = 0;
    for row in rows() {
        if std::env::var("PART").is_ok_and(|only| only != row.part) {
            continue;
        }
        let mut stepped = Stepped::new(&part(&row.part), Parameters::RAMULATOR);
        stepped.run(&mut source(&row), 1);
        let found = differences(&row, &stepped.outcome);
        if !found.is_empty() {
            wrong += 1;
            println!("{} {}: {}", row.part, row.workload, found.join("; "));
        }
    }
    assert_eq!(wrong, 0, "rows");
}

fn window(part: &crate::ramulator::Part, parameters: Parameters) -> Window {
    Window::new(
        &part.organisation,
        &part.constraints,
        part.protocol,
        parameters,
    )
    .expect("a controller")
}

#[test]
fn every_recorded_run_of_ramulator_is_met() {
    let mut wrong = 0;
    for row in rows() {
        let part = part(&row.part);
        let mut window = window(&part, Parameters::RAMULATOR);
        let outcome = window.run(&mut source(&row), &mut NoObserver);
        let found = differences(&row, &outcome);
        if !found.is_empty() {
            wrong += 1;
            println!("{} {}: {}", row.part, row.workload, found.join("; "));
        }
    }
    assert_eq!(wrong, 0, "rows");
}

#[test]
fn parity_parts_have_the_recorded_interface() {
    for name in NAMES {
        let file = format!("ramulator-{}", name.to_lowercase().replace('_', "-"));
        let standard = standards::part(&file);
        let protocol = Protocol::of(&standard).expect("an interface");
        assert_eq!(protocol, part(name).protocol, "{name}");
    }
}

#[test]
fn every_shipped_part_takes_a_window_controller() {
    for standard in standards::parts() {
        let o = &standard.organisation;
        let ours = Parameters::of(&standard);
        for parameters in [Parameters::RAMULATOR, ours] {
            let mut window = Window::of(&standard, parameters)
                .unwrap_or_else(|error| panic!("{}: {error}", standard.name));
            for workload in [Workload::RandomRw2to1, Workload::SeqRead] {
                let mut source = Requests::new(workload, o, 20_000);
                window.run(&mut source, &mut NoObserver);
            }
            let outcome = window.run(&mut Requests::new(Workload::ActRate, o, 1), &mut NoObserver);
            assert_eq!(outcome.reads + outcome.writes, 40_001, "{}", standard.name);
            assert_eq!(
                outcome.latencies.count(),
                outcome.reads,
                "{}",
                standard.name
            );
        }
    }
}

/// A stream of which nobody knows that it is described.
struct Opaque(Requests);

impl Source for Opaque {
    fn take(&mut self) -> Option<Request> {
        self.0.take()
    }
}

#[test]
fn passing_over_periods_changes_nothing() {
    for name in NAMES {
        let part = part(name);
        for parameters in [Parameters::RAMULATOR, Parameters::DEFAULT] {
            for workload in [
                Workload::PeakStream,
                Workload::SeqRead,
                Workload::SeqWrite,
                Workload::ActRate,
                Workload::RowConflict,
            ] {
                let requests = Requests::new(workload, &part.organisation, 300_000);
                let mut slow = Opaque(requests.clone());
                let slow = window(&part, parameters).run(&mut slow, &mut NoObserver);
                let quick = window(&part, parameters).run(&mut requests.clone(), &mut NoObserver);
                assert_eq!(slow, quick, "{name} {workload:?} {parameters:?}");
            }
        }
    }
}
