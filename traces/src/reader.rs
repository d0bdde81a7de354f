//! Opens a trace, recognises it, and hands out its rows.
//!
//! Opening reads the first line only. That is enough to say what the file is, so a caller learns
//! of a wrong file before a simulation starts, and of a broken row when it gets there.

use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::columns::Columns;
use crate::error::TraceError;
use crate::fault::excerpt;
use crate::format::{Content, Format};
use crate::in_flight::InFlightRows;
use crate::lines::Lines;
use crate::memory::MemoryRequests;
use crate::requests::{Parser, Requests};
use crate::rows::Rows;
use crate::source::{Source, open_file};
use crate::stamp::ArrivalClock;

/// A trace that has been opened and recognised.
///
/// Memory stays bounded by [`MAX_LINE_BYTES`](crate::MAX_LINE_BYTES) and what one row needs,
/// however long the trace and however well it is compressed.
pub struct TraceReader {
    lines: Lines,
    format: Format,
    first: (u64, String),
}

impl TraceReader {
    /// Opens the trace at `path`, plain or gzip.
    ///
    /// # Errors
    ///
    /// No such file, no right to read it, nothing in it, or a first line of no known format.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        Self::from_reader(&path.display().to_string(), open_file(path)?)
    }

    /// Opens a trace that `bytes` delivers, plain or gzip. `origin` is the name that errors give.
    /// `bytes` needs no buffer of its own.
    ///
    /// # Errors
    ///
    /// A failed read, nothing in it, or a first line of no known format.
    pub fn from_reader(
        origin: &str,
        bytes: impl Read + Send + 'static,
    ) -> Result<Self, TraceError> {
        let origin = origin.to_owned();
        let source = match Source::new(bytes) {
            Ok(source) => source,
            Err(source) => return Err(TraceError::CannotRead { origin, source }),
        };
        let mut lines = Lines::new(origin.clone(), source);
        let Some((line, text)) = lines.next_line()? else {
            return Err(TraceError::Nothing { origin });
        };
        let Some(format) = Format::of_first_line(text) else {
            return Err(TraceError::Unrecognised {
                origin,
                line,
                found: excerpt(text),
            });
        };
        let first = (line, text.to_owned());
        Ok(Self {
            lines,
            format,
            first,
        })
    }

    /// The format that the first line shows.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The path or name that the trace was opened with.
    pub fn origin(&self) -> &str {
        self.lines.origin()
    }

    /// The trace as requests that arrive over time.
    ///
    /// # Errors
    ///
    /// The trace is a batch, or a column is missing. The iterator reports what is wrong with a
    /// row, and ends after it.
    pub fn requests(self) -> Result<Requests, TraceError> {
        match self.format {
            Format::AzureLlm => {
                let names = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];
                let (rows, columns) = self.after_header(names)?;
                Ok(Requests::new(
                    rows,
                    Parser::Azure {
                        columns,
                        clock: ArrivalClock::new(),
                    },
                ))
            }
            Format::Mooncake => {
                let rows = Rows::new(self.lines, Some(self.first));
                Ok(Requests::new(
                    rows,
                    Parser::Mooncake {
                        clock: ArrivalClock::new(),
                    },
                ))
            }
            _ => Err(self.other_content(Content::Arrivals)),
        }
    }

    /// The trace as the requests in flight in one batch.
    ///
    /// # Errors
    ///
    /// The trace holds arrivals, or a column is missing. The iterator reports what is wrong with a
    /// row, and ends after it.
    pub fn in_flight(self) -> Result<InFlightRows, TraceError> {
        match self.format {
            Format::NeupimsBatch => {
                let (rows, columns) = self.after_header(["seq_len", "ch_idx"])?;
                Ok(InFlightRows::new(rows, columns))
            }
            _ => Err(self.other_content(Content::Batch)),
        }
    }

    /// The trace as single requests to a memory.
    ///
    /// # Errors
    ///
    /// The trace holds requests to a model. The iterator reports what is wrong with a row, and ends
    /// after it.
    pub fn memory(self) -> Result<MemoryRequests, TraceError> {
        if self.format.content() != Content::Memory {
            return Err(self.other_content(Content::Memory));
        }
        let rows = Rows::new(self.lines, Some(self.first));
        Ok(MemoryRequests::new(rows, self.format))
    }

    fn after_header<const N: usize>(
        self,
        names: [&'static str; N],
    ) -> Result<(Rows, Columns<N>), TraceError> {
        let (line, header) = &self.first;
        let columns = Columns::find(self.format, names, header)
            .map_err(|fault| fault.at(self.lines.origin(), *line))?;
        Ok((Rows::new(self.lines, None), columns))
    }

    fn other_content(&self, wanted: Content) -> TraceError {
        TraceError::OtherContent {
            origin: self.origin().to_owned(),
            format: self.format,
            wanted,
        }
    }
}

impl fmt::Debug for TraceReader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TraceReader")
            .field("origin", &self.origin())
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
