//! `memwall validate`: our figures against recorded figures of reference simulators.

mod dram;
pub(crate) mod gpu;
mod newton;
mod npu;
mod pim_attention;

use crate::cli::memory::{ComparisonArguments, Suite, ValidateArguments};
use crate::diagnostics::Failure;
use crate::output;
use memwall_reports::table;
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::validation::{ErrorSummary, ValidationRecord, ValidationRow};
use memwall_sim::validation::summary;
use std::fmt::Write;
use std::path::Path;

pub(crate) fn validate(arguments: &ValidateArguments) -> Result<(), Failure> {
    match &arguments.suite {
        Suite::Dram(arguments) => dram::dram(arguments),
        Suite::PimAttention(arguments) => pim_attention::pim_attention(arguments),
        Suite::Newton(arguments) => newton::newton(arguments),
        Suite::Gpu(arguments) => gpu::gpu(arguments),
        Suite::Npu(arguments) => npu::npu(arguments),
    }
}

/// Name and text of a table: the file named, or the embedded one.
fn reference(
    path: Option<&Path>,
    (name, embedded): (&str, &str),
) -> Result<(String, String), Failure> {
    match path {
        None => Ok((name.to_owned(), embedded.to_owned())),
        Some(path) => Ok((path.display().to_string(), read(path)?)),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::input(format!("{}: cannot be read: {error}", path.display())))
}

/// Prints the comparison and checks its limits.
fn finish(
    suite: &str,
    origin: &str,
    text: &str,
    rows: Vec<ValidationRow>,
    arguments: &ComparisonArguments,
) -> Result<(), Failure> {
    let record = record(suite, origin, text, rows)?;
    let exceeded = exceeded(arguments, Some(&record.error));
    if arguments.json {
        output::print_json(&record)?;
    } else {
        let mut shown = format!("{origin}\n\n{}\n", table::validation(&record));
        shown.push_str(&table::validation_summary(&record));
        output::print(&shown)?;
    }
    if exceeded.is_empty() {
        return Ok(());
    }
    Err(Failure::Check(exceeded))
}

fn record(
    suite: &str,
    origin: &str,
    text: &str,
    rows: Vec<ValidationRow>,
) -> Result<ValidationRecord, Failure> {
    let nothing = || Failure::input(format!("{origin}: no row of this table can be compared"));
    Ok(ValidationRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: suite.to_owned(),
        reference: Path::new(origin)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        digest: blake3::hash(text.as_bytes()).to_hex().to_string(),
        error: summary(rows.iter().map(|row| row.error)).ok_or_else(nothing)?,
        energy_error: summary(rows.iter().filter_map(|row| row.energy_error)),
        rows,
    })
}

/// What the limits say. Where nothing was compared no limit is kept.
fn exceeded(arguments: &ComparisonArguments, error: Option<&ErrorSummary>) -> String {
    let mut text = String::new();
    for (name, limit, found) in [
        (
            "--max-median",
            arguments.max_median,
            error.map(|error| error.median),
        ),
        ("--max-p95", arguments.max_p95, error.map(|error| error.p95)),
        (
            "--max-worst",
            arguments.max_worst,
            error.map(|error| error.worst),
        ),
    ] {
        let Some(limit) = limit else {
            continue;
        };
        match found.map(|found| 100.0 * found) {
            None => {
                let _ = writeln!(text, "{name} {limit}: nothing was compared");
            }
            Some(found) if found > limit => {
                let _ = writeln!(text, "{name} {limit}: the error is {found:.4} %");
            }
            Some(_) => {}
        }
    }
    text
}
