//! The suite `newton`: each row of a table says by its kind what the published simulator of the
//! NeuPIMs channel was given; the part that stands for its configuration is given the same.

use super::{finish, reference};
use crate::cli::memory::ValidateNewtonArguments;
use crate::diagnostics::Failure;
use crate::embedded::{part, pim};
use crate::host::Host;
use crate::workload::file_name;
use memwall_models::spelling;
use memwall_sim::dram::bank_queues::RefreshOrder;
use memwall_sim::machine::Setting;
use memwall_sim::neupims::Request;
use memwall_sim::record::validation::ValidationRow;
use memwall_sim::validation::die::ticks_a_tile;
use memwall_sim::validation::{Batches, Cells, NewtonCase, NewtonRow, TableError, newton_rows};
use memwall_traces::TraceReader;
use rayon::prelude::*;
use std::path::Path;

/// The table that the program carries.
const EMBEDDED: (&str, &str) = (
    "tests/reference/newton.tsv",
    include_str!("../../tests/reference/newton.tsv"),
);

/// Configurations of the simulator, and the parts that stand for them.
const CONFIGS: [(&str, &str); 2] = [
    ("HBM2_8Gb_x128_dualpim", "newtonsim-hbm2-dual"),
    ("HBM2_8Gb_x128_singlepim", "newtonsim-hbm2-blocked"),
];

pub(crate) fn newton(arguments: &ValidateNewtonArguments) -> Result<(), Failure> {
    Host::start(arguments.comparison.threads);
    let (origin, text) = reference(arguments.reference.as_deref(), EMBEDDED)?;
    let table = Cells::parse(&origin, &text)?;
    // All rows are understood before the first is run.
    let batches = match &arguments.trace_dir {
        Some(folder) => batches(folder)?,
        None => Batches::new(),
    };
    let jobs = newton_rows(&table, &batches)?
        .into_iter()
        .map(|row| Ok((part(config(&origin, &row)?, &[])?, row)))
        .collect::<Result<Vec<_>, Failure>>()?;
    let rows = jobs
        .par_iter()
        .map(|(standard, row)| {
            let compared = row.run(standard).map_err(|rule| {
                let fault = fault(&origin, row, rule.to_string(), None);
                Failure::from(fault)
            })?;
            Ok(ValidationRow {
                die_row_ticks: die_row_ticks(row)?,
                ..compared
            })
        })
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<Vec<_>, Failure>>()?;
    finish("newton", &origin, &text, rows, &arguments.comparison)
}

/// The batches of a folder: `wN-clb.csv` holds N requests.
fn batches(folder: &Path) -> Result<Batches, Failure> {
    let unreadable = |error: std::io::Error| {
        let folder = folder.display();
        Failure::input(format!("--trace-dir {folder}: cannot be read: {error}"))
    };
    let mut batches = Batches::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = file_name(&path);
        let count = name
            .strip_prefix('w')
            .and_then(|n| n.strip_suffix("-clb.csv"));
        let Some(count) = count.and_then(|count| count.parse().ok()) else {
            continue;
        };
        let rows = TraceReader::open(&path)?.in_flight()?;
        let requests = rows
            .map(|row| {
                row.map(|row| Request {
                    channel: row.channel as usize,
                    tokens: row.context_tokens,
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        batches.insert(count, requests);
    }
    if batches.is_empty() {
        let folder = folder.display();
        let text = format!("--trace-dir {folder}: has no batches, wN-clb.csv of N requests each");
        return Err(Failure::input(text));
    }
    Ok(batches)
}

/// The device without departures that has the row buffers of a configuration.
const DIES: [(&str, &str); 2] = [
    ("HBM2_8Gb_x128_dualpim", "neupims-hbm2"),
    ("HBM2_8Gb_x128_singlepim", "newton-hbm2"),
];

/// What the tiles of a row take on a possible die.
fn die_row_ticks(row: &NewtonRow) -> Result<Option<f64>, Failure> {
    let known = DIES.iter().find(|(name, _)| *name == row.config);
    let (NewtonCase::Tiles { tiles, refresh }, Some((_, name))) = (&row.case, known) else {
        return Ok(None);
    };
    let mut settings = Vec::new();
    if *refresh == RefreshOrder::Off {
        settings.push(Setting::parse("memory.timing.t_refi_tck=1073741824")?);
    }
    let device = pim(name, &settings)?;
    Ok(ticks_a_tile(&device.memory, tiles))
}

/// The part that stands for the configuration of a row.
fn config(origin: &str, row: &NewtonRow) -> Result<&'static str, TableError> {
    let known = CONFIGS.iter().find(|(name, _)| *name == row.config);
    known.map(|(_, part)| *part).ok_or_else(|| {
        let names = CONFIGS.map(|(name, _)| name);
        let nearest = spelling::nearest(&row.config, names).map(str::to_owned);
        let rule = format!(
            "no part stands for '{}'; there are {}",
            row.config,
            names.join(", ")
        );
        fault(origin, row, rule, nearest)
    })
}

fn fault(origin: &str, row: &NewtonRow, rule: String, nearest: Option<String>) -> TableError {
    TableError {
        origin: origin.to_owned(),
        line: row.line,
        column: "config".to_owned(),
        rule,
        nearest,
    }
}
