//! The suite `npu`: products and layers as SCALE-Sim, ONNXim and LLMCompass ran them.

use super::{exceeded, reference};
use crate::cli::npu::ValidateNpuArguments;
use crate::diagnostics::Failure;
use crate::host::Host;
use crate::output;
use memwall_reports::table;
use memwall_sim::npu::Utilisation;
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::npu_validation::{
    Kind, KindSummary, NpuValidationRecord, NpuValidationRow,
};
use memwall_sim::validation::npu::{NpuCase, NpuRow, npu_rows};
use memwall_sim::validation::{Cells, summary};
use rayon::prelude::*;
use std::path::Path;

/// The table that the program carries.
const EMBEDDED: (&str, &str) = (
    "tests/reference/npu.tsv",
    include_str!("../../tests/reference/npu.tsv"),
);

pub(crate) fn npu(arguments: &ValidateNpuArguments) -> Result<(), Failure> {
    Host::start(arguments.comparison.threads);
    let (origin, text) = reference(arguments.reference.as_deref(), EMBEDDED)?;
    // All rows are understood before the first is run.
    let rows = npu_rows(&Cells::parse(&origin, &text)?)?;
    let rows: Vec<NpuValidationRow> = rows.par_iter().map(run).collect();
    let record = record(&origin, &text, rows);
    if arguments.comparison.json {
        output::print_json(&record)?;
    } else {
        let shown = format!("{origin}\n\n{}\n", table::npu_validation(&record));
        output::print(&(shown + &table::npu_validation_summary(&record)))?;
    }
    let error = record.error.unwrap_or_default();
    let exceeded = exceeded(&arguments.comparison, &error);
    if exceeded.is_empty() {
        return Ok(());
    }
    Err(Failure::Check(exceeded))
}

fn run(row: &NpuRow) -> NpuValidationRow {
    match &row.case {
        NpuCase::Onnxim { .. } => NpuValidationRow {
            kind: Kind::Unsupported,
            note: Some("no machine here runs it".to_owned()),
            ..row.run()
        },
        NpuCase::ScaleSim(..) | NpuCase::LlmCompass(_) => row.run(),
    }
}

fn record(origin: &str, text: &str, rows: Vec<NpuValidationRow>) -> NpuValidationRecord {
    let errors = |wanted: &dyn Fn(Kind) -> bool| {
        let rows = rows.iter().filter(|row| wanted(row.kind));
        summary(rows.filter_map(|row| row.error))
    };
    let kinds = Kind::NAMES.iter().filter_map(|&(_, kind)| {
        let count = rows.iter().filter(|row| row.kind == kind).count() as u64;
        (count > 0).then(|| KindSummary {
            kind,
            rows: count,
            counts: kind.counts(),
            error: errors(&|of| of == kind),
        })
    });
    NpuValidationRecord {
        schema_version: SCHEMA_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: "npu".to_owned(),
        reference: Path::new(origin)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        digest: blake3::hash(text.as_bytes()).to_hex().to_string(),
        kinds: kinds.collect(),
        error: errors(&Kind::counts),
        definitions: Utilisation::DEFINITIONS
            .map(|(name, meaning)| (name.to_owned(), meaning.to_owned()))
            .to_vec(),
        rows,
    }
}
