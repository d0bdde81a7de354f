//! Records of transfers and collectives on a topology (`memwall link`).

use serde::{Deserialize, Serialize};

/// A topology.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopologyRecord {
    /// Name of its file.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Reach of peer-to-peer transfers: none, switch, all.
    pub peer_to_peer: String,
    /// Nodes.
    pub nodes: Vec<NodeRecord>,
    /// What transfers share.
    pub capacities: Vec<CapacityRecord>,
    /// From the first device to every other node.
    pub routes: Vec<RouteRecord>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct NodeRecord {
    pub name: String,
    pub kind: String,
}

/// A capacity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapacityRecord {
    /// The link and the direction.
    pub name: String,
    /// Payload of whole packets.
    pub gb_per_s: f64,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteRecord {
    /// Source.
    pub from: String,
    /// Destination.
    pub to: String,
    /// Nodes between.
    pub through: Vec<String>,
    /// Whether the data is copied in host memory on the way.
    pub staged: bool,
    /// Rate of a transfer alone.
    pub gb_per_s: f64,
    /// Latency of the hops.
    pub latency_us: f64,
    /// Set-up of a transfer.
    pub start_us: f64,
}

/// Transfers run together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransferRecord {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// Topology.
    pub topology: String,
    /// One for each transfer, in the order given.
    pub transfers: Vec<TransferResult>,
    /// Links that carried anything.
    pub links: Vec<LinkUseRecord>,
}

/// One transfer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TransferResult {
    /// Its route.
    pub route: RouteRecord,
    /// Payload.
    pub bytes: u64,
    /// Class; 0 goes first.
    pub class: u8,
    /// Handed over at.
    pub submitted_us: f64,
    /// Last byte arrived at.
    pub arrived_us: f64,
    /// Between the two.
    pub time_us: f64,
    /// Payload over that time.
    pub gb_per_s: f64,
    /// The same alone.
    pub alone_us: f64,
}

/// What a link carried in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUseRecord {
    /// Source.
    pub from: String,
    /// Destination.
    pub to: String,
    /// Bytes in whole packets.
    pub bytes: u64,
}

/// A collective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectiveRecord {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// Version of the program.
    pub version: String,
    /// Topology.
    pub topology: String,
    /// What.
    pub collective: String,
    /// Devices in the order of their ranks.
    pub devices: Vec<String>,
    /// Bytes of one device: what it holds before, of an all-gather after; of a broadcast, of the first.
    pub bytes: u64,
    /// The fastest, or the one asked for.
    pub chosen: CollectiveWay,
    /// Every algorithm that can do it, with its fastest protocol.
    pub ways: Vec<CollectiveWay>,
    /// Algorithms that can do it and whose time is not found, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// One way to run a collective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectiveWay {
    /// Algorithm.
    pub algorithm: String,
    /// Protocol.
    pub protocol: String,
    /// Whether the topology's library has the algorithm, so that it may be chosen unasked.
    #[serde(default = "yes")]
    pub offered: bool,
    /// From the call to the last arrival.
    pub time_us: f64,
    /// Whether the time is a closed form; otherwise the messages were simulated.
    pub closed_form: bool,
    /// Bytes that one device sends.
    pub sent_bytes: u64,
    /// `bytes` over the time.
    pub algorithm_gb_per_s: f64,
    /// Bytes that cross a port over the time.
    pub bus_gb_per_s: f64,
}

fn yes() -> bool {
    true
}
