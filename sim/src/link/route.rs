//! The way of a transfer: fewest hops, then least latency, then the widest, then the first links
//! of the file; between peers whose way is barred, through host memory.

use super::LinkError;
use super::topology::{NodeId, NodeKind, PeerToPeer, Topology};
use crate::time::Ps;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A way through a topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Edges in order.
    pub edges: Vec<usize>,
    /// Capacities drawn on, as often as they are passed.
    pub uses: Vec<usize>,
    /// Sum of the hops.
    pub latency: Ps,
    /// Set-up of a transfer.
    pub start: Ps,
    /// Bytes are occupied in multiples of this.
    pub payload: u64,
    /// Rate of a transfer alone.
    pub bytes_per_s: u64,
    /// Whether the data is copied in host memory on the way.
    pub staged: bool,
}

/// What ways are ordered by; smaller is better.
type Rank = (Ps, Reverse<u64>, Vec<usize>);

impl Topology {
    /// The route between two nodes.
    pub fn route(&self, from: NodeId, to: NodeId) -> Result<Route, LinkError> {
        if from == to {
            return Err(LinkError::Same {
                node: self.name_of(from),
            });
        }
        let kind = |node: NodeId| self.nodes().get(node.0).map(|node| node.kind);
        let peers = [from, to]
            .into_iter()
            .all(|node| kind(node).is_some_and(NodeKind::is_peer));
        let passes = |kind: NodeKind| {
            kind.forwards()
                && match (peers, self.peer_to_peer) {
                    (true, PeerToPeer::None) => kind == NodeKind::NvSwitch,
                    (true, PeerToPeer::Switch) => kind != NodeKind::HostCpu,
                    _ => true,
                }
        };
        if let Some(edges) = self.shortest(from, to, &passes) {
            return Ok(self.described(edges, false));
        }
        let staged = peers.then(|| self.through_memory(from, to)).flatten();
        staged.ok_or_else(|| LinkError::NoRoute {
            topology: self.name.clone(),
            from: self.name_of(from),
            to: self.name_of(to),
            barred: self.barred(from, to),
        })
    }

    /// What bars the way between two peers, if there is one.
    fn barred(&self, from: NodeId, to: NodeId) -> Option<String> {
        let edges = self.shortest(from, to, &NodeKind::forwards)?;
        let through = edges.first().map(|&edge| self.edges()[edge].to)?;
        let value = match self.peer_to_peer {
            PeerToPeer::None => "none",
            PeerToPeer::Switch => "switch",
            PeerToPeer::All => return None,
        };
        Some(format!(
            "peer_to_peer = \"{value}\" bars the way through '{}', and there is no host memory to copy \
             by: give peer_to_peer = \"all\" (\"switch\" below a switch), or a host, or make it an nv_switch",
            self.name_of(through)
        ))
    }

    fn through_memory(&self, from: NodeId, to: NodeId) -> Option<Route> {
        let memories = self.nodes().iter().enumerate();
        memories
            .filter(|(_, node)| node.kind == NodeKind::HostMemory)
            .filter_map(|(index, _)| {
                let memory = NodeId(index);
                let mut edges = self.shortest(from, memory, &NodeKind::forwards)?;
                edges.extend(self.shortest(memory, to, &NodeKind::forwards)?);
                Some(self.described(edges, true))
            })
            .min_by_key(|route| (route.edges.len(), route.latency))
    }

    /// Breadth first: the best way to every node that is reached with each number of hops.
    fn shortest(
        &self,
        from: NodeId,
        to: NodeId,
        passes: &impl Fn(NodeKind) -> bool,
    ) -> Option<Vec<usize>> {
        let mut reached = vec![false; self.nodes().len()];
        *reached.get_mut(from.0)? = true;
        let mut front: BTreeMap<NodeId, Rank> =
            BTreeMap::from([(from, (Ps::ZERO, Reverse(u64::MAX), Vec::new()))]);
        while !front.is_empty() {
            let mut next: BTreeMap<NodeId, Rank> = BTreeMap::new();
            for (index, edge) in self.edges().iter().enumerate() {
                let Some((latency, Reverse(rate), way)) = front.get(&edge.from) else {
                    continue;
                };
                // What does not forward is an end or nothing.
                let leads = edge.to == to || passes(self.nodes()[edge.to.0].kind);
                if !leads || reached[edge.to.0] {
                    continue;
                }
                let narrowest = edge
                    .capacities
                    .iter()
                    .map(|&capacity| self.capacities()[capacity].bytes_per_s)
                    .fold(*rate, u64::min);
                let mut longer = way.clone();
                longer.push(index);
                let rank = (*latency + edge.latency, Reverse(narrowest), longer);
                let best = next.entry(edge.to).or_insert_with(|| rank.clone());
                if rank < *best {
                    *best = rank;
                }
            }
            if let Some((_, _, way)) = next.remove(&to) {
                return Some(way);
            }
            for node in next.keys() {
                reached[node.0] = true;
            }
            front = next;
        }
        None
    }

    fn described(&self, edges: Vec<usize>, staged: bool) -> Route {
        let mut route = Route {
            uses: Vec::new(),
            latency: Ps::ZERO,
            start: Ps::ZERO,
            payload: 1,
            bytes_per_s: u64::MAX,
            staged,
            edges,
        };
        let mut passed: BTreeMap<usize, u64> = BTreeMap::new();
        for &index in &route.edges {
            let edge = &self.edges()[index];
            route.latency += edge.latency;
            route.start = route.start.max(edge.start);
            route.payload = route.payload.max(edge.payload);
            for &capacity in &edge.capacities {
                *passed.entry(capacity).or_default() += 1;
                route.uses.push(capacity);
            }
        }
        for (capacity, times) in passed {
            let rate = self.capacities()[capacity].bytes_per_s / times;
            route.bytes_per_s = route.bytes_per_s.min(rate.max(1));
        }
        route
    }
}

impl Route {
    /// Bytes that a transfer occupies: whole packets.
    pub fn occupied(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.payload).saturating_mul(self.payload)
    }
}
