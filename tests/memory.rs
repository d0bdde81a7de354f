//! `memwall mem` as its users meet it, and traces on the way from file to channel.

use crate::command_line::{folder, memwall};
use crate::support::part;
use memwall_sim::dram::{Direction, Organisation, Source, TraceTraffic, Traffic};
use memwall_sim::record::traffic::TrafficRecord;
use memwall_traces::TraceReader;
use std::fmt::Write as _;

fn organisation(name: &str, channels: usize) -> Organisation {
    let mut organisation = part(name, &[]).organisation.clone();
    organisation.channels = channels;
    organisation
}

fn offered(
    organisation: &Organisation,
    text: &'static str,
) -> (Vec<(usize, u64, u64, bool)>, Option<String>) {
    let reader = TraceReader::from_reader("t", text.as_bytes()).expect("a known format");
    let rows = reader.memory().expect("memory requests");
    let mut traffic = TraceTraffic::new(rows, organisation, u64::MAX);
    let mut all = Vec::new();
    while let Some(offered) = traffic.offered() {
        let request = offered.request;
        let write = request.direction == Direction::Write;
        all.push((offered.channel, request.slot, request.at, write));
    }
    (all, traffic.error().map(|error| error.to_string()))
}

#[test]
fn addresses_wrap_and_lose_their_lower_bits() {
    let one = organisation("dramsim3-hbm2-8gb-x128", 1);
    let capacity = one.capacity_bytes();
    assert_eq!(capacity, 1 << 30);
    let text = "0x0 READ 5\n0x3f WRITE 3\n0x40 READ 9\n40000040 READ 9\n";
    let (all, error) = offered(&one, text);
    assert_eq!(error, None);
    // A cycle that has passed is now.
    assert_eq!(
        all,
        [
            (0, 0, 5, false),
            (0, 0, 5, true),
            (0, 1, 9, false),
            (0, 1, 9, false)
        ]
    );
    // The channel is the lowest digit of this part's mapping.
    let four = organisation("dramsim3-hbm2-8gb-x128", 4);
    let (all, _) = offered(&four, "LD 0\nST 64\nLD 128\nLD 0x100\n");
    let places: Vec<_> = all.iter().map(|one| (one.0, one.1)).collect();
    assert_eq!(places, [(0, 0), (1, 0), (2, 0), (0, 1)]);
}

#[test]
fn coordinates_name_a_burst_or_what_is_wrong_with_them() {
    // Channel, pseudo-channel, rank, bank group, bank, row, column.
    let hbm3 = organisation("ramulator-hbm3-6400", 1);
    let (all, error) = offered(&hbm3, "R 0,1,1,2,3,1234,16\nW 0,0,0,0,0,0,0\n");
    assert_eq!(error, None);
    let place = hbm3.locate(all[0].1);
    // Units count the rank, with the pseudo-channel in the low digit.
    assert_eq!(
        (place.bank, place.row, place.column),
        (3 * 16 + 2 * 4 + 3, 1234, 16)
    );
    assert_eq!((all[1].1, all[1].3), (0, true));
    // Levels of one unit may be left out, as DDR4 has no pseudo-channels.
    let ddr4 = organisation("ramulator-ddr4-3200", 1);
    let (short, error) = offered(&ddr4, "R 0,3,2,77,5\n");
    assert_eq!(error, None);
    let place = ddr4.locate(short[0].1);
    assert_eq!((place.bank, place.row, place.column), (3 * 4 + 2, 77, 5));
    for (text, words) in [
        ("R 0,0,0,0,0\nR 0,4,0,0,0\n", "line 2: bank group 4"),
        (
            "R 0,0\n",
            "line 1: 2 coordinates, but this memory has channel, bank group, bank, row, column",
        ),
        ("R 0,0,0,65536,0\n", "counted from 0"),
    ] {
        let (_, error) = offered(&ddr4, text);
        assert!(
            error.as_deref().unwrap_or_default().contains(words),
            "{error:?}"
        );
    }
}

