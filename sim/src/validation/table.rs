//! A table of reference figures as tab-separated text: any subset of the known columns, in any
//! order, and any rows.

use super::figures::Figure;
use memwall_models::spelling;
use thiserror::Error;

/// A table that cannot be compared with: where, which rule, and what was probably meant.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("{origin}:{line}: {column}: {rule}")]
pub struct TableError {
    /// File or embedded name.
    pub origin: String,
    /// Line, counted from 1.
    pub line: u64,
    /// Column.
    pub column: String,
    /// What is required, and what was found.
    pub rule: String,
    /// Nearest valid name.
    pub nearest: Option<String>,
}

/// A parsed table.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceTable {
    /// File or embedded name.
    pub origin: String,
    /// Rows in order.
    pub rows: Vec<ReferenceRow>,
}

/// A row: what to run, and what came out there.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceRow {
    /// Line of the table.
    pub line: u64,
    /// Simulator.
    pub simulator: String,
    /// Its configuration.
    pub config: String,
    /// Workload.
    pub workload: String,
    /// Channels; 1 where the table does not say.
    pub channels: u64,
    /// Requests, where the table says.
    pub requests: Option<u64>,
    /// Figures given, with the digits after the point that the table's column prints.
    pub figures: Vec<(Figure, &'static str, f64, usize)>,
}

/// Channels and requests at most: beyond them no run of a table ends.
const MOST_CHANNELS: u64 = 1 << 12;
const MOST_REQUESTS: u64 = 1 << 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Simulator,
    Config,
    Workload,
    Channels,
    Requests,
    Figure(Figure, &'static str),
    PassedOver,
}

const KEYS: [(&str, Column); 5] = [
    ("simulator", Column::Simulator),
    ("config", Column::Config),
    ("workload", Column::Workload),
    ("channels", Column::Channels),
    ("requests", Column::Requests),
];

impl ReferenceTable {
    /// Reads a table. `origin` is what errors call it.
    pub fn parse(origin: &str, text: &str) -> Result<ReferenceTable, TableError> {
        let mut lines = (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let Some((line, header)) = lines.next() else {
            let rule = "there is nothing in it";
            return Err(error(origin, 1, "(header)", rule.to_owned(), None));
        };
        let header = header.trim_start_matches('\u{feff}');
        let names: Vec<&str> = header.split('\t').map(str::trim).collect();
        let columns = columns(origin, line, &names)?;
        let mut rows = Vec::new();
        for (line, text) in lines {
            let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
            // A spreadsheet drops empty fields at the end.
            if fields.len() > names.len() {
                let rule = format!("{} fields under {} headings", fields.len(), names.len());
                return Err(error(origin, line, "(whole row)", rule, None));
            }
            rows.push(row(origin, line, &columns, &names, &fields)?);
        }
        if rows.is_empty() {
            let rule = "there is a header and no row".to_owned();
            return Err(error(origin, line, "(header)", rule, None));
        }
        print_alike(&mut rows);
        Ok(ReferenceTable {
            origin: origin.to_owned(),
            rows,
        })
    }

    /// An error about a field of a row.
    pub fn fault(
        &self,
        row: &ReferenceRow,
        column: &str,
        rule: String,
        nearest: Option<String>,
    ) -> TableError {
        error(&self.origin, row.line, column, rule, nearest)
    }
}

fn error(
    origin: &str,
    line: u64,
    column: &str,
    rule: String,
    nearest: Option<String>,
) -> TableError {
    TableError {
        origin: origin.to_owned(),
        line,
        column: column.to_owned(),
        rule,
        nearest,
    }
}

fn columns(origin: &str, line: u64, names: &[&str]) -> Result<Vec<Column>, TableError> {
    let mut columns = Vec::new();
    for (index, &name) in names.iter().enumerate() {
        if names[..index].contains(&name) {
            let rule = "stands in the header twice".to_owned();
            return Err(error(origin, line, name, rule, None));
        }
        let key = KEYS.iter().find(|(known, _)| *known == name);
        let figure = Figure::ALL.iter().find(|(known, _)| *known == name);
        columns.push(match (key, figure) {
            (Some((_, column)), _) => *column,
            (_, Some(&(known, figure))) => Column::Figure(figure, known),
            _ if Figure::PASSED_OVER.contains(&name) => Column::PassedOver,
            _ => {
                let rule = "no column of this name is known; tabs separate columns".to_owned();
                let meant = spelling::nearest(name, known_names()).map(str::to_owned);
                return Err(error(origin, line, name, rule, meant));
            }
        });
    }
    for (name, column) in &KEYS[..3] {
        if !columns.contains(column) {
            let rule = "this column is needed: it says what to run".to_owned();
            return Err(error(origin, line, name, rule, None));
        }
    }
    if !columns
        .iter()
        .any(|column| matches!(column, Column::Figure(..)))
    {
        let rule = "there is no column to compare".to_owned();
        return Err(error(origin, line, "(header)", rule, None));
    }
    Ok(columns)
}

fn known_names() -> impl Iterator<Item = &'static str> {
    let keys = KEYS.iter().map(|(name, _)| *name);
    let figures = Figure::ALL.iter().map(|(name, _)| *name);
    keys.chain(figures).chain(Figure::PASSED_OVER)
}

