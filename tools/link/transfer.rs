//! `memwall link transfer`: one transfer, alone or beside others.

use super::load;
use crate::cli::link::TransferArguments;
use crate::diagnostics::Failure;
use crate::output;
use memwall_reports::table;
use memwall_sim::link::LinkError;
use memwall_sim::link::network::{Network, Transfer, TransferId};
use memwall_sim::link::topology::Topology;
use memwall_sim::metrics;
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::link::{LinkUseRecord, TransferRecord, TransferResult};
use memwall_sim::time::Ps;
use std::sync::Arc;

pub(crate) fn transfer(arguments: &TransferArguments) -> Result<(), Failure> {
    if let Some(out) = &arguments.out {
        output::check_folder(out, &["transfer.json"])?;
    }
    let topology = load(&arguments.topology)?;
    let main = Transfer::new(
        topology.node(&arguments.from)?,
        topology.node(&arguments.to)?,
        arguments.bytes,
    );
    let mut all = vec![(Ps::from_ns(arguments.at_ns), main)];
    for beside in &arguments.beside {
        let (from, to) = (topology.node(&beside.from)?, topology.node(&beside.to)?);
        let transfer = Transfer {
            class: beside.class,
            chunk: beside.chunk,
            ..Transfer::new(from, to, beside.bytes)
        };
        all.push((Ps::ZERO, transfer));
    }
    let record = run(&topology, &all)?;
    if let Some(out) = &arguments.out {
        output::folder(out)?;
        output::write_json(&out.join("transfer.json"), &record)?;
    }
    if arguments.topology.json {
        return output::print_json(&record);
    }
    output::print(&table::transfers(&record))
}

fn run(topology: &Arc<Topology>, all: &[(Ps, Transfer)]) -> Result<TransferRecord, Failure> {
    let mut network = Network::new(Arc::clone(topology));
    // Submission is in order of time; ids say which is which.
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&index| all[index].0);
    let mut ids: Vec<(TransferId, usize)> = Vec::new();
    for index in order {
        let (at, transfer) = all[index];
        ids.push((network.submit(at, transfer)?, index));
    }
    let mut arrived = vec![None; all.len()];
    for done in network.drain() {
        for &(id, index) in &ids {
            if id == done.id {
                arrived[index] = Some(done.at);
            }
        }
    }
    let mut transfers = Vec::new();
    for (&(at, transfer), &end) in all.iter().zip(&arrived) {
        let end = end.ok_or(LinkError::Endless)?;
        let route = topology.route(transfer.from, transfer.to)?;
        let mut alone = Network::new(Arc::clone(topology));
        alone.submit(Ps::ZERO, transfer)?;
        let alone = alone.drain().last().map(|done| done.at);
        let alone = alone.ok_or(LinkError::Endless)?;
        let micro = |time: Ps| time.0 as f64 / 1e6;
        let time = end.since(at);
        transfers.push(TransferResult {
            route: metrics::link::route(topology, transfer.from, transfer.to, &route),
            bytes: transfer.bytes,
            class: transfer.class,
            submitted_us: micro(at),
            arrived_us: micro(end),
            time_us: micro(time),
            gb_per_s: transfer.bytes as f64 / (time.0 as f64 / 1e3),
            alone_us: micro(alone),
        });
    }
    let links = topology
        .edges()
        .iter()
        .zip(network.carried())
        .filter(|(_, bytes)| *bytes > 0)
        .map(|(edge, bytes)| LinkUseRecord {
            from: topology.name_of(edge.from),
            to: topology.name_of(edge.to),
            bytes,
        });
    Ok(TransferRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        topology: topology.name.clone(),
        transfers,
        links: links.collect(),
    })
}
