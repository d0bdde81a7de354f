//! A table of tab-separated text whose rows are of several kinds: each row is read by its kind, with
//! the columns that the kind asks for.

use super::table::TableError;
use memwall_models::spelling;
use std::fmt::Display;
use std::str::FromStr;

/// A table, split into fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// File or embedded name.
    pub origin: String,
    header: u64,
    names: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    table: &'a Cells,
    /// Line of the table.
    pub line: u64,
    fields: &'a [String],
}

impl Cells {
    /// Splits a table. `origin` is what errors call it.
    pub fn parse(origin: &str, text: &str) -> Result<Cells, TableError> {
        let mut lines = (1..)
            .zip(text.trim_start_matches('\u{feff}').lines())
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let split = |line: &str| -> Vec<String> {
            line.split('\t')
                .map(|field| field.trim().to_owned())
                .collect()
        };
        let mut cells = Cells {
            origin: origin.to_owned(),
            header: 1,
            names: Vec::new(),
            rows: Vec::new(),
        };
        let Some((line, header)) = lines.next() else {
            return Err(cells.error(1, "(header)", "there is nothing in it".to_owned()));
        };
        (cells.header, cells.names) = (line, split(header));
        for (index, name) in cells.names.iter().enumerate() {
            if cells.names[..index].contains(name) {
                return Err(cells.error(line, name, "stands in the header twice".to_owned()));
            }
        }
        for (line, text) in lines {
            let fields = split(text);
            // A spreadsheet drops empty fields at the end.
            if fields.len() > cells.names.len() {
                let (fields, names) = (fields.len(), cells.names.len());
                let rule = format!("{fields} fields under {names} headings");
                return Err(cells.error(line, "(whole row)", rule));
            }
            cells.rows.push((line, fields));
        }
        if cells.rows.is_empty() {
            return Err(cells.error(line, "(header)", "there is a header and no row".to_owned()));
        }
        Ok(cells)
    }

    /// Its rows in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, fields)| Row {
            table: self,
            line: *line,
            fields,
        })
    }

    fn error(&self, line: u64, column: &str, rule: String) -> TableError {
        TableError {
            origin: self.origin.clone(),
            line,
            column: column.to_owned(),
            rule,
            nearest: None,
        }
    }
}

impl<'a> Row<'a> {
    /// An error about a field.
    pub fn fault(&self, column: &str, rule: String) -> TableError {
        self.table.error(self.line, column, rule)
    }

    /// A field; `None` where it is empty or the table does not have the column.
    pub fn get(&self, column: &str) -> Option<&'a str> {
        let index = self.table.names.iter().position(|name| name == column)?;
        let field = self.fields.get(index)?;
        Some(field.as_str()).filter(|field| !field.is_empty())
    }

    /// A field that the kind of the row needs.
    pub fn need(&self, column: &str) -> Result<&'a str, TableError> {
        self.get(column).ok_or_else(|| {
            if self.table.names.iter().any(|name| name == column) {
                return self.fault(column, "must not be empty".to_owned());
            }
            let names = self.table.names.iter().map(String::as_str);
            let rule = "this column is needed: it says what to run".to_owned();
            TableError {
                nearest: spelling::nearest(column, names).map(str::to_owned),
                ..self.table.error(self.table.header, column, rule)
            }
        })
    }

    /// A whole number from `least` to `most`.
    pub fn whole<T: FromStr + PartialOrd + Display>(
        &self,
        column: &str,
        (least, most): (T, T),
    ) -> Result<T, TableError> {
        let text = self.need(column)?;
        let number = text.parse().ok();
        let within = number.filter(|number| (&least..=&most).contains(&number));
        within.ok_or_else(|| {
            let rule = format!("a whole number from {least} to {most}; found '{text}'");
            self.fault(column, rule)
        })
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&self, column: &str, words: &[(&str, T)]) -> Result<T, TableError> {
        let text = self.need(column)?;
        let known = words.iter().find(|(word, _)| *word == text);
        known.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let nearest = spelling::nearest(text, names.iter().copied()).map(str::to_owned);
            let rule = format!("one of {}; found '{text}'", names.join(", "));
            TableError {
                nearest,
                ..self.fault(column, rule)
            }
        })
    }

    /// A recorded figure and the digits after its point.
    pub fn figure(&self, column: &str) -> Result<Option<(f64, usize)>, TableError> {
        let Some(text) = self.get(column) else {
            return Ok(None);
        };
        let value = text
            .parse()
            .ok()
            .filter(|v: &f64| v.is_finite() && *v >= 0.0);
        let value =
            value.ok_or_else(|| self.fault(column, format!("a number from 0; found '{text}'")))?;
        let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
        Ok(Some((value, digits.min(12))))
    }
}
