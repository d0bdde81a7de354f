//! Finds the columns of a CSV trace by name.
//!
//! Order and number of columns differ between the years of one data set, so positions mean
//! nothing. No format here quotes its fields: a row is split at its commas, and no field can hold
//! a comma or the end of a line.

use crate::fault::Fault;
use crate::format::Format;
use crate::nearest::nearest;

/// Where the `N` required columns stand in the rows of one file.
#[derive(Debug)]
pub(crate) struct Columns<const N: usize> {
    names: [&'static str; N],
    positions: [usize; N],
    header: Vec<String>,
}

impl<const N: usize> Columns<N> {
    /// Finds the columns `names` of `format` in the header line.
    pub(crate) fn find(
        format: Format,
        names: [&'static str; N],
        header: &str,
    ) -> Result<Self, Fault> {
        let header: Vec<String> = header
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect();
        let mut positions = [0; N];
        for (position, column) in positions.iter_mut().zip(names) {
            let mut places = (0..header.len()).filter(|&place| header[place] == column);
            *position = places.next().ok_or_else(|| {
                // A column that is there under its right name is not a misspelling of another.
                let others = header
                    .iter()
                    .map(String::as_str)
                    .filter(|name| !names.contains(name));
                Fault::Missing {
                    format,
                    column,
                    nearest: nearest(column, others),
                }
            })?;
            if places.next().is_some() {
                return Err(Fault::broken(
                    column,
                    "must stand in the header once",
                    &header.join(","),
                ));
            }
        }
        Ok(Self {
            names,
            positions,
            header,
        })
    }

    /// The required fields of a row, each with the name of its column, in the order of the names.
    pub(crate) fn fields<'row>(
        &self,
        row: &'row str,
    ) -> Result<[(&'static str, &'row str); N], Fault> {
        let mut fields = self.names.map(|name| (name, ""));
        let mut count = 0;
        for (place, field) in row.split(',').enumerate() {
            count = place + 1;
            if let Some(index) = self
                .positions
                .iter()
                .position(|&position| position == place)
            {
                fields[index].1 = field.trim();
            }
        }
        if count == self.header.len() {
            return Ok(fields);
        }
        let (column, rule) = match self.header.get(count) {
            Some(absent) => (absent.as_str(), "must be there: the row ends before it"),
            None => (
                self.header.last().map_or("", String::as_str),
                "must be the last field, as in the header",
            ),
        };
        Err(Fault::broken(column, rule, row))
    }
}
