//! Requests that arrive over time, from every format that records them.
//!
//! A simulation replays arrivals without caring who recorded them; the differences in units and
//! columns end here.

use std::fmt;
use std::iter::FusedIterator;

use jiff::civil::DateTime;

use crate::columns::Columns;
use crate::error::TraceError;
use crate::fault::Fault;
use crate::mooncake::Line;
use crate::number::tokens;
use crate::rows::Rows;
use crate::stamp::{ArrivalClock, Milliseconds, date_time};

/// One request of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Position among the rows of the trace, counted from 0.
    pub index: u64,
    /// Line in the file, counted from 1; header and blank lines count.
    pub line: u64,
    /// Nanoseconds between the arrival of the trace's first row and this one; never decreases.
    pub arrival_ns: u64,
    /// Tokens of the prompt. May be 0.
    pub input_tokens: u64,
    /// Tokens generated. May be 0.
    pub output_tokens: u64,
    /// Ids of the prompt's blocks from its start; an id equal to another request's means that both
    /// prompts are equal up to the end of that block. Empty where the format does not record it.
    pub prefix_blocks: Vec<u64>,
}

/// The requests of a trace in file order, read as they are asked for. Ends after an error.
pub struct Requests {
    rows: Rows,
    parser: Parser,
}

/// How a row becomes a [`Request`].
pub(crate) enum Parser {
    Azure {
        columns: Columns<3>,
        clock: ArrivalClock<DateTime>,
    },
    Mooncake {
        clock: ArrivalClock<Milliseconds>,
    },
}

impl Requests {
    pub(crate) const fn new(rows: Rows, parser: Parser) -> Self {
        Self { rows, parser }
    }
}

impl Parser {
    fn parse(&mut self, index: u64, line: u64, row: &str) -> Result<Request, Fault> {
        match self {
            Self::Azure { columns, clock } => {
                let [(stamp, time), (context, input), (generated, output)] = columns.fields(row)?;
                Ok(Request {
                    index,
                    line,
                    arrival_ns: clock.arrival_ns(stamp, date_time(stamp, time)?, time)?,
                    input_tokens: tokens(context, input)?,
                    output_tokens: tokens(generated, output)?,
                    prefix_blocks: Vec::new(),
                })
            }
            Self::Mooncake { clock } => {
                let Line {
                    time,
                    input_tokens,
                    output_tokens,
                    prefix_blocks,
                } = Line::parse(row)?;
                let arrival_ns = clock.arrival_ns("timestamp", time, &time.0.to_string())?;
                Ok(Request {
                    index,
                    line,
                    arrival_ns,
                    input_tokens,
                    output_tokens,
                    prefix_blocks,
                })
            }
        }
    }
}

impl Iterator for Requests {
    type Item = Result<Request, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows
            .next(|index, line, row| self.parser.parse(index, line, row))
    }
}

impl FusedIterator for Requests {}

impl fmt::Debug for Requests {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Requests").finish_non_exhaustive()
    }
}
