//! Rows about the channel of the NeuPIMs artifact. A row says by its `kind` what was run; every kind
//! is a variant of [`NewtonCase`] and an entry of `KINDS`.

use super::cells::{Cells, Row};
use super::compare::compare_figures;
use super::neupims::{self, ArtifactCase};
use super::table::TableError;
use crate::dram::bank_queues::RefreshOrder;
use crate::dram::{NoObserver, Standard};
use crate::neupims::Request;
use crate::neupims::RowError;
use crate::pim::newton::{Newton, Pace, Parameters, Refused, Tiles};
use crate::record::validation::ValidationRow;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a row cannot be run.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum NewtonError {
    /// The part is none of this channel.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// What the row asks for cannot be run.
    #[error(transparent)]
    Row(#[from] RowError),
}

/// What the rows of a table run.
#[derive(Debug, Clone, PartialEq)]
pub enum NewtonCase {
    /// Tiles on one channel.
    Tiles {
        /// The tiles.
        tiles: Tiles,
        /// Whether ranks are refreshed.
        refresh: RefreshOrder,
    },
    /// An operator or a stage of the whole artifact.
    Artifact(ArtifactCase),
}

/// A recorded figure: its column, value and digits after the point.
pub type Recorded = (&'static str, f64, usize);

/// A row of a table: what to run, and what came out there.
#[derive(Debug, Clone, PartialEq)]
pub struct NewtonRow {
    /// Line of the table.
    pub line: u64,
    /// Simulator.
    pub simulator: String,
    /// Its configuration.
    pub config: String,
    /// What was run.
    pub case: NewtonCase,
    /// Figures given.
    pub figures: Vec<Recorded>,
}

/// Batches that recorded iterations may have had, by their number of requests.
pub type Batches = BTreeMap<u64, Vec<Request>>;

/// Reads a row, with those read before it; `None` where nothing is recorded.
type Reader = fn(&Row<'_>, &[NewtonRow], &Batches) -> Result<Option<NewtonRow>, TableError>;

/// Kinds of rows, and what reads them.
fn kinds() -> Vec<(&'static str, Reader)> {
    let mut kinds: Vec<(&str, Reader)> = vec![("tiles", |row, _, _| tiles(row).map(Some))];
    kinds.extend(neupims::KINDS.map(|kind| (kind, neupims::read as Reader)));
    kinds
}

const YES_NO: [(&str, bool); 2] = [("no", false), ("yes", true)];

/// The rows of a table, every one understood. Operators of a named model ran behind the attention of
/// their batch, where `batches` has it.
pub fn newton_rows(table: &Cells, batches: &Batches) -> Result<Vec<NewtonRow>, TableError> {
    let kinds = kinds();
    let mut rows = Vec::new();
    for row in table.rows() {
        let read = row.one_of("kind", &kinds)?;
        rows.extend(read(&row, &rows, batches)?);
    }
    if rows.is_empty() {
        return Err(TableError {
            origin: table.origin.clone(),
            line: 1,
            column: "(whole table)".to_owned(),
            rule: "no row has a figure to compare".to_owned(),
            nearest: None,
        });
    }
    Ok(rows)
}

fn tiles(row: &Row<'_>) -> Result<NewtonRow, TableError> {
    let order = [("off", RefreshOrder::Off), ("on", RefreshOrder::Staggered)];
    let mut figures = Vec::new();
    for column in ["first_result", "row_ticks", "total_ticks"] {
        if let Some((value, digits)) = row.figure(column)? {
            figures.push((column, value, digits));
        }
    }
    if figures.is_empty() {
        return Err(row.fault("(whole row)", "has no figure to compare".to_owned()));
    }
    let tiles = Tiles {
        count: row.whole("rows", (1, 30_000))?,
        read_outs: row.whole("read_outs", (1, 1024))?,
        comps: row.whole("comps", (1, 32))?,
        same_row: row.one_of("same_row", &YES_NO)?,
        gwrite: row.one_of("gwrite", &YES_NO)?,
    };
    Ok(NewtonRow {
        line: row.line,
        simulator: row.need("simulator")?.to_owned(),
        config: row.need("config")?.to_owned(),
        case: NewtonCase::Tiles {
            tiles,
            refresh: row.one_of("refresh", &order)?,
        },
        figures,
    })
}

impl NewtonRow {
    /// Runs the row on the part that stands for its configuration.
    pub fn run(&self, standard: &Standard) -> Result<ValidationRow, NewtonError> {
        match &self.case {
            NewtonCase::Tiles { tiles, refresh } => Ok(self.run_tiles(standard, *tiles, *refresh)?),
            NewtonCase::Artifact(case) => case.run(self, standard),
        }
    }

    fn run_tiles(
        &self,
        standard: &Standard,
        tiles: Tiles,
        refresh: RefreshOrder,
    ) -> Result<ValidationRow, Refused> {
        let parameters = Parameters {
            refresh,
            ..Parameters::default()
        };
        let mut channel = Newton::new(standard, parameters)?;
        let pace = tiles.run(&mut channel, &mut NoObserver);
        let ours = |column: &str| pace.and_then(|pace| figure(column, tiles, &pace));
        let Tiles {
            count,
            read_outs,
            comps,
            ..
        } = tiles;
        let rows = if tiles.same_row {
            "one row"
        } else {
            "new rows"
        };
        let vector = if tiles.gwrite { ", GWRITE" } else { "" };
        let refreshed = if refresh == RefreshOrder::Off {
            ", no refresh"
        } else {
            ""
        };
        let (error, worst, differing) = compare_figures(&self.figures, ours);
        Ok(ValidationRow {
            line: self.line,
            simulator: self.simulator.clone(),
            config: self.config.clone(),
            part: standard.name.clone(),
            workload: format!("{count} x {read_outs} x {comps}, {rows}{vector}{refreshed}"),
            channels: 1,
            requests: pace.map_or(0, |pace| pace.transactions),
            error,
            worst,
            energy_error: None,
            differing,
            die_row_ticks: None,
        })
    }
}

fn figure(column: &str, tiles: Tiles, pace: &Pace) -> Option<f64> {
    match column {
        "first_result" => Some(pace.first_result as f64),
        "total_ticks" => Some(pace.total as f64),
        "row_ticks" => {
            let rows = tiles.count.checked_sub(1).filter(|rows| *rows > 0)?;
            Some((pace.last_tile - pace.first_result) as f64 / f64::from(rows))
        }
        _ => None,
    }
}
