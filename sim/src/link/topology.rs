//! What is joined to what: nodes, directed edges between them, and the capacities that edges
//! draw on. A capacity is a resource of its own, so that a half-duplex link, a pair of directions
//! that slow each other, and an uplink that many share are one mechanism.

use super::LinkError;
use crate::time::Ps;
use memwall_models::spelling;
use serde::{Deserialize, Serialize};

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A GPU or NPU.
    Device,
    /// Processor with its root complex: forwards.
    HostCpu,
    /// Memory of a host.
    HostMemory,
    /// PCIe or CXL switch: forwards.
    Switch,
    /// NVLink switch: forwards.
    NvSwitch,
    /// A drive.
    Drive,
    /// Memory behind CXL.
    CxlMemory,
}

impl NodeKind {
    /// Whether traffic between two other nodes may pass through.
    pub fn forwards(self) -> bool {
        matches!(
            self,
            NodeKind::HostCpu | NodeKind::Switch | NodeKind::NvSwitch
        )
    }

    /// Devices and drives: transfers between two of them are peer-to-peer.
    pub fn is_peer(self) -> bool {
        matches!(self, NodeKind::Device | NodeKind::Drive)
    }
}

/// How far peer-to-peer transfers over PCIe go without a copy in host memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerToPeer {
    /// Always copied to host memory and out again.
    #[default]
    None,
    /// Below a switch; not through the root complex.
    Switch,
    /// Through switches and root complex.
    All,
}

/// A node by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct NodeId(pub usize);

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Unique name.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
}

/// A resource in payload bytes a second, shared by all that draw on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// The link and the direction, for reports.
    pub name: String,
    /// Payload of whole packets.
    pub bytes_per_s: u64,
}

/// One direction of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// Source.
    pub from: NodeId,
    /// Destination.
    pub to: NodeId,
    /// Indices of the capacities drawn on.
    pub capacities: Vec<usize>,
    /// From the first bit in to the first bit out.
    pub latency: Ps,
    /// Set-up of a transfer that uses this edge; a route takes the largest of its edges.
    pub start: Ps,
    /// Payload of a packet; a transfer occupies whole packets.
    pub payload: u64,
}

/// A link as it is added: two edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// One end.
    pub from: NodeId,
    /// Other end.
    pub to: NodeId,
    /// Payload rate from `from` to `to`.
    pub forward: u64,
    /// Payload rate back.
    pub backward: u64,
    /// Limit on the sum of both directions; equal to one direction for half duplex.
    pub both: Option<u64>,
    /// Latency of either direction.
    pub latency: Ps,
    /// Set-up of a transfer.
    pub start: Ps,
    /// Payload of a packet.
    pub payload: u64,
}

/// How a library runs collectives on a topology.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Library {
    /// Fixed time of one call.
    pub call: Ps,
    /// Algorithms that `auto` chooses from; empty for all.
    pub algorithms: Vec<super::collective::Algorithm>,
    /// Protocols chosen from by time; empty for the bytes alone.
    pub protocols: Vec<super::collective::Protocol>,
}

/// A graph of nodes and links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topology {
    /// Name of its file.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Reach of peer-to-peer transfers.
    pub peer_to_peer: PeerToPeer,
    /// Collectives.
    pub library: Library,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    capacities: Vec<Capacity>,
}

impl Topology {
    /// Without nodes.
    pub fn new(name: &str, description: &str, peer_to_peer: PeerToPeer) -> Topology {
        Topology {
            name: name.to_owned(),
            description: description.to_owned(),
            peer_to_peer,
            library: Library::default(),
            nodes: Vec::new(),
            edges: Vec::new(),
            capacities: Vec::new(),
        }
    }

    /// Adds a node.
    pub fn add(&mut self, name: &str, kind: NodeKind) -> NodeId {
        self.nodes.push(Node {
            name: name.to_owned(),
            kind,
        });
        NodeId(self.nodes.len() - 1)
    }

    /// Adds a link.
    pub fn join(&mut self, join: &Join) {
        let (from, to) = (self.name_of(join.from), self.name_of(join.to));
        let shared = join
            .both
            .map(|rate| self.capacity(format!("{from} - {to}"), rate));
        let directions = [
            (join.from, join.to, format!("{from} > {to}"), join.forward),
            (join.to, join.from, format!("{to} > {from}"), join.backward),
        ];
        for (from, to, name, rate) in directions {
            // A half-duplex link has no capacity beside the one that both directions share.
            let own = (join.both != Some(rate)).then(|| self.capacity(name, rate));
            self.edges.push(Edge {
                from,
                to,
                capacities: own.into_iter().chain(shared).collect(),
                latency: join.latency,
                start: join.start,
                payload: join.payload.max(1),
            });
        }
    }

    fn capacity(&mut self, name: String, bytes_per_s: u64) -> usize {
        self.capacities.push(Capacity {
            name,
            bytes_per_s: bytes_per_s.max(1),
        });
        self.capacities.len() - 1
    }

    /// Nodes in the order in which they were added.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Edges, two a link.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Capacities.
    pub fn capacities(&self) -> &[Capacity] {
        &self.capacities
    }

    /// Devices in order: the ranks of a collective are placed on the first of them.
    pub fn devices(&self) -> Vec<NodeId> {
        let devices = self.nodes.iter().enumerate();
        devices
            .filter(|(_, node)| node.kind == NodeKind::Device)
            .map(|(index, _)| NodeId(index))
            .collect()
    }

    /// The first `count` devices.
    pub fn ranks(&self, count: u64) -> Result<Vec<NodeId>, LinkError> {
        let mut devices = self.devices();
        if count as usize > devices.len() {
            return Err(LinkError::Devices {
                topology: self.name.clone(),
                devices: devices.len() as u64,
                wanted: count,
            });
        }
        devices.truncate(count as usize);
        Ok(devices)
    }

    /// Name of a node.
    pub fn name_of(&self, node: NodeId) -> String {
        self.nodes
            .get(node.0)
            .map_or_else(|| format!("#{}", node.0), |node| node.name.clone())
    }

    /// A node by name.
    pub fn node(&self, name: &str) -> Result<NodeId, LinkError> {
        let names = || self.nodes.iter().map(|node| node.name.as_str());
        names()
            .position(|known| known == name)
            .map(NodeId)
            .ok_or_else(|| LinkError::Node {
                topology: self.name.clone(),
                name: name.to_owned(),
                names: names().collect::<Vec<_>>().join(", "),
                nearest: spelling::nearest(name, names()).map(str::to_owned),
            })
    }
}
