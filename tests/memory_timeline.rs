//! The timeline of a run: whatever the standard and the load, every span closes, spans of a track
//! ascend and do not overlap, and the file is JSON that a viewer reads.

use crate::support::part;
use memwall_reports::perfetto::{events, write_timeline};
use memwall_sim::dram::timeline::timeline;
use memwall_sim::dram::{Command, CommandLog, Policy, Requests, Workload};
use memwall_sim::record::timeline::ChannelTimeline;
use serde_json::Value;

fn run(
    name: &str,
    policy: Policy,
    workload: Workload,
    requests: u64,
) -> (CommandLog, ChannelTimeline) {
    let standard = part(name, &[]);
    let mut traffic = Requests::new(workload, &standard.organisation, requests);
    let mut logs = [CommandLog::default()];
    policy
        .run(&standard, &mut traffic, &mut logs)
        .expect("the policy serves the part");
    let [log] = logs;
    let shown = timeline(&standard, "channel 0", &log.0);
    (log, shown)
}

#[test]
fn spans_ascend_and_account_for_every_command() {
    for (name, policy) in [
        ("dramsim3-hbm2-8gb-x128", Policy::DramSim3),
        ("ramulator-hbm3-6400", Policy::Ramulator),
        ("ramulator-lpddr5-6400", Policy::Ramulator),
        ("dramsim3-ddr4-8gb-x8-3200", Policy::DramSim3),
    ] {
        let (log, shown) = run(name, policy, Workload::RandomRw2to1, 3000);
        let mut rows = 0;
        for track in &shown.tracks {
            for pair in track.spans.windows(2) {
                assert!(
                    pair[0].end <= pair[1].start,
                    "{name} {}: {pair:?}",
                    track.name
                );
            }
            assert!(track.spans.iter().all(|span| span.start < span.end));
            rows += track
                .spans
                .iter()
                .filter(|span| span.name.starts_with("row "))
                .count();
        }
        let of = |wanted| {
            log.0
                .iter()
                .filter(|issued| issued.command == wanted)
                .count()
        };
        assert_eq!(rows, of(Command::Act), "{name}: a span for each row opened");
        let data = shown
            .tracks
            .iter()
            .filter(|track| track.name.starts_with("data"));
        let bursts: usize = data.map(|track| track.spans.len()).sum();
        assert_eq!(bursts, of(Command::Rd) + of(Command::Wr), "{name}");
    }
}

#[test]
fn the_file_is_trace_event_json() {
    let (_, shown) = run(
        "dramsim3-hbm2-8gb-x128",
        Policy::DramSim3,
        Workload::RowConflict,
        50,
    );
    let mut bytes = Vec::new();
    events(&mut bytes, &[shown.clone(), shown]).expect("to memory");
    let value: Value = serde_json::from_slice(&bytes).expect("JSON");
    let events = value["traceEvents"].as_array().expect("a list");
    let mut last: Option<(u64, u64, f64)> = None;
    let mut spans = 0;
    for event in events {
        let number = |key: &str| event[key].as_f64().expect("a number");
        let track = (number("pid") as u64, number("tid") as u64);
        match event["ph"].as_str() {
            Some("M") => assert!(event["args"].is_object()),
            Some("X") => {
                let (start, length) = (number("ts"), number("dur"));
                assert!(start >= 0.0 && length > 0.0);
                if let Some((pid, tid, before)) = last {
                    assert!((pid, tid) != track || start >= before, "{event}");
                }
                last = Some((track.0, track.1, start));
                spans += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(spans > 200);
}

#[test]
fn the_earliest_commands_of_all_channels_are_kept() {
    use memwall_sim::dram::timeline::{cut, logs};
    use memwall_sim::dram::{Issued, Observer};
    let issued = |at| Issued {
        at,
        command: Command::Rd,
        bank: 0,
        row: 0,
        comps: 0,
    };
    let mut logs = logs(3, 4);
    for at in 0..9 {
        logs[0].command(issued(at));
    }
    logs[2].command(issued(2));
    // Nothing is shown beyond the tick to which the busiest log is whole.
    logs[2].command(issued(50));
    assert_eq!((logs[0].kept.len(), logs[0].dropped), (4, 5));
    assert_eq!(cut(&mut logs, 4), (4, 11));
    let left: Vec<usize> = logs.iter().map(|log| log.kept.len()).collect();
    assert_eq!(left, [3, 0, 1]);
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    let folder = crate::command_line::folder("timeline");
    let target = folder.join("there");
    std::fs::create_dir_all(target.join("full")).expect("writable");
    assert!(write_timeline(&target, &[]).is_err());
    let left = std::fs::read_dir(&folder).expect("there").count();
    assert_eq!(left, 1);
}
