//! Figures of transfers and collectives.

use crate::link::collective::{Collective, Plan};
use crate::link::topology::{NodeId, PeerToPeer, Topology};
use crate::link::{LinkError, Route};
use crate::record::link::{CapacityRecord, CollectiveWay, NodeRecord, RouteRecord, TopologyRecord};

fn giga(bytes_per_s: u64) -> f64 {
    bytes_per_s as f64 / 1e9
}

/// A topology as resolved.
///
/// # Errors
/// A node cannot be reached from the first device.
pub fn topology(topology: &Topology) -> Result<TopologyRecord, LinkError> {
    let mut routes = Vec::new();
    if let Some(&first) = topology.devices().first() {
        for index in (0..topology.nodes().len()).filter(|&index| index != first.0) {
            let node = NodeId(index);
            if topology.nodes()[index].kind.forwards() {
                continue;
            }
            routes.push(route(topology, first, node, &topology.route(first, node)?));
        }
    }
    let nodes = topology.nodes().iter().map(|node| NodeRecord {
        name: node.name.clone(),
        kind: kind(node.kind).to_owned(),
    });
    let capacities = topology.capacities().iter().map(|capacity| CapacityRecord {
        name: capacity.name.clone(),
        gb_per_s: giga(capacity.bytes_per_s),
    });
    Ok(TopologyRecord {
        name: topology.name.clone(),
        description: topology.description.clone(),
        peer_to_peer: match topology.peer_to_peer {
            PeerToPeer::None => "none",
            PeerToPeer::Switch => "switch",
            PeerToPeer::All => "all",
        }
        .to_owned(),
        nodes: nodes.collect(),
        capacities: capacities.collect(),
        routes,
    })
}

fn kind(kind: crate::link::topology::NodeKind) -> &'static str {
    use crate::link::topology::NodeKind;
    match kind {
        NodeKind::Device => "device",
        NodeKind::HostCpu => "host_cpu",
        NodeKind::HostMemory => "host_memory",
        NodeKind::Switch => "switch",
        NodeKind::NvSwitch => "nv_switch",
        NodeKind::Drive => "drive",
        NodeKind::CxlMemory => "cxl_memory",
    }
}

/// A route.
pub fn route(topology: &Topology, from: NodeId, to: NodeId, route: &Route) -> RouteRecord {
    let inner = route.edges.len().saturating_sub(1);
    let through = route.edges[..inner]
        .iter()
        .map(|&edge| topology.name_of(topology.edges()[edge].to));
    RouteRecord {
        from: topology.name_of(from),
        to: topology.name_of(to),
        through: through.collect(),
        staged: route.staged,
        gb_per_s: giga(route.bytes_per_s),
        latency_us: route.latency.0 as f64 / 1e6,
        start_us: route.start.0 as f64 / 1e6,
    }
}

/// A way to run a collective of `bytes` a rank over `ranks`. Bus bandwidth is what crosses a port
/// of the best algorithm for the amount: `2 (n - 1) / n` of an all-reduce, `(n - 1) / n` of its
/// halves and of an all-to-all, all of a broadcast.
/// `offered` says whether the topology's library has the algorithm.
pub fn way(
    plan: &Plan,
    offered: bool,
    collective: Collective,
    bytes: u64,
    ranks: usize,
) -> CollectiveWay {
    let ranks = ranks as f64;
    let crossing = match collective {
        Collective::AllReduce => 2.0 * (ranks - 1.0) / ranks,
        Collective::Broadcast => 1.0,
        _ => (ranks - 1.0) / ranks,
    };
    let seconds = plan.time.0 as f64 / 1e12;
    let rate = bytes as f64 / seconds / 1e9;
    CollectiveWay {
        algorithm: plan.algorithm.name().to_owned(),
        protocol: plan.protocol.clone(),
        offered,
        time_us: seconds * 1e6,
        closed_form: plan.closed,
        sent_bytes: plan.sent_bytes,
        algorithm_gb_per_s: rate,
        bus_gb_per_s: rate * crossing,
    }
}
