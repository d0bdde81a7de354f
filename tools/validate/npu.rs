//! The suite `npu`: products and layers as SCALE-Sim, ONNXim and LLMCompass ran them.

use super::{exceeded, reference};
use crate::cli::npu::ValidateNpuArguments;
use crate::diagnostics::Failure;
use crate::embedded::{machine, onnxim};
use crate::host::Host;
use crate::output;
use memwall_reports::table;
use memwall_sim::exec::{Fidelity, product};
use memwall_sim::metrics;
use memwall_sim::npu::{Gemm, Resident, Utilisation};
use memwall_sim::record::SCHEMA_VERSION;
use memwall_sim::record::npu_validation::{
    Kind, KindSummary, NpuValidationRecord, NpuValidationRow,
};
use memwall_sim::validation::npu::{NpuCase, NpuRow, Work, npu_rows};
use memwall_sim::validation::{Cells, onnxim_figure, run_onnxim, summary};
use rayon::prelude::*;
use std::fmt::Write as _;
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
    let ran: Vec<Result<NpuValidationRow, Failure>> = rows
        .par_iter()
        .map(|row| {
            let physical = match row.case {
                NpuCase::LlmCompass(_) => true,
                NpuCase::ScaleSim(..) | NpuCase::Onnxim { .. } => arguments.machines,
            };
            let machine = if physical { on_machine(row)? } else { None };
            let mut ran = run(row, machine.as_ref());
            ran.machine = machine;
            Ok(ran)
        })
        .collect();
    let rows = ran.into_iter().collect::<Result<Vec<_>, _>>()?;
    let record = record(&origin, &text, rows);
    if arguments.comparison.json {
        output::print_json(&record)?;
    } else {
        let shown = format!("{origin}\n\n{}\n", table::npu_validation(&record));
        output::print(&(shown + &table::npu_validation_summary(&record)))?;
    }
    // Each kind by itself: many rows of one must not hide those of another.
    let mut text = String::new();
    if !record.kinds.iter().any(|kind| kind.counts) {
        text.push_str(&exceeded(&arguments.comparison, None));
    }
    for of in record.kinds.iter().filter(|kind| kind.counts) {
        let found = exceeded(&arguments.comparison, of.error.as_ref());
        for line in found.lines() {
            let _ = writeln!(text, "{}: {line}", of.kind.name());
        }
    }
    if text.is_empty() {
        return Ok(());
    }
    Err(Failure::Check(text))
}

/// A row on what stands for its simulator. Nothing does for LLMCompass: its rows are set beside our
/// machine of that shape.
fn run(row: &NpuRow, machine: Option<&(String, u64)>) -> NpuValidationRow {
    match (&row.case, machine) {
        (NpuCase::Onnxim { cores, side, work }, _) => on_twin(row, *cores, *side, work),
        (NpuCase::LlmCompass(_), Some(&(_, cycles))) => {
            row.compare(|column| (column == "cycles").then_some(cycles as f64))
        }
        (NpuCase::ScaleSim(..) | NpuCase::LlmCompass(_), _) => row.run(),
    }
}

/// A row of ONNXim, on its twin.
fn on_twin(row: &NpuRow, cores: u64, side: u64, work: &Work) -> NpuValidationRow {
    let ran = onnxim(cores, side)
        .map_err(|error| error.to_string())
        .and_then(|machine| Ok((run_onnxim(&machine, work)?, machine)));
    match ran {
        Ok((report, machine)) => row.compare(|column| onnxim_figure(&machine, &report, column)),
        Err(why) => NpuValidationRow {
            kind: Kind::Unsupported,
            note: Some(why),
            ..row.run()
        },
    }
}

/// Machines of ours of the shape of a configuration.
const MACHINES: [(&str, &str); 2] = [("O-4x128", "tpuv4-like"), ("L-A100", "llmcompass-a100")];

/// Cycles of a product on the machine of its configuration, and the name of that.
fn on_machine(row: &NpuRow) -> Result<Option<(String, u64)>, Failure> {
    let known = MACHINES
        .iter()
        .find(|(config, _)| *config == row.shown.config);
    let (Some((_, name)), Some(work)) = (known, row.case.product()) else {
        return Ok(None);
    };
    let machine = machine(name, &[])?;
    let gemm = Gemm {
        m: work.m,
        k: work.k,
        n: work.n,
        element: FP16,
    };
    let single = product(
        &machine,
        &gemm,
        Resident::default(),
        None,
        Fidelity::Command,
    )?;
    let (_, result) = metrics::gemm::result(&machine, &gemm, &single);
    Ok(result.cycles.map(|cycles| ((*name).to_owned(), cycles)))
}

/// Bytes of an element in both simulators' configurations.
const FP16: u64 = 2;

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