fn row(
    origin: &str,
    line: u64,
    columns: &[Column],
    names: &[&str],
    fields: &[&str],
) -> Result<ReferenceRow, TableError> {
    let mut row = ReferenceRow {
        line,
        simulator: String::new(),
        config: String::new(),
        workload: String::new(),
        channels: 1,
        requests: None,
        figures: Vec::new(),
    };
    let fault = |name: &str, rule: String| error(origin, line, name, rule, None);
    let whole = |name: &str, text: &str, most: u64| {
        let number = text
            .parse()
            .ok()
            .filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| {
            fault(
                name,
                format!("a whole number from 1 to {most}; found '{text}'"),
            )
        })
    };
    for ((&column, &name), &text) in columns.iter().zip(names).zip(fields) {
        match column {
            _ if text.is_empty() => {}
            Column::Simulator => text.clone_into(&mut row.simulator),
            Column::Config => text.clone_into(&mut row.config),
            Column::Workload => text.clone_into(&mut row.workload),
            Column::Channels => row.channels = whole(name, text, MOST_CHANNELS)?,
            Column::Requests => row.requests = Some(whole(name, text, MOST_REQUESTS)?),
            Column::Figure(figure, known) => {
                let value = text.parse().ok().filter(|value: &f64| value.is_finite());
                let value = value
                    .filter(|value| *value >= 0.0)
                    .ok_or_else(|| fault(name, format!("a number from 0; found '{text}'")))?;
                let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
                row.figures.push((figure, known, value, digits.min(12)));
            }
            Column::PassedOver => {}
        }
    }
    for (name, value) in [
        ("simulator", &row.simulator),
        ("config", &row.config),
        ("workload", &row.workload),
    ] {
        if value.is_empty() {
            return Err(fault(name, "must not be empty".to_owned()));
        }
    }
    if row.figures.is_empty() {
        return Err(fault("(whole row)", "has no figure to compare".to_owned()));
    }
    Ok(row)
}

/// Tables drop zeros at the end of figures: 80.4 in a column of four digits is 80.4000.
fn print_alike(rows: &mut [ReferenceRow]) {
    let mut most = [0; Figure::ALL.len()];
    for (figure, _, _, digits) in rows.iter().flat_map(|row| &row.figures) {
        let most = &mut most[*figure as usize];
        *most = (*most).max(*digits);
    }
    for (figure, _, _, digits) in rows.iter_mut().flat_map(|row| &mut row.figures) {
        *digits = most[*figure as usize];
    }
}