#[test]
fn workload_rules_name_the_same_bursts_over_channels_as_over_one() {
    use memwall_sim::dram::{Requests, Workload};
    let one = organisation("dramsim3-ddr4-8gb-x8-3200", 1);
    for (name, workload, _) in Workload::ALL {
        let mut single = Requests::new(workload, &one, 500);
        let mut over = Requests::over(workload, &one, 1, 500);
        while let Some(offered) = over.offered() {
            assert_eq!(
                (offered.channel, Some(offered.request)),
                (0, single.take()),
                "{name}"
            );
        }
        assert_eq!(single.take(), None, "{name}");
    }
    // Bursts of a sequence go to the channels in turn; each sees the sequence of its own.
    let mut over = Requests::over(Workload::SeqRead, &one, 4, 4000);
    let mut own = vec![Requests::new(Workload::SeqRead, &one, 1000); 4];
    for index in 0..4000 {
        let offered = over.offered().expect("4000 requests");
        assert_eq!(offered.channel, index % 4);
        assert_eq!(Some(offered.request), own[offered.channel].take());
    }
}

#[test]
fn plain_mem_runs_and_writes_its_files() {
    let folder = folder("mem");
    let output = memwall(&folder, &["mem", "--requests", "5000"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    for word in [
        "seq_read",
        "random_read",
        "GB/s",
        "p99.9",
        "row hits",
        "ACT",
    ] {
        assert!(shown.contains(word), "{word} in\n{shown}");
    }
    for file in ["mem.json", "mem.svg", "mem.png", "run.json"] {
        assert!(
            folder
                .join("out")
                .join(file)
                .metadata()
                .expect("written")
                .len()
                > 100
        );
    }
}

#[test]
fn a_trace_gives_one_record_and_a_timeline() {
    let folder = folder("mem-trace");
    let mut text = String::new();
    for index in 0..3000_u64 {
        let operation = if index % 3 == 2 { "WRITE" } else { "READ" };
        let _ = writeln!(
            text,
            "0x{:x} {operation} {}",
            index * 4096 % 9_000_001,
            index * 2
        );
    }
    std::fs::write(folder.join("a.trace"), text).expect("writable");
    let arguments = [
        "mem",
        "--trace",
        "a.trace",
        "--standard",
        "dramsim3-ddr4-8gb-x8-3200",
        "--policy",
        "dramsim3",
        "--channels",
        "2",
        "--json",
        "--timeline",
        "--timeline-limit",
        "500",
    ];
    let output = memwall(&folder, &arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("the first 500 of"), "{said}");
    let record: TrafficRecord = serde_json::from_slice(&output.stdout).expect("one record");
    assert_eq!((record.traffic.reads, record.traffic.writes), (2000, 1000));
    assert_eq!(record.standard.channels, 2);
    assert!(record.traffic.digest.is_some());
    let timeline = std::fs::read(folder.join("out/mem-timeline.json")).expect("written");
    let _: serde_json::Value = serde_json::from_slice(&timeline).expect("JSON");
}

#[test]
fn bad_input_is_refused() {
    let folder = folder("mem-bad");
    std::fs::write(folder.join("bad.trace"), "0x1 READ 0\n0x2 RAED 1\n").expect("writable");
    std::fs::write(folder.join("place.trace"), "R 0,9,0,0,0\n").expect("writable");
    for (arguments, words) in [
        (vec!["mem", "seq_raed"], "did you mean 'seq_read'?"),
        (
            vec!["mem", "--standard", "hbm2-8gb-x129"],
            "did you mean 'hbm2-8gb-x128'?",
        ),
        (
            vec!["mem", "--trace", "bad.trace"],
            "line 2, column `operation`",
        ),
        (vec!["mem", "--trace", "bad.trac"], "is `bad.trace` meant?"),
        (
            vec![
                "mem",
                "--trace",
                "place.trace",
                "--standard",
                "ramulator-ddr4-3200",
            ],
            "line 1: bank group 9",
        ),
        (vec!["mem", "--timeline"], "one workload"),
        (
            vec!["mem", "--channels", "99999999"],
            "organisation.channels",
        ),
        (vec!["mem", "--set", "timing.t_fw=3"], "t_fw"),
    ] {
        let output = memwall(&folder, &arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty() && !folder.join("out").exists());
    }
}
