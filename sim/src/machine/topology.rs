//! From a topology file to the graph: groups become nodes, standards become rates, and what
//! contradicts itself is refused.

use super::error::ConfigError;
use super::load::{Document, PartSource, PartText, nameless};
use super::number::{Amount, Figure};
use super::raw::RawMachine;
use super::topology_raw::{RawJoin, RawTopology, Shape};
use super::{Machine, Setting};
use crate::link::collective::Protocol;
use crate::link::topology::{Join, Library, NodeId, NodeKind, Topology};
use crate::link::{Fabric, Link, Overlap};
use crate::time::Ps;
use memwall_models::spelling;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Nodes of a topology at most.
const NODES: usize = 1024;

/// Loads a topology by name, with settings applied in order.
pub fn load_topology(
    source: &dyn PartSource,
    name: &str,
    settings: &[Setting],
) -> Result<Arc<Topology>, ConfigError> {
    let Some(text) = source.topology(name) else {
        return Err(nameless("topology", name, &source.topology_names()));
    };
    load_topology_text(name, text, settings)
}

/// Loads a topology from a text.
pub fn load_topology_text(
    name: &str,
    text: PartText,
    settings: &[Setting],
) -> Result<Arc<Topology>, ConfigError> {
    let settings: Vec<&Setting> = settings.iter().collect();
    let document = Document::<RawTopology>::read(text, "", &settings)?;
    Ok(Arc::new(resolve(name, &document)?))
}

/// Gives a machine the topology that its file names.
pub(super) fn join(
    source: &dyn PartSource,
    document: &Document<RawMachine>,
    machine: &mut Machine,
) -> Result<(), ConfigError> {
    let raw = &document.raw;
    let Some(name) = &raw.topology else {
        if raw.link.is_some() && machine.link.is_none() {
            let rule = "without a 'topology', a link has bandwidth_gb_per_s and step_latency_us";
            return Err(document.fault("link", rule));
        }
        return Ok(());
    };
    let rated = |link: &super::link::RawLink| {
        link.bandwidth_gb_per_s.is_some()
            || link.step_latency_us.is_some()
            || link.all_reduce.is_some()
    };
    if raw.link.as_ref().is_some_and(rated) {
        let rule = "a machine has a 'topology' or a ring with rates in [link], not both";
        return Err(document.fault("topology", rule));
    }
    let Some(text) = source.topology(name) else {
        let names = source.topology_names();
        let rule = format!("no topology '{name}'; there are {}", names.join(", "));
        let mut error = document.fault("topology", &rule);
        error.nearest =
            spelling::nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        return Err(error);
    };
    machine.link = Some(Link {
        fabric: Fabric::Topology(load_topology_text(name, text, &[])?),
        overlap: raw
            .link
            .as_ref()
            .map_or(Overlap::None, super::link::RawLink::overlap),
        measured: None,
    });
    Ok(())
}

fn micro(figure: Figure) -> Ps {
    match figure {
        Figure::Whole(us) => Ps(us.saturating_mul(1_000_000)),
        Figure::Fraction(us) => Ps((us * 1e6).round() as u64),
    }
}

fn giga(amount: Amount) -> u64 {
    (amount.0 * 1e9).round() as u64
}

fn resolve(name: &str, document: &Document<RawTopology>) -> Result<Topology, ConfigError> {
    let raw = &document.raw;
    let mut topology = Topology::new(name, &raw.description, raw.peer_to_peer);
    let groups = nodes(document, &mut topology)?;
    for (index, join) in raw.links.iter().enumerate() {
        let at = |key: &str| format!("links.{index}.{key}");
        let (forward, backward) = rates(document, join, &at)?;
        let both = both(document, join, (forward, backward), &at)?;
        let payload = join
            .standard
            .map_or(1, |standard| standard.framing().payload);
        for (from, to) in pairs(document, join, &groups, &at)? {
            topology.join(&Join {
                from,
                to,
                forward,
                backward,
                both,
                latency: micro(join.latency_us),
                start: join.start_us.map_or(Ps::ZERO, micro),
                payload,
            });
        }
    }
    if let Some(library) = &raw.collectives {
        let mut protocols = Vec::new();
        for (index, protocol) in library.protocols.iter().enumerate() {
            if protocol.data_share.0 > 1.0 {
                let path = format!("collectives.protocols.{index}.data_share");
                return Err(document.fault(&path, "a share is at most 1"));
            }
            protocols.push(Protocol {
                name: protocol.name.clone(),
                call: micro(protocol.call_us),
                step: micro(protocol.step_us),
                data_per_mille: ((protocol.data_share.0 * 1e3).round() as u64).max(1),
            });
        }
        topology.library = Library {
            call: micro(library.call_us),
            algorithms: library.algorithms.clone(),
            protocols,
        };
    }
    Ok(topology)
}

/// Adds the nodes; returns them by the name of their group, and by their own.
fn nodes(
    document: &Document<RawTopology>,
    topology: &mut Topology,
) -> Result<BTreeMap<String, Vec<NodeId>>, ConfigError> {
    let mut groups: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
    let mut devices = 0;
    for (index, node) in document.raw.nodes.iter().enumerate() {
        let at = |key: &str| format!("nodes.{index}.{key}");
        let count = node.count.map(|count| count.0);
        if topology.nodes().len() as u64 + count.unwrap_or(1) > NODES as u64 {
            let rule = format!("a topology has at most {NODES} nodes");
            return Err(document.fault(&at("count"), &rule));
        }
        let names: Vec<String> = match count {
            None => vec![node.name.clone()],
            Some(count) => (0..count).map(|n| format!("{}{n}", node.name)).collect(),
        };
        let mut members = Vec::new();
        for name in names {
            if groups.contains_key(&name) {
                let rule = format!("there is a node or group '{name}' already");
                return Err(document.fault(&at("name"), &rule));
            }
            let id = topology.add(&name, node.kind);
            members.push(id);
            groups.insert(name, vec![id]);
        }
        if count.is_some() && groups.insert(node.name.clone(), members).is_some() {
            let rule = format!("there is a node or group '{}' already", node.name);
            return Err(document.fault(&at("name"), &rule));
        }
        devices += usize::from(node.kind == NodeKind::Device);
    }
    if devices == 0 {
        return Err(document.fault("nodes", "a topology has a node of kind 'device'"));
    }
    Ok(groups)
}

