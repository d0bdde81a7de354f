//! Topology files: routes that follow from them, and what is refused.

use super::shipped;
use crate::support::{Shipped, names};
use memwall_sim::link::Fabric;
use memwall_sim::machine::{PartText, load_text, load_topology_text};
use std::sync::Arc;

fn text(text: &str) -> PartText {
    PartText {
        origin: "a.toml".to_owned(),
        text: Arc::from(text),
    }
}

#[test]
fn every_shipped_topology_loads_and_joins_its_devices() {
    for name in names("hw-configs/topologies") {
        let topology = shipped(&name);
        let devices = topology.devices();
        for &from in &devices {
            for &to in devices.iter().filter(|&&to| to != from) {
                let route = topology.route(from, to).expect("devices are joined");
                assert!(route.bytes_per_s > 0, "{name}");
            }
        }
    }
}

#[test]
fn routes_follow_the_reach_of_peer_to_peer() {
    let drives = shipped("csd-switch-pcie4");
    let node = |name| drives.node(name).expect("a node");
    let read = drives.route(node("drive0"), node("gpu0")).expect("a route");
    assert!(!read.staged && read.edges.len() == 2);
    let gpus = shipped("8x4090-pcie4");
    let node = |name| gpus.node(name).expect("a node");
    let copy = gpus.route(node("gpu0"), node("gpu7")).expect("a route");
    assert!(copy.staged && copy.edges.len() == 4);
    // NVLink is no PCIe: no copy, although the file bars peer-to-peer through the host.
    let dgx = shipped("dgx-a100");
    let node = |name| dgx.node(name).expect("a node");
    assert!(
        !dgx.route(node("gpu0"), node("gpu1"))
            .expect("a route")
            .staged
    );
}

const GOOD: &str = "description = \"x\"
[[nodes]]
name = \"gpu\"
kind = \"device\"
count = 2
[[links]]
from = [\"gpu\"]
to = [\"gpu\"]
standard = \"nvlink3\"
width = 4
latency_us = 1
";

#[test]
fn what_contradicts_itself_is_refused_where_it_stands() {
    load_topology_text("a", text(GOOD), &[]).expect("sound");
    for (from, to, path, words) in [
        ("width = 4", "width = 40", "links.0.width", "1 to 12"),
        ("width = 4\n", "", "links.0.standard", "width"),
        ("nvlink3", "nvlnk3", "links.0.standard", "unknown"),
        (
            "latency_us = 1",
            "latency_us = 1\nmeasured_gb_per_s = 99",
            "links.0.measured_gb_per_s",
            "94.12",
        ),
        (
            "latency_us = 1",
            "latency_us = 1\nboth_gb_per_s = 50",
            "links.0.both_gb_per_s",
            "between",
        ),
        (
            "latency_us = 1",
            "latency_us = -1",
            "links.0.latency_us",
            "number",
        ),
        (
            "latency_us = 1",
            "latency_us = 1\nefficiency = 2",
            "links.0.efficiency",
            "at most 1",
        ),
        ("to = [\"gpu\"]", "to = [\"gpv\"]", "links.0.to.0", "gpv"),
        ("to = [\"gpu\"]", "to = []", "links.0.from", "nothing"),
        ("count = 2", "count = 0", "nodes.0.count", "from 1"),
        ("count = 2", "count = 99999", "nodes.0.count", "1024"),
        ("kind = \"device\"", "kind = \"drive\"", "nodes", "device"),
        (
            "latency_us = 1",
            "latency_us = 1\nlanes = 4",
            "links.0",
            "unknown",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let changed = GOOD.replacen(from, to, 1);
        let error = load_topology_text("a", text(&changed), &[]).expect_err(to);
        let at = error.path.replace('[', ".").replace(']', "");
        assert!(
            at.starts_with(path) || path.starts_with(&at),
            "{to}: {}",
            error.path
        );
        assert!(error.rule.contains(words), "{to}: {}", error.rule);
    }
}

fn gpu(link: &str) -> String {
    let machine = std::fs::read_to_string(crate::support::root().join("hw-configs/gpu-a100.toml"));
    let machine = machine.expect("a shipped machine");
    let (before, _) = machine
        .split_once("# 4 x A100")
        .expect("its link is the last table");
    let (head, tables) = before.split_once("\n[gpu]").expect("keys first");
    format!("{head}\n{link}\n[gpu]{tables}")
}

#[test]
fn a_machine_takes_a_topology_instead_of_a_ring() {
    let load = |extra: &str| load_text(&Shipped, "a", text(&gpu(extra)), &[]);
    let machine = load("topology = \"dgx-a100\"").expect("sound");
    let link = machine.link.expect("a link");
    assert!(matches!(link.fabric, Fabric::Topology(_)));
    assert_eq!(link.devices(), Some(8));
    let error = load("topology = \"dgx-a10\"").expect_err("misspelt");
    assert_eq!(error.nearest.as_deref(), Some("dgx-a100"));
    let both =
        gpu("topology = \"dgx-a100\"") + "[link]\nbandwidth_gb_per_s = 1\nstep_latency_us = 1\n";
    let error = load_text(&Shipped, "a", text(&both), &[]).expect_err("two links");
    assert!(error.rule.contains("not both"), "{}", error.rule);
    let half = gpu("") + "[link]\nbandwidth_gb_per_s = 1\n";
    let error = load_text(&Shipped, "a", text(&half), &[]).expect_err("half a ring");
    assert!(error.rule.contains("step_latency_us"), "{}", error.rule);
}
