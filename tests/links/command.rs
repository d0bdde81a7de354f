//! `memwall link`, groups and energy on the command line.

use crate::command_line::{folder, memwall, said, snapshot, write};
use memwall_sim::record::link::{CollectiveRecord, TransferRecord};
use memwall_sim::record::{Record, ResultRecord};
use std::fmt::Write;

#[test]
fn transfers_and_collectives_are_printed() {
    let folder = folder("links");
    let mut text = String::new();
    for arguments in [
        &["link", "list"][..],
        &["link", "show", "--topology", "host-offload-pcie4"],
        &[
            "link",
            "transfer",
            "10GB",
            "--from",
            "dram",
            "--to",
            "gpu0",
            "--topology",
            "host-offload-pcie4",
        ],
        &[
            "link",
            "transfer",
            "27MB",
            "--from",
            "dram",
            "--to",
            "gpu0",
            "--at-ns",
            "1000000",
            "--beside",
            "300MB:dram:gpu0:class=1,chunk=27MB",
            "--topology",
            "host-offload-pcie4",
        ],
        &["link", "allreduce", "402653184", "--devices", "4"],
    ] {
        let output = memwall(&folder, arguments);
        assert!(output.status.success(), "{arguments:?}");
        let _ = writeln!(text, "$ memwall {}", arguments.join(" "));
        text.push_str(&String::from_utf8(output.stdout).expect("UTF-8"));
        text.push('\n');
    }
    insta::assert_snapshot!("links", text);
    assert!(!folder.join("out").exists(), "nothing is written unasked");
}

#[test]
fn records_say_the_same() {
    let folder = folder("link-records");
    let json = |arguments: &[&str]| memwall(&folder, arguments).stdout;
    let transfer = json(&[
        "link",
        "transfer",
        "1GB",
        "--from",
        "gpu0",
        "--to",
        "gpu1",
        "--topology",
        "8x4090-pcie4",
        "--json",
        "--out",
        "o",
    ]);
    let record: TransferRecord = serde_json::from_slice(&transfer).expect("a record");
    assert!(record.transfers[0].route.staged);
    assert!(record.links.iter().all(|link| link.bytes == 1_000_000_000));
    assert_eq!(
        std::fs::read(folder.join("o/transfer.json")).expect("written"),
        transfer
    );
    let all = json(&["link", "collective", "all-to-all", "14MB", "--json"]);
    let record: CollectiveRecord = serde_json::from_slice(&all).expect("a record");
    assert_eq!((record.devices.len(), record.ways.len()), (8, 1));
    assert_eq!(record.chosen.sent_bytes, 14_000_000 * 7 / 8);
}

#[test]
fn bad_links_are_refused() {
    let folder = folder("bad-links");
    write(&folder, "slow.toml", star(4, "switch", "all", "1e-9"));
    write(&folder, "barred.toml", star(4, "switch", "none", "100"));
    let uneven = star(200, "nv_switch", "all", "100")
        + "[[nodes]]\nname = \"other\"\nkind = \"device\"\ncount = 20\n\
           [[links]]\nfrom = [\"other\"]\nto = [\"sw\"]\nbandwidth_gb_per_s = 77\nlatency_us = 3\n";
    write(&folder, "uneven.toml", uneven);
    let mut text = String::new();
    for arguments in [
        &["link", "transfer", "1GB", "--from", "gpu00", "--to", "gpu1"][..],
        &["link", "transfer", "1GB", "--from", "gpu1", "--to", "gpu1"],
        &["link", "allreduce", "1MB", "--devices", "9"],
        &["link", "allreduce", "1MB", "--devices", "1"],
        &["link", "allreduce", "1MB", "--topology", "dgx-a10"],
        &[
            "link",
            "collective",
            "all-to-all",
            "1MB",
            "--algorithm",
            "ring",
        ],
        &["link", "show", "--set", "peer_to_peer=some"],
        &["link", "show", "--set", "links.9.latency_us=1"],
        &["link", "show", "--set", "links.0.latency_us=-1"],
        &["run", "--pp", "99"],
        &["run", "--micro-batches", "2"],
        &["run", "--energy", "logic-8nm"],
        &[
            "link",
            "transfer",
            "1GB",
            "--from",
            "gpu0",
            "--to",
            "gpu1",
            "--at-ns",
            "4700000000000000000",
        ],
        &["link", "allreduce", "1TB", "--topology", "slow.toml"],
        &[
            "link",
            "transfer",
            "1GB",
            "--from",
            "gpu0",
            "--to",
            "gpu1",
            "--topology",
            "slow.toml",
        ],
        &["link", "allreduce", "1MB", "--topology", "barred.toml"],
        &[
            "link",
            "allreduce",
            "1MB",
            "--topology",
            "uneven.toml",
            "--algorithm",
            "ring",
        ],
    ] {
        said(&folder, &mut text, arguments);
    }
    snapshot("bad_links", &text);
}

