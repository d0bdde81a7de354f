//! Published results of attention on a stack with PIM (AttAcc) as a table, and our runs beside them.
//!
//! The results come from two controllers, which the table does not tell apart: the published one,
//! and one in which row commands wait at barriers. A row is compared with the one asked for, or with
//! both, and then belongs to the nearer; its error says which.

use super::table::TableError;
use crate::dram::{Command, Standard};
use crate::pim::attacc::{Attention, Level, Parameters, Run, attention};
use crate::record::validation::{Compared, ValidationRow};
use memwall_models::spelling;

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
    let mut lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let fault = |line, column: &str, rule: String| TableError {
        origin: origin.to_owned(),
        line,
        column: column.to_owned(),
        rule,
        nearest: None,
    };
    let Some((first, header)) = lines.next() else {
        return Err(fault(1, "(header)", "there is nothing in it".to_owned()));
    };
    let separator = if header.contains('\t') { '\t' } else { ',' };
    let header = header.trim_start_matches('\u{feff}');
    let names: Vec<&str> = header.split(separator).map(str::trim).collect();
    let known = || KEYS.into_iter().chain(FIGURES).chain(PASSED_OVER);
    for (index, &name) in names.iter().enumerate() {
        if !known().any(|known| known == name) {
            let rule = "no column of this name is known; tabs or commas separate columns";
            let nearest = spelling::nearest(name, known()).map(str::to_owned);
            let error = fault(first, name, rule.to_owned());
            return Err(TableError { nearest, ..error });
        }
        if names[..index].contains(&name) {
            return Err(fault(first, name, "stands in the header twice".to_owned()));
        }
    }
    for name in KEYS.into_iter().chain([FIGURES[0]]) {
        if !names.contains(&name) {
            let rule = "this column is needed: it says what to run, or what came out";
            return Err(fault(first, name, rule.to_owned()));
        }
    }
    let mut rows = Vec::new();
    for (line, text) in lines {
        let fields: Vec<&str> = text.split(separator).map(str::trim).collect();
        if fields.len() > names.len() {
            let rule = format!("{} fields under {} headings", fields.len(), names.len());
            return Err(fault(line, "(whole row)", rule));
        }
        let field = |name: &str| {
            let index = names.iter().position(|known| *known == name);
            index
                .and_then(|index| fields.get(index))
                .copied()
                .unwrap_or("")
        };
        let row = row(line, field).map_err(|(column, rule)| fault(line, column, rule))?;
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(fault(
            first,
            "(header)",
            "there is a header and no row".to_owned(),
        ));
    }
    Ok(rows)
}

fn row<'a>(
    line: u64,
    field: impl Fn(&str) -> &'a str,
) -> Result<AttentionRow, (&'static str, String)> {
    let whole = |name: &'static str, most: u64| {
        let number = field(name).parse().ok();
        let number = number.filter(|number| (1..=most).contains(number));
        let rule = || format!("a whole number from 1 to {most}; found '{}'", field(name));
        number.ok_or_else(|| (name, rule()))
    };
    let level = field("pim_type").to_lowercase();
    let level = Level::NAMES.iter().find(|(name, _)| *name == level);
    let Some((_, level)) = level else {
        let rule = format!("BA, BG or BUFFER; found '{}'", field("pim_type"));
        return Err(("pim_type", rule));
    };
    let power_limit = match field("power_constraint").to_lowercase().as_str() {
        "true" | "1" => true,
        "false" | "0" => false,
        found => {
            return Err((
                "power_constraint",
                format!("True or False; found '{found}'"),
            ));
        }
    };
    let row = AttentionRow {
        line,
        level: *level,
        power_limit,
        work: Attention {
            heads: whole("nhead", 1 << 20)?,
            head_size: whole("dhead", 1 << 14)?,
            length: whole("L", 1 << 24)?,
        },
        element_bytes: whole("dbyte", 8)?,
        figures: FIGURES
            .into_iter()
            .filter(|name| *name == FIGURES[0] || !field(name).is_empty())
            .map(|name| {
                let number = field(name).parse();
                number.map(|number| (name, number)).map_err(|_| {
                    (
                        name,
                        format!("a whole number from 0; found '{}'", field(name)),
                    )
                })
            })
            .collect::<Result<_, _>>()?,
    };
    if row.figures[0].1 == 0 {
        return Err((FIGURES[0], "no run takes 0 cycles".to_owned()));
    }
    let Attention {
        heads,
        head_size,
        length,
    } = row.work;
    let bytes = u128::from(2 * heads * head_size) * u128::from(length * row.element_bytes);
    if bytes > u128::from(MOST_BYTES) {
        let rule = format!("keys and values of at most {MOST_BYTES} bytes; these are {bytes}");
        return Err(("(whole row)", rule));
    }
    Ok(row)
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
        }
    }
}