/// Rates of both directions.
fn rates(
    document: &Document<RawTopology>,
    join: &RawJoin,
    at: &impl Fn(&str) -> String,
) -> Result<(u64, u64), ConfigError> {
    let fault = |key: &str, rule: &str| Err(document.fault(&at(key), rule));
    let derived = match (join.standard, join.width, join.bandwidth_gb_per_s) {
        (Some(standard), Some(width), None) => {
            if !standard.allows(width.0) {
                return fault("width", &format!("this standard has {}", standard.widths()));
            }
            standard
                .framing()
                .payload_rate(standard.bytes_per_s(width.0))
        }
        (Some(_), None, None) => return fault("standard", "a standard needs a 'width'"),
        (None, None, Some(rate)) => giga(rate),
        (None, Some(_), _) => return fault("width", "belongs to a 'standard'"),
        _ => {
            let rule = "a link has a 'standard' with its 'width', or 'bandwidth_gb_per_s'";
            return fault("from", rule);
        }
    };
    if join.efficiency.is_some_and(|share| share.0 > 1.0) {
        return fault("efficiency", "a share is at most 1");
    }
    if join.efficiency.is_some() && join.measured_gb_per_s.is_some() {
        return fault("efficiency", "give this or 'measured_gb_per_s', not both");
    }
    if join.measured_back_gb_per_s.is_some() && join.measured_gb_per_s.is_none() {
        return fault("measured_back_gb_per_s", "belongs to 'measured_gb_per_s'");
    }
    let measured = |key: &str, value: Option<Amount>| match value {
        Some(value) if giga(value) > derived => {
            let rule = format!(
                "no payload is faster than {:.2} GB/s here",
                derived as f64 / 1e9
            );
            Err(document.fault(&at(key), &rule))
        }
        value => Ok(value.map(giga)),
    };
    let share = join
        .efficiency
        .map(|share| (derived as f64 * share.0) as u64);
    let forward = measured("measured_gb_per_s", join.measured_gb_per_s)?;
    let forward = forward.or(share).unwrap_or(derived);
    let back = measured("measured_back_gb_per_s", join.measured_back_gb_per_s)?;
    if forward == 0 {
        return fault("efficiency", "leaves less than a byte a second");
    }
    Ok((forward, back.unwrap_or(forward)))
}

fn both(
    document: &Document<RawTopology>,
    join: &RawJoin,
    (forward, backward): (u64, u64),
    at: &impl Fn(&str) -> String,
) -> Result<Option<u64>, ConfigError> {
    match (join.half_duplex, join.both_gb_per_s.map(giga)) {
        (true, Some(_)) => {
            let rule = "a half-duplex link has one rate for both directions";
            Err(document.fault(&at("both_gb_per_s"), rule))
        }
        (true, None) if forward == backward => Ok(Some(forward)),
        (true, None) => {
            let rule = "a half-duplex link has one rate for both directions";
            Err(document.fault(&at("half_duplex"), rule))
        }
        (false, Some(sum)) if sum < forward.max(backward) || sum > forward + backward => {
            let rule = "lies between the faster direction and the sum of the two";
            Err(document.fault(&at("both_gb_per_s"), rule))
        }
        (false, sum) => Ok(sum),
    }
}

fn pairs(
    document: &Document<RawTopology>,
    join: &RawJoin,
    groups: &BTreeMap<String, Vec<NodeId>>,
    at: &impl Fn(&str) -> String,
) -> Result<Vec<(NodeId, NodeId)>, ConfigError> {
    let members = |key: &str, names: &[String]| -> Result<Vec<NodeId>, ConfigError> {
        let mut found = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let Some(nodes) = groups.get(name) else {
                let rule = format!("no node or group '{name}'");
                let mut error = document.fault(&format!("{}.{index}", at(key)), &rule);
                error.nearest =
                    spelling::nearest(name, groups.keys().map(String::as_str)).map(str::to_owned);
                return Err(error);
            };
            found.extend(nodes);
        }
        Ok(found)
    };
    let (from, to) = (members("from", &join.from)?, members("to", &join.to)?);
    let same = from == to;
    let pairs: Vec<(NodeId, NodeId)> = match join.shape {
        Shape::Ring if !same || from.len() < 2 => {
            let rule = "a ring joins a group of two or more with itself";
            return Err(document.fault(&at("shape"), rule));
        }
        Shape::Ring => {
            let next = from.iter().cycle().skip(1);
            let pairs = from.iter().copied().zip(next.copied());
            // Two nodes are joined once.
            pairs
                .take(if from.len() == 2 { 1 } else { from.len() })
                .collect()
        }
        Shape::All => from
            .iter()
            .flat_map(|&a| to.iter().map(move |&b| (a, b)))
            .filter(|(a, b)| if same { a < b } else { a != b })
            .collect(),
    };
    if pairs.is_empty() {
        return Err(document.fault(&at("from"), "joins nothing"));
    }
    Ok(pairs)
}