/// A topology file of devices on one switch.
fn star(devices: usize, switch: &str, peers: &str, rate: &str) -> String {
    format!(
        "description = \"devices on one switch\"\npeer_to_peer = \"{peers}\"\n\
         [[nodes]]\nname = \"gpu\"\nkind = \"device\"\ncount = {devices}\n\
         [[nodes]]\nname = \"sw\"\nkind = \"{switch}\"\n\
         [[links]]\nfrom = [\"gpu\"]\nto = [\"sw\"]\nbandwidth_gb_per_s = {rate}\nlatency_us = 1\n"
    )
}

#[test]
fn many_devices_are_planned_by_closed_form() {
    let folder = folder("many-devices");
    write(&folder, "many.toml", star(256, "nv_switch", "all", "100"));
    let output = memwall(
        &folder,
        &[
            "link",
            "allreduce",
            "256MB",
            "--topology",
            "many.toml",
            "--json",
        ],
    );
    let record: CollectiveRecord = serde_json::from_slice(&output.stdout).expect("a record");
    assert_eq!((record.devices.len(), record.ways.len()), (256, 3));
    assert!(record.ways.iter().all(|way| way.closed_form && way.offered));
    // 510 steps of a 256th at 100 GB/s and two hops each.
    let ring = &record.ways[0];
    assert!(
        (ring.time_us - 510.0 * (10.0 + 2.0)).abs() < 1e-3,
        "{ring:?}"
    );
}

#[test]
fn elements_of_a_list_are_set_by_number() {
    let folder = folder("set-links");
    write(&folder, "star.toml", star(2, "nv_switch", "all", "100"));
    let time = |more: &[&str]| {
        let all = [
            "link",
            "allreduce",
            "1GB",
            "--topology",
            "star.toml",
            "--json",
        ];
        let output = memwall(&folder, &[&all[..], more].concat());
        let record: CollectiveRecord = serde_json::from_slice(&output.stdout).expect("a record");
        record.chosen.time_us
    };
    assert!(time(&["--set", "links.0.bandwidth_gb_per_s=50"]) > 1.9 * time(&[]));
}

#[test]
fn tables_say_whose_bytes_they_are() {
    let folder = folder("whose-bytes");
    for (collective, words) in [
        ("all-reduce", "bytes on each of 8 devices"),
        ("all-gather", "bytes to each of 8 devices"),
        ("broadcast", "bytes from the first to 7 more devices"),
    ] {
        let output = memwall(&folder, &["link", "collective", collective, "1GB"]);
        let shown = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(shown.contains(words), "{shown}");
    }
}

#[test]
fn what_the_library_lacks_is_marked() {
    let folder = folder("not-offered");
    let output = memwall(
        &folder,
        &["link", "allreduce", "402MB", "--devices", "4", "--json"],
    );
    let record: CollectiveRecord = serde_json::from_slice(&output.stdout).expect("a record");
    let offered = record.ways.iter().filter(|way| way.offered);
    let least = offered.map(|way| way.time_us).fold(f64::INFINITY, f64::min);
    assert!((least - record.chosen.time_us).abs() < 1e-9);
    let lacking = record.ways.iter().find(|way| way.algorithm == "direct");
    assert!(!lacking.expect("listed").offered);
}

