//! `memwall link allreduce` and `memwall link collective`.

use super::load;
use crate::cli::link::CollectiveArguments;
use crate::diagnostics::Failure;
use crate::output;
use memwall_reports::table;
use memwall_sim::link::collective::{Algorithm, Collective, Planned, choose, plans};
use memwall_sim::metrics;
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::link::CollectiveRecord;

pub(crate) fn collective(
    collective: Collective,
    arguments: &CollectiveArguments,
) -> Result<(), Failure> {
    if let Some(out) = &arguments.out {
        output::check_folder(out, &["collective.json"])?;
    }
    let topology = load(&arguments.topology)?;
    let all = topology.devices().len() as u64;
    let ranks = topology.ranks(arguments.devices.unwrap_or(all))?;
    let (bytes, asked) = (arguments.bytes, arguments.algorithm.algorithm());
    let all = plans(&topology, &ranks, collective, bytes, &Algorithm::ALL)?;
    let fits = |way: &&Planned| asked.map_or(way.offered, |asked| way.algorithm == asked);
    let chosen = choose(
        all.iter().filter(fits).cloned().collect(),
        collective,
        asked,
    )?;
    let figures = |plan, offered| metrics::link::way(plan, offered, collective, bytes, ranks.len());
    let mut left_out = Vec::new();
    let mut ways = Vec::new();
    for way in &all {
        match &way.plan {
            Ok(plan) => ways.push(figures(plan, way.offered)),
            Err(error) => left_out.push(format!("{}: {error}", way.algorithm.name())),
        }
    }
    let offered = all
        .iter()
        .any(|way| way.offered && way.algorithm == chosen.algorithm);
    let chosen = figures(&chosen, offered);
    let record = CollectiveRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        topology: topology.name.clone(),
        collective: collective.name().to_owned(),
        devices: ranks.iter().map(|&rank| topology.name_of(rank)).collect(),
        bytes: arguments.bytes,
        chosen,
        ways,
        left_out,
    };
    if let Some(out) = &arguments.out {
        output::folder(out)?;
        output::write_json(&out.join("collective.json"), &record)?;
    }
    if arguments.topology.json {
        return output::print_json(&record);
    }
    output::print(&table::collective(&record))
}
