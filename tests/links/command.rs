//! `memwall link`, groups and energy on the command line.

use crate::command_line::{folder, memwall, said, snapshot};
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
        &["run", "--pp", "99"],
        &["run", "--micro-batches", "2"],
        &["run", "--energy", "logic-8nm"],
    ] {
        said(&folder, &mut text, arguments);
    }
    snapshot("bad_links", &text);
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