fn iteration(name: &str, arguments: &[&str]) -> (Record, memwall_sim::record::IterationRecord) {
    let folder = folder(name);
    let output = memwall(&folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let record: Record = serde_json::from_slice(&output.stdout).expect(&error);
    let ResultRecord::Iteration(iteration) = record.result.clone() else {
        panic!("an iteration");
    };
    (record, iteration)
}

#[test]
fn stages_and_replicas_of_a_gpu() {
    let batch = [
        "run",
        "--hw",
        "gpu-a100",
        "--batch",
        "32",
        "--context",
        "1024",
        "--json",
    ];
    let with = |name: &str, more: &[&str]| iteration(name, &[&batch[..], more].concat());
    let (_, one) = with("stages-1", &["--tp", "2"]);
    let (record, two) = with("stages-2", &["--tp", "2", "--pp", "2", "--dp", "3"]);
    let group = two.group.as_ref().expect("a group");
    assert_eq!((group.devices, group.micro_batches), (12, 2));
    assert_eq!(group.stage_layers.iter().sum::<u64>(), record.model.layers);
    // Half the layers a stage, but kernels of half the batch are as long where weights bind.
    assert!(two.iteration_ms < 1.3 * one.iteration_ms);
    assert!(two.iteration_ms >= group.latency_ms * 0.999);
    assert!((0.0..0.5).contains(&group.bubble), "{}", group.bubble);
    assert_eq!(two.tokens, 96);
    let rate = 96.0 / (two.iteration_ms / 1e3);
    assert!((two.throughput_tok_per_s / rate - 1.0).abs() < 1e-9);
    // One part has to go through both stages before its next token: half of each idles.
    let (_, single) = with(
        "stages-3",
        &["--tp", "2", "--pp", "2", "--micro-batches", "1"],
    );
    let bubble = single.group.expect("a group").bubble;
    assert!((bubble - 0.5).abs() < 0.01, "{bubble}");
}

#[test]
fn energy_is_counts_times_the_table() {
    let batch = [
        "--batch",
        "8",
        "--context",
        "256",
        "--layers",
        "2",
        "--json",
        "--energy",
        "logic-7nm",
    ];
    let (_, run) = iteration(
        "energy-1",
        &[&["run", "--hw", "neupims"], &batch[..]].concat(),
    );
    let energy = run.energy.expect("energies");
    let of = |name: &str| {
        energy
            .components
            .iter()
            .find(|component| component.name == name)
            .expect("listed")
    };
    for component in &energy.components {
        let product = component.count.zip(component.pj_each);
        let product = product.map(|(count, pj)| count as f64 * pj / 1e9);
        match (product, component.energy_mj) {
            (Some(product), Some(energy)) => {
                assert!((product - energy).abs() <= 1e-9 * product.max(1e-9));
            }
            (None, None) => {}
            _ => panic!("{component:?}"),
        }
    }
    let sum: f64 = energy
        .components
        .iter()
        .filter_map(|component| component.energy_mj)
        .sum();
    assert!((sum / energy.device_mj - 1.0).abs() < 1e-9);
    assert!(of("DRAM activate").count > Some(0), "commands are counted");
    assert!(of("PIM").energy_mj > Some(0.0));
    // The table has no figure for the vector unit: absent, and the total says so.
    assert!(energy.partial && of("vector").energy_mj.is_none() && of("vector").count > Some(0));
    let fast = [
        &["run", "--hw", "neupims", "--fidelity", "fast"],
        &batch[..],
    ]
    .concat();
    let (_, fast) = iteration("energy-2", &fast);
    let energy = fast.energy.expect("energies");
    let rows = energy
        .components
        .iter()
        .find(|c| c.name == "DRAM activate")
        .expect("listed");
    assert!(
        rows.count.is_none() && rows.energy_mj.is_none(),
        "no commands, no count"
    );
    let (_, plain) = iteration(
        "energy-3",
        &[
            "run",
            "--batch",
            "8",
            "--context",
            "64",
            "--layers",
            "1",
            "--json",
        ],
    );
    assert!(plain.energy.is_none() && plain.group.is_none());
}

#[test]
fn energy_of_stages_says_whose_it_is() {
    let folder = folder("energy-stages");
    let batch = [
        "--hw",
        "npu-only",
        "--tp",
        "2",
        "--batch",
        "8",
        "--context",
        "64",
        "--layers",
        "2",
        "--fidelity",
        "fast",
        "--energy",
        "logic-7nm",
    ];
    let shown = |more: &[&str]| {
        let output = memwall(&folder, &[&["run"], &batch[..], more].concat());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(shown(&[]).contains("mJ on one device of npu-only"));
    assert!(!shown(&[]).contains("micro-batch"));
    let staged = shown(&["--pp", "2"]);
    assert!(
        staged.contains("the longest of 2 micro-batches through all layers"),
        "{staged}"
    );
    assert!(
        shown(&["--pp", "2"]).contains("mJ on one device of each of 2 stages together of npu-only")
    );
    let (_, run) = iteration(
        "energy-stages-json",
        &[&["run"], &batch[..], &["--pp", "2", "--json"]].concat(),
    );
    let energy = run.energy.expect("energies");
    assert_eq!(energy.stages, 2);
    // Two devices in each stage, eight tokens.
    assert!((energy.mj_per_token / (energy.device_mj * 2.0 / 8.0) - 1.0).abs() < 1e-9);
}
