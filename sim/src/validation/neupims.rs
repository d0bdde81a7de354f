//! Rows about whole runs of the NeuPIMs artifact: attention in the banks, operators of the arrays,
//! stages with both. Rows that were recorded in one run share one here.

use super::cells::Row;
use super::compare::compare_figures;
use super::newton::{Batches, NewtonCase, NewtonError, NewtonRow};
use super::table::TableError;
use crate::dram::Standard;
use crate::neupims::{self, CHANNELS, Job, LINE_BYTES, RowError, Run, Workload};
use crate::pim::newton::{Newton, Parameters};
use crate::record::validation::ValidationRow;
use std::sync::{Arc, OnceLock};

/// Kinds of rows.
pub(super) const KINDS: [&str; 6] = [
    "pim_logit",
    "pim_attend",
    "alone",
    "concurrent",
    "gemm",
    "vector",
];

/// The artifact's configuration of two row buffers, the only one whose runs its tables hold.
const CONFIG: &str = "HBM2_8Gb_x128_dualpim";

/// A row, and the run that it is a figure of.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactCase {
    job: Job,
    /// How the table names it.
    what: String,
    run: Arc<SharedRun>,
}

#[derive(Debug, PartialEq)]
struct SharedRun {
    workload: Workload,
    run: OnceLock<Result<Run, RowError>>,
}

/// Reads a row; `None` where the recorded run did not end. `known` are the rows read so far.
pub(super) fn read(
    row: &Row<'_>,
    known: &[NewtonRow],
    batches: &Batches,
) -> Result<Option<NewtonRow>, TableError> {
    let mut figures = Vec::new();
    for column in ["measured_cycles", "read_bytes", "write_bytes"] {
        if let Some((value, digits)) = row.figure(column)? {
            figures.push((column, value, digits));
        }
    }
    if !figures
        .iter()
        .any(|(column, ..)| *column == "measured_cycles")
    {
        return Ok(None);
    }
    let (kind, case, params) = (row.need("kind")?, row.need("case")?, row.need("params")?);
    // Operators of models without a name ("E1024") were recorded on a machine with nothing else to
    // do, those of named ones within an iteration.
    let rows = ["M=", "rows="].into_iter().find_map(|key| {
        let mut words = params.split_whitespace();
        words.find_map(|word| word.strip_prefix(key)?.parse().ok())
    });
    let named = !case.starts_with('E');
    let batch = rows
        .filter(|_| named)
        .and_then(|rows: u64| batches.get(&rows));
    let columns = neupims::Row {
        kind,
        case,
        params,
        note: row.get("note").unwrap_or_default(),
        batch: batch.map_or(&[], Vec::as_slice),
    };
    let job = Job::new(&columns).map_err(|error| row.fault("params", error.to_string()))?;
    let same = known.iter().find_map(|row| match &row.case {
        NewtonCase::Artifact(case) if case.job.workload == job.workload => Some(&case.run),
        _ => None,
    });
    let run = same.cloned().unwrap_or_else(|| {
        Arc::new(SharedRun {
            workload: job.workload.clone(),
            run: OnceLock::new(),
        })
    });
    // What stages hold is the same for all their rows, and long.
    let what = match kind {
        "concurrent" | "alone" => format!("{kind} {case}"),
        _ => format!("{kind} {case}, {params}"),
    };
    Ok(Some(NewtonRow {
        line: row.line,
        simulator: "NeuPIMs".to_owned(),
        config: CONFIG.to_owned(),
        case: NewtonCase::Artifact(ArtifactCase { job, what, run }),
        figures,
    }))
}

impl ArtifactCase {
    /// Runs the row, unless a row of the same run has done it.
    pub(super) fn run(
        &self,
        row: &NewtonRow,
        standard: &Standard,
    ) -> Result<ValidationRow, NewtonError> {
        // Refused here, a part cannot be refused below.
        let idle = Newton::new(standard, Parameters::default())?;
        let run = self
            .run
            .run
            .get_or_init(|| self.run.workload.run(|| idle.clone()));
        let run = run.as_ref().map_err(Clone::clone)?;
        let recorded = row
            .figures
            .iter()
            .find(|(column, ..)| *column == "measured_cycles");
        let recorded = recorded.map(|(_, cycles, _)| *cycles as u64);
        let cycles = self.job.cycles(run, recorded)?;
        let operator = self.job.operator(run, recorded);
        let ours = |column: &str| match column {
            "measured_cycles" => Some(cycles as f64),
            "read_bytes" => operator.map(|log| log.read_bytes as f64),
            "write_bytes" => operator.map(|log| log.write_bytes as f64),
            _ => None,
        };
        let operators = run.stages.iter().flat_map(|stage| &stage.operators);
        let bytes: u64 = operators.map(|log| log.read_bytes + log.write_bytes).sum();
        let (error, worst, differing) = compare_figures(&row.figures, ours);
        Ok(ValidationRow {
            line: row.line,
            simulator: row.simulator.clone(),
            config: row.config.clone(),
            part: standard.name.clone(),
            workload: self.what.clone(),
            channels: CHANNELS as u64,
            requests: bytes / LINE_BYTES,
            error,
            worst,
            energy_error: None,
            differing,
            die_row_ticks: None,
        })
    }
}
