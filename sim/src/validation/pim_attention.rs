//! Published results of attention on a stack with PIM (AttAcc) as a table, and our runs beside them.
//!
//! The results come from two controllers, which the table does not tell apart: the published one,
//! and one in which row commands wait at barriers. A row is compared with the one asked for, or with
//! both, and then belongs to the nearer; its error says which.

use super::cells::{Cells, Row};
use super::table::TableError;
use crate::dram::{Command, Standard};
use crate::pim::attacc::{Attention, Level, Parameters, Run, attention};
use crate::record::validation::{Compared, ValidationRow};

/// The controller that a row is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordedBy {
    /// The published one: row commands pass barriers.
    Published,
    /// The one before: they wait.
    Earlier,
}

impl RecordedBy {
    /// Both, with their names.
    pub const NAMES: [(&'static str, RecordedBy); 2] = [
        ("published", RecordedBy::Published),
        ("earlier", RecordedBy::Earlier),
    ];
}

/// A row of such a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttentionRow {
    /// Line of the table.
    pub line: u64,
    /// Where the multipliers are.
    pub level: Level,
    /// Whether steps keep to the stack's power budget: names the part.
    pub power_limit: bool,
    /// Heads, head size, tokens.
    pub work: Attention,
    /// Bytes of an element.
    pub element_bytes: u64,
    /// Columns to compare, with what was recorded; the cycles first.
    pub figures: Vec<(&'static str, u64)>,
}

/// Columns that say what was run; all are needed.
const KEYS: [&str; 6] = [
    "pim_type",
    "power_constraint",
    "nhead",
    "dhead",
    "dbyte",
    "L",
];
/// Columns that are compared; the first is needed.
const FIGURES: [&str; 6] = ["cycle", "mac", "softmax", "mvgb", "mvsb", "wrgb"];
/// Columns that follow from others.
const PASSED_OVER: [&str; 3] = ["time_us", "kv_bytes", "eff_GBps"];
/// Bytes of keys and values that one run may read: the capacity of a stack.
const MOST_BYTES: u64 = 1 << 34;

/// Reads a table: tabs or commas between columns, `#` before remarks.
pub fn parse(origin: &str, text: &str) -> Result<Vec<AttentionRow>, TableError> {
    let cells = Cells::parse(origin, text)?;
    let known: Vec<&str> = KEYS.into_iter().chain(FIGURES).chain(PASSED_OVER).collect();
    cells.refuse_others(&known)?;
    cells.rows().map(|cells| row(&cells)).collect()
}

fn row(cells: &Row) -> Result<AttentionRow, TableError> {
    let of_level = cells.need("pim_type")?.to_lowercase();
    let level = Level::NAMES.iter().find(|(name, _)| *name == of_level);
    let Some((_, level)) = level else {
        let rule = format!("BA, BG or BUFFER; found '{of_level}'");
        return Err(cells.fault("pim_type", rule));
    };
    let power_limit = match cells.need("power_constraint")?.to_lowercase().as_str() {
        "true" | "1" => true,
        "false" | "0" => false,
        found => {
            let rule = format!("True or False; found '{found}'");
            return Err(cells.fault("power_constraint", rule));
        }
    };
    let work = Attention {
        heads: cells.whole("nhead", (1, 1 << 20))?,
        head_size: cells.whole("dhead", (1, 1 << 14))?,
        length: cells.whole("L", (1, 1 << 24))?,
    };
    let element_bytes = cells.whole("dbyte", (1, 8))?;
    // No run takes no cycles.
    let mut figures = vec![(FIGURES[0], cells.whole(FIGURES[0], (1, u64::MAX))?)];
    for name in &FIGURES[1..] {
        if cells.get(name).is_some() {
            figures.push((name, cells.whole(name, (0, u64::MAX))?));
        }
    }
    let values = u128::from(2 * work.heads * work.head_size);
    let bytes = values * u128::from(work.length * element_bytes);
    if bytes > u128::from(MOST_BYTES) {
        let rule = format!("keys and values of at most {MOST_BYTES} bytes; these are {bytes}");
        return Err(cells.fault("(whole row)", rule));
    }
    Ok(AttentionRow {
        line: cells.line,
        level: *level,
        power_limit,
        work,
        element_bytes,
        figures,
    })
}

impl AttentionRow {
    /// Runs the row on a part under the controllers given, and compares.
    pub fn compare(&self, standard: &Standard, by: &[RecordedBy]) -> Option<ValidationRow> {
        let mut nearest: Option<ValidationRow> = None;
        for &by in by {
            let mut parameters = Parameters::parity(self.level, self.element_bytes);
            parameters.quirks.rows_wait_at_barriers = by == RecordedBy::Earlier;
            let run = attention(standard, &parameters, self.work);
            let row = self.beside(standard, by, &run);
            if nearest
                .as_ref()
                .is_none_or(|nearest| row.error < nearest.error)
            {
                nearest = Some(row);
            }
            if nearest
                .as_ref()
                .is_some_and(|nearest| nearest.differing.is_empty())
            {
                break;
            }
        }
        nearest
    }

    fn beside(&self, standard: &Standard, by: RecordedBy, run: &Run) -> ValidationRow {
        let ours = |name: &str| match name {
            "mac" => run.macs(),
            "softmax" => run.of(Command::Sfm),
            "mvgb" => run.of(Command::MvGb),
            "mvsb" => run.of(Command::MvSb),
            "wrgb" => run.of(Command::WrGb),
            _ => run.ticks,
        };
        let differing: Vec<Compared> = self
            .figures
            .iter()
            .map(|&(column, reference)| (column, reference, ours(column)))
            .filter(|(_, reference, ours)| ours != reference)
            .map(|(column, reference, ours)| Compared {
                column: column.to_owned(),
                reference: reference as f64,
                ours: ours as f64,
                error: if reference == 0 {
                    1.0
                } else {
                    ours.abs_diff(reference) as f64 / reference as f64
                },
            })
            .collect();
        let worst = differing.iter().max_by(|a, b| a.error.total_cmp(&b.error));
        let Attention {
            heads,
            head_size,
            length,
        } = self.work;
        let name = RecordedBy::NAMES.iter().find(|(_, known)| *known == by);
        let level = Level::NAMES.iter().find(|(_, known)| *known == self.level);
        let columns = ["mac", "softmax", "mvgb", "mvsb", "wrgb"];
        ValidationRow {
            line: self.line,
            simulator: format!("AttAcc, {}", name.map_or("", |(name, _)| name)),
            config: format!(
                "{}{}",
                level.map_or("", |(name, _)| name),
                if self.power_limit { "" } else { ", no limit" }
            ),
            part: standard.name.clone(),
            workload: format!(
                "{heads} x {head_size} x {} B, L {length}",
                self.element_bytes
            ),
            channels: standard.organisation.channels as u64,
            requests: columns.into_iter().map(ours).sum(),
            error: worst.map_or(0.0, |worst| worst.error),
            worst: worst.cloned(),
            energy_error: None,
            differing,
            die_row_ticks: None,
        }
    }
}
