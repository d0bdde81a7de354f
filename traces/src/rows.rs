//! The rows after the first line, whatever their format.
//!
//! One place adds the line number to what a parser says, tells an empty trace from a finished one,
//! and ends after the first error: behind a broken row, columns may have shifted, and going on
//! would only repeat the complaint.

use crate::error::TraceError;
use crate::fault::Fault;
use crate::lines::Lines;

pub(crate) struct Rows {
    lines: Lines,
    /// The first line, where it is a row and not a header.
    first: Option<(u64, String)>,
    count: u64,
    ended: bool,
}

impl Rows {
    pub(crate) const fn new(lines: Lines, first: Option<(u64, String)>) -> Self {
        Self {
            lines,
            first,
            count: 0,
            ended: false,
        }
    }

    /// Parses the next row with `parse`, which is given the row's index (from 0), its line (from
    /// 1) and its text. `None` after the last row and after an error.
    pub(crate) fn next<T>(
        &mut self,
        parse: impl FnOnce(u64, u64, &str) -> Result<T, Fault>,
    ) -> Option<Result<T, TraceError>> {
        if self.ended {
            return None;
        }
        let row = self.parse_next(parse).transpose();
        self.ended = !matches!(row, Some(Ok(_)));
        row
    }

    fn parse_next<T>(
        &mut self,
        parse: impl FnOnce(u64, u64, &str) -> Result<T, Fault>,
    ) -> Result<Option<T>, TraceError> {
        let index = self.count;
        self.count += 1;
        let (line, row) = if let Some((line, text)) = self.first.take() {
            (line, parse(index, line, &text))
        } else if let Some((line, text)) = self.lines.next_line()? {
            (line, parse(index, line, text))
        } else if index == 0 {
            return Err(TraceError::Nothing {
                origin: self.lines.origin().to_owned(),
            });
        } else {
            return Ok(None);
        };
        row.map(Some)
            .map_err(|fault| fault.at(self.lines.origin(), line))
    }
}
