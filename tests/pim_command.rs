//! `memwall pim` as its users meet it.

use crate::command_line::{folder, memwall, said, shipped, snapshot, write};
use serde_json::Value;

fn record(folder: &std::path::Path, arguments: &[&str]) -> Value {
    let output = memwall(folder, arguments);
    assert!(output.status.success(), "{arguments:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn every_device_runs_a_product_no_faster_than_its_bound() {
    let folder = folder("pim-devices");
    let listed = record(&folder, &["pim", "list", "--json"]);
    let names: Vec<&str> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|device| device["name"].as_str().expect("a name"))
        .collect();
    assert!(names.len() >= 7, "{names:?}");
    for name in names {
        let arguments = ["pim", "gemv", "1000", "3000", "--hw", name, "--json"];
        let record = record(&folder, &arguments);
        let result = &record["result"];
        let figure = |key: &str| result[key].as_f64().expect("a figure");
        assert_eq!(result["weight_bytes"].as_u64(), Some(6_000_000));
        let used = figure("useful_macs");
        assert!(used > 0.2 && used <= 1.0, "{name}: {used}");
        let quirks = record["notes"].to_string().contains("quirks");
        assert!(quirks || figure("bound_fraction") <= 1.0, "{name}");
        let stored = std::fs::read(folder.join("out/pim.json")).expect("a record");
        let stored: Value = serde_json::from_slice(&stored).expect("JSON");
        assert_eq!(stored, record);
    }
}

#[test]
fn attacc_moves_every_result() {
    let arguments = ["pim", "gemv", "4096", "4096", "--hw", "attacc", "--json"];
    let record = record(&folder("pim-results"), &arguments);
    assert_eq!(record["result"]["result_bytes"].as_u64(), Some(2 * 4096));
}

#[test]
fn every_device_is_shown() {
    let folder = folder("pim-shown");
    let listed = record(&folder, &["hw", "list", "--json"]);
    let devices = listed["pim_devices"].as_array().expect("a list");
    assert!(devices.len() >= 7, "{devices:?}");
    for name in devices.iter().filter_map(|device| device["name"].as_str()) {
        let shown = record(&folder, &["hw", "show", name, "--json"]);
        assert_eq!(shown["name"].as_str(), Some(name));
        let (inside, pins) = (
            &shown["in_banks_bytes_per_s"],
            &shown["memory"]["peak_bytes_per_s"],
        );
        assert!(inside.as_u64() > pins.as_u64(), "{name}");
    }
}

#[test]
fn two_runs_are_equal() {
    let once = |name: &str| {
        let arguments = ["pim", "gemv", "3000", "5000", "--hw", "neupims", "--json"];
        record(&folder(name), &arguments)
    };
    assert_eq!(once("pim-one"), once("pim-two"));
}

#[test]
fn bad_pim_devices_are_refused() {
    let folder = folder("bad-pim");
    let mut text = String::new();
    let device = shipped("pim/neupims-hbm2.toml");
    let rules = shipped("rules/pim-dual.toml");
    write(
        &folder,
        "flag.toml",
        device.replace("pim-dual", "misspelt-flag"),
    );
    write(
        &folder,
        "misspelt-flag.toml",
        rules.replace("when = \"early_pim_release\"", "when = \"early_release\""),
    );
    write(
        &folder,
        "both.toml",
        device.clone() + "\n[hbm_pim]\nqueue_bursts = 8\n",
    );
    let of = |setting: &'static str| ["pim", "gemv", "64", "64", "--set", setting];
    for arguments in [
        of("pim.formats.fp16=3"),
        of("pim.formats.int9=32"),
        of("pim.formats.int8=33"),
        of("pim.accumulators=2"),
        of("pim.row_buffers=\"blocked\""),
        of("pim.macs_per_bank=512"),
        of("pim.gwrite_tck=1"),
        of("pim.arbitration=\"time_sliced\""),
        of("pim.slices_tck=[1000,1000]"),
        of("pim.rules=[\"pim-newton\"]"),
        of("pim.rules=[\"pim-newtom\",\"pim-dual\"]"),
        of("pim.power={average_w=1e-9,activate_nj=1,comp_pj=1}"),
        of("quirks.per_bank_precharg=true"),
    ] {
        said(&folder, &mut text, &arguments);
    }
    for arguments in [
        vec!["pim", "gemv", "64", "64", "--hw", "flag.toml"],
        vec!["pim", "gemv", "64", "64", "--hw", "both.toml"],
        vec!["pim", "gemv", "64", "64", "--hw", "npu-only"],
        vec!["pim", "gemv", "64", "64", "--hw", "hbm-pin"],
        vec!["pim", "gemv", "64", "64", "--format", "fp17"],
        vec!["pim", "gemv", "64", "64", "--format", "int8"],
        vec![
            "pim",
            "gemv",
            "64",
            "64",
            "--hw",
            "hbm-pim",
            "--vectors",
            "2",
        ],
        vec!["pim", "gemv", "16777216", "16777216"],
        vec!["pim", "explain", "--hw", "attacc", "--steps", "3"],
    ] {
        said(&folder, &mut text, &arguments);
    }
    snapshot("bad_pim_devices", &text);
}
