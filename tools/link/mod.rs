//! `memwall link`: topologies, transfers and collectives.

mod collective;
mod transfer;

use crate::cli::link::{LinkArguments, LinkCommand, TopologyArguments};
use crate::diagnostics::Failure;
use crate::embedded::{Embedded, settings, topology};
use crate::output;
use memwall_reports::table;
use memwall_sim::link::Standard;
use memwall_sim::link::collective::Collective;
use memwall_sim::link::topology::Topology;
use memwall_sim::machine::{PartSource, load_topology};
use memwall_sim::metrics;
use serde::Serialize;
use std::fmt::Write;
use std::sync::Arc;

#[derive(Serialize)]
struct Lists {
    topologies: Vec<Listed>,
    standards: Vec<StandardListed>,
}

#[derive(Serialize)]
struct Listed {
    name: String,
    description: String,
}

/// A standard at its full width.
#[derive(Serialize)]
struct StandardListed {
    name: String,
    widths: String,
    /// Of the least width, after line encoding.
    raw_gb_per_s: f64,
    /// The same, payload of whole packets.
    payload_gb_per_s: f64,
}

pub(crate) fn link(arguments: &LinkArguments) -> Result<(), Failure> {
    match &arguments.command {
        LinkCommand::List { json } => list(*json),
        LinkCommand::Show { topology } => show(topology),
        LinkCommand::Transfer(arguments) => transfer::transfer(arguments),
        LinkCommand::Allreduce(arguments) => {
            collective::collective(Collective::AllReduce, arguments)
        }
        LinkCommand::Collective {
            collective,
            arguments,
        } => collective::collective((*collective).into(), arguments),
    }
}

fn load(arguments: &TopologyArguments) -> Result<Arc<Topology>, Failure> {
    topology(&arguments.topology, &settings(&arguments.settings)?)
}

fn list(json: bool) -> Result<(), Failure> {
    let mut topologies = Vec::new();
    for name in Embedded.topology_names() {
        let description = load_topology(&Embedded, &name, &[])?.description.clone();
        topologies.push(Listed { name, description });
    }
    let standards = Standard::ALL.iter().map(|(name, standard)| {
        let raw = standard.bytes_per_s(1);
        StandardListed {
            name: (*name).to_owned(),
            widths: standard.widths().to_owned(),
            raw_gb_per_s: raw as f64 / 1e9,
            payload_gb_per_s: standard.framing().payload_rate(raw) as f64 / 1e9,
        }
    });
    let lists = Lists {
        topologies,
        standards: standards.collect(),
    };
    if json {
        return output::print_json(&lists);
    }
    let mut text = "topologies\n".to_owned();
    for entry in &lists.topologies {
        let _ = writeln!(text, "  {:<20} {}", entry.name, entry.description);
    }
    text.push_str("standards, a lane or link in each direction\n");
    for entry in &lists.standards {
        let _ = writeln!(
            text,
            "  {:<20} {:>7.3} GB/s raw, {:>7.3} of payload; {}",
            entry.name, entry.raw_gb_per_s, entry.payload_gb_per_s, entry.widths
        );
    }
    output::print(&text)
}

fn show(arguments: &TopologyArguments) -> Result<(), Failure> {
    let record = metrics::link::topology(&*load(arguments)?)?;
    if arguments.json {
        return output::print_json(&record);
    }
    output::print(&table::topology(&record))
}
