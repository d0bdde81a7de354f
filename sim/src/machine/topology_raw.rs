//! Topology files as written.

use super::number::{Amount, Figure, Positive};
use crate::link::Standard;
use crate::link::collective::Algorithm;
use crate::link::topology::{NodeKind, PeerToPeer};
use serde::Deserialize;

/// A topology file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTopology {
    /// One sentence.
    pub description: String,
    /// Reach of peer-to-peer transfers without a copy in host memory.
    #[serde(default)]
    pub peer_to_peer: PeerToPeer,
    /// Nodes, or groups of equal nodes.
    pub nodes: Vec<RawNode>,
    /// Links.
    pub links: Vec<RawJoin>,
    /// The library that runs collectives.
    pub collectives: Option<RawLibrary>,
}

/// A node, or `count` nodes called `name0`, `name1` and so on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawNode {
    pub name: String,
    pub kind: NodeKind,
    pub count: Option<Positive>,
}

/// Links between each of `from` and each of `to`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJoin {
    /// Nodes or groups.
    pub from: Vec<String>,
    /// Nodes or groups.
    pub to: Vec<String>,
    /// Which pairs.
    #[serde(default)]
    pub shape: Shape,
    /// Generation, from which the rate of the payload is derived.
    pub standard: Option<Standard>,
    /// Lanes of PCIe and CXL, links of NVLink.
    pub width: Option<Positive>,
    /// Rate of one direction, instead of a standard.
    pub bandwidth_gb_per_s: Option<Amount>,
    /// Share of the rate that is reached.
    pub efficiency: Option<Amount>,
    /// Rate reached from `from` to `to`, measured.
    pub measured_gb_per_s: Option<Amount>,
    /// Rate reached the other way, if it differs.
    pub measured_back_gb_per_s: Option<Amount>,
    /// Sum of both directions when both are busy, measured.
    pub both_gb_per_s: Option<Amount>,
    /// One direction at a time.
    #[serde(default)]
    pub half_duplex: bool,
    /// First bit in to first bit out.
    pub latency_us: Figure,
    /// Set-up of a transfer.
    pub start_us: Option<Figure>,
}

/// Which nodes of two groups are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// Each with each.
    #[default]
    All,
    /// Each with the next of its group, the last with the first.
    Ring,
}

/// `[collectives]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLibrary {
    /// Fixed time of one call.
    pub call_us: Figure,
    /// Algorithms chosen from.
    #[serde(default)]
    pub algorithms: Vec<Algorithm>,
    /// Protocols chosen from.
    #[serde(default)]
    pub protocols: Vec<RawProtocol>,
}

/// A protocol of the library.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawProtocol {
    pub name: String,
    /// Fixed time of one call.
    pub call_us: Figure,
    /// Time of one step beside that of the links.
    pub step_us: Figure,
    /// Data among the bytes on the links.
    pub data_share: Amount,
}
