//! Links: transfers that share a topology, collectives over it, and their measured times.

mod collectives;
mod command;
mod measured;
mod sharing;
mod topologies;

use crate::support::Shipped;
use memwall_sim::link::network::{Completion, Network, Transfer};
use memwall_sim::link::topology::{Join, NodeId, NodeKind, PeerToPeer, Topology};
use memwall_sim::machine::load_topology;
use memwall_sim::time::Ps;
use std::sync::Arc;

/// A shipped topology.
fn shipped(name: &str) -> Arc<Topology> {
    load_topology(&Shipped, name, &[]).expect("a shipped topology")
}

/// `devices` devices on a switch, each with a full-duplex link of `bytes_per_s`.
fn star(devices: usize, bytes_per_s: u64, latency: Ps) -> Arc<Topology> {
    let mut topology = Topology::new("star", "devices on a switch", PeerToPeer::All);
    let switch = topology.add("switch", NodeKind::NvSwitch);
    for index in 0..devices {
        let device = topology.add(&format!("gpu{index}"), NodeKind::Device);
        topology.join(&link((device, switch), bytes_per_s, latency));
    }
    Arc::new(topology)
}

/// A plain full-duplex link.
fn link((from, to): (NodeId, NodeId), bytes_per_s: u64, latency: Ps) -> Join {
    Join {
        from,
        to,
        forward: bytes_per_s,
        backward: bytes_per_s,
        both: None,
        latency,
        start: Ps::ZERO,
        payload: 1,
    }
}

/// Runs transfers, each submitted at a time in picoseconds; times by their order.
fn run(topology: &Arc<Topology>, transfers: &[(u64, Transfer)]) -> (Network, Vec<Ps>) {
    let mut network = Network::new(Arc::clone(topology));
    for &(at, transfer) in transfers {
        network.submit(Ps(at), transfer).expect("a route");
    }
    let mut times = vec![Ps::ZERO; transfers.len()];
    for Completion { at, id } in network.drain() {
        times[id.0 as usize] = at;
    }
    (network, times)
}
