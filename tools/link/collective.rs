//! `memwall link allreduce` and `memwall link collective`.

use super::load;
use crate::cli::link::CollectiveArguments;
use crate::diagnostics::Failure;
use crate::output;
use memwall_reports::table;
use memwall_sim::link::collective::{Algorithm, Collective, plan};
use memwall_sim::metrics::link::way;
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::link::CollectiveRecord;

pub(crate) fn collective(
    collective: Collective,
    arguments: &CollectiveArguments,
) -> Result<(), Failure> {
    if let Some(out) = &arguments.out {
        output::check_folder(out)?;
    }
    let topology = load(&arguments.topology)?;
    let all = topology.devices().len() as u64;
    let ranks = topology.ranks(arguments.devices.unwrap_or(all))?;
    let of = |algorithm| plan(&topology, &ranks, collective, arguments.bytes, algorithm);
    let figures = |plan| way(&plan, collective, arguments.bytes, ranks.len());
    let chosen = figures(of(arguments.algorithm.algorithm())?);
    let ways = Algorithm::ALL
        .into_iter()
        .filter_map(|algorithm| of(Some(algorithm)).ok().map(figures));
    let record = CollectiveRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        topology: topology.name.clone(),
        collective: collective.name().to_owned(),
        devices: ranks.iter().map(|&rank| topology.name_of(rank)).collect(),
        bytes: arguments.bytes,
        chosen,
        ways: ways.collect(),
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
