//! What a communication library makes of a collective: the algorithm and the protocol that its
//! own estimate finds fastest, and a fixed time for the call.

use super::{Algorithm, Collective, Schedule, closed_form, execute};
use crate::link::LinkError;
use crate::link::network::Network;
use crate::link::topology::{NodeId, Topology};
use crate::time::Ps;
use serde::Serialize;
use std::sync::Arc;

/// How messages are framed by a library: low latency is bought with flags beside the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Protocol {
    /// Name.
    pub name: String,
    /// Fixed time of a call.
    pub call: Ps,
    /// Time of a step beside that of the links.
    pub step: Ps,
    /// Data among the bytes on the links, in thousandths.
    pub data_per_mille: u64,
}

impl Protocol {
    /// Bytes on the links and nothing else.
    pub fn plain() -> Protocol {
        Protocol {
            name: "plain".to_owned(),
            call: Ps::ZERO,
            step: Ps::ZERO,
            data_per_mille: 1000,
        }
    }

    /// Bytes that `bytes` of data occupy.
    pub fn wire(&self, bytes: u64) -> u64 {
        let wire = (u128::from(bytes) * 1000).div_ceil(u128::from(self.data_per_mille.max(1)));
        u64::try_from(wire).unwrap_or(u64::MAX)
    }
}

/// A collective with everything chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Algorithm.
    pub algorithm: Algorithm,
    /// Name of the protocol.
    pub protocol: String,
    /// From the call to the last arrival on an otherwise idle network.
    pub time: Ps,
    /// Whether the time is a closed form; otherwise the schedule was executed.
    pub closed: bool,
    /// Bytes that one rank sends, the most of all, protocol excluded.
    pub sent_bytes: u64,
}

/// Plans a collective of `bytes` a rank over `nodes`: with `algorithm`, or the fastest of those
/// that the topology's library has. Equal times go to the first.
///
/// # Errors
/// Fewer than two ranks, no route between two of them, or an algorithm that has no such
/// collective.
pub fn plan(
    topology: &Arc<Topology>,
    nodes: &[NodeId],
    collective: Collective,
    bytes: u64,
    algorithm: Option<Algorithm>,
) -> Result<Plan, LinkError> {
    if nodes.len() < 2 {
        let rule = format!(
            "a collective needs two devices or more, not {}",
            nodes.len()
        );
        return Err(LinkError::Collective { rule });
    }
    let library = &topology.library;
    let allowed: Vec<Algorithm> = match algorithm {
        Some(named) => vec![named],
        None if library.algorithms.is_empty() => Algorithm::ALL.to_vec(),
        None => library.algorithms.clone(),
    };
    let mut best: Option<Plan> = None;
    let plain = [Protocol::plain()];
    let protocols = if library.protocols.is_empty() {
        &plain[..]
    } else {
        &library.protocols
    };
    // Of a collective that the library's algorithms lack, any other may serve.
    let able = |list: &[Algorithm]| -> Vec<(Algorithm, Schedule)> {
        let each = list.iter();
        each.filter_map(|&way| Some((way, Schedule::new(collective, way, nodes.len())?)))
            .collect()
    };
    let mut ways = able(&allowed);
    if ways.is_empty() && algorithm.is_none() {
        ways = able(&Algorithm::ALL);
    }
    for (way, schedule) in &ways {
        for protocol in protocols {
            let (time, closed) = timed(topology, schedule, nodes, bytes, protocol)?;
            let time = library.call + protocol.call + time;
            if best.as_ref().is_none_or(|best| time < best.time) {
                best = Some(Plan {
                    algorithm: *way,
                    protocol: protocol.name.clone(),
                    time,
                    closed,
                    sent_bytes: schedule.sent(bytes),
                });
            }
        }
    }
    best.ok_or_else(|| {
        let named = algorithm.map_or("none", Algorithm::name);
        let able = Algorithm::ALL
            .iter()
            .filter(|&&way| Schedule::new(collective, way, nodes.len()).is_some())
            .map(|way| way.name())
            .collect::<Vec<_>>()
            .join(", ");
        LinkError::Collective {
            rule: format!(
                "algorithm '{named}' has no {}; there are {able}",
                collective.name()
            ),
        }
    })
}

fn timed(
    topology: &Arc<Topology>,
    schedule: &Schedule,
    nodes: &[NodeId],
    bytes: u64,
    protocol: &Protocol,
) -> Result<(Ps, bool), LinkError> {
    let sizes = (bytes, protocol.step);
    let wire = |bytes| protocol.wire(bytes);
    if let Some(time) = closed_form(topology, schedule, nodes, sizes, wire)? {
        return Ok((time, true));
    }
    let mut network = Network::new(Arc::clone(topology));
    let time = execute(&mut network, Ps::ZERO, schedule, nodes, sizes, wire)?;
    Ok((time, false))
}
