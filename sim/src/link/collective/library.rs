//! What a communication library makes of a collective: the algorithm and the protocol that its
//! own estimate finds fastest, and a fixed time for the call.

use super::closed::{Routes, by_routes};
use super::{Algorithm, Collective, Schedule, execute};
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

/// A collective by one algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Algorithm.
    pub algorithm: Algorithm,
    /// Whether the topology's library has it.
    pub offered: bool,
    /// With its fastest protocol, or why its time cannot be found.
    pub plan: Result<Plan, LinkError>,
}

/// Plans a collective of `bytes` a rank over `nodes`: with `algorithm`, or the fastest of those
/// that the topology's library has. Equal times go to the first.
///
/// # Errors
/// Fewer than two ranks, no route between two of them, an algorithm that has no such collective, or
/// a time beyond what is simulated.
pub fn plan(
    topology: &Arc<Topology>,
    nodes: &[NodeId],
    collective: Collective,
    bytes: u64,
    algorithm: Option<Algorithm>,
) -> Result<Plan, LinkError> {
    let wanted = match algorithm {
        Some(named) => vec![named],
        None => offered(topology, collective),
    };
    choose(
        plans(topology, nodes, collective, bytes, &wanted)?,
        collective,
        algorithm,
    )
}

/// The fastest of what was planned, all of which may be chosen.
///
/// # Errors
/// There is none.
pub fn choose(
    planned: Vec<Planned>,
    collective: Collective,
    algorithm: Option<Algorithm>,
) -> Result<Plan, LinkError> {
    let mut refused = None;
    let mut best: Option<Plan> = None;
    for way in planned {
        match way.plan {
            Ok(plan) if best.as_ref().is_none_or(|best| plan.time < best.time) => {
                best = Some(plan);
            }
            Ok(_) => {}
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match (best, refused) {
        (Some(best), _) => Ok(best),
        (None, Some(error)) => Err(error),
        (None, None) => {
            let named = algorithm.map_or("none", Algorithm::name);
            let able = Algorithm::ALL.iter();
            let able: Vec<&str> = able
                .filter(|&&way| Schedule::new(collective, way, 2).is_some())
                .map(|way| way.name())
                .collect();
            let rule = format!(
                "algorithm '{named}' has no {}; there are {}",
                collective.name(),
                able.join(", ")
            );
            Err(LinkError::Collective { rule })
        }
    }
}

/// A collective by each of `algorithms` that has it.
///
/// # Errors
/// Fewer than two ranks.
pub fn plans(
    topology: &Arc<Topology>,
    nodes: &[NodeId],
    collective: Collective,
    bytes: u64,
    algorithms: &[Algorithm],
) -> Result<Vec<Planned>, LinkError> {
    if nodes.len() < 2 {
        let rule = format!(
            "a collective needs two devices or more, not {}",
            nodes.len()
        );
        return Err(LinkError::Collective { rule });
    }
    let offered = offered(topology, collective);
    let mut routes = Routes::new(topology, nodes);
    let mut all = Vec::new();
    for &algorithm in algorithms {
        if let Some(schedule) = Schedule::new(collective, algorithm, nodes.len()) {
            let way = (algorithm, bytes);
            all.push(Planned {
                algorithm,
                offered: offered.contains(&algorithm),
                plan: of_schedule(topology, &mut routes, &schedule, nodes, way),
            });
        }
    }
    Ok(all)
}

/// Algorithms that the library of a topology has for a collective; of a collective that they lack,
/// any other may serve.
fn offered(topology: &Topology, collective: Collective) -> Vec<Algorithm> {
    let listed = &topology.library.algorithms;
    let is_able = |way: &&Algorithm| Schedule::new(collective, **way, 2).is_some();
    let able: Vec<Algorithm> = listed.iter().filter(is_able).copied().collect();
    if able.is_empty() {
        return Algorithm::ALL.to_vec();
    }
    able
}

fn of_schedule(
    topology: &Arc<Topology>,
    routes: &mut Routes<'_>,
    schedule: &Schedule,
    nodes: &[NodeId],
    (way, bytes): (Algorithm, u64),
) -> Result<Plan, LinkError> {
    let library = &topology.library;
    let plain = [Protocol::plain()];
    let protocols = if library.protocols.is_empty() {
        &plain[..]
    } else {
        &library.protocols
    };
    let mut best: Option<Plan> = None;
    for protocol in protocols {
        let sizes = (bytes, protocol.step);
        let wire = |bytes| protocol.wire(bytes);
        let found = by_routes(routes, schedule, sizes, wire)?;
        let closed = found.is_some();
        let time = if let Some(time) = found {
            time
        } else {
            let mut network = Network::new(Arc::clone(topology));
            execute(&mut network, Ps::ZERO, schedule, nodes, sizes, wire)?
        };
        let time = library.call + protocol.call + time;
        if best.as_ref().is_none_or(|best| time < best.time) {
            best = Some(Plan {
                algorithm: way,
                protocol: protocol.name.clone(),
                time,
                closed,
                sent_bytes: schedule.sent(bytes),
            });
        }
    }
    // Times add up to the end of simulated time and stay there.
    best.filter(|plan| plan.time < Ps::END)
        .ok_or(LinkError::Endless)
}
