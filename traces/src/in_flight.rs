//! The requests in flight in one batch, without a history.
//!
//! Studies of the decode phase start from a batch that is already running: each request has a
//! context in the KV cache and a place where it lies.

use std::fmt;
use std::iter::FusedIterator;

use crate::columns::Columns;
use crate::error::TraceError;
use crate::number::{tokens, whole_number};
use crate::rows::Rows;

/// The largest channel index a row may hold. Real machines have tens to hundreds of channels.
pub const MAX_CHANNEL: u32 = 65_535;

/// One request of a batch in its decode phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// Line in the file, counted from 1; header and blank lines count.
    pub line: u64,
    /// Tokens whose keys and values are in the cache. May be 0.
    pub context_tokens: u64,
    /// Memory channel that holds them, as the trace's author placed them.
    pub channel: u32,
}

/// The requests of a batch in file order, read as they are asked for. Ends after an error.
pub struct InFlightRows {
    rows: Rows,
    columns: Columns<2>,
}

impl InFlightRows {
    pub(crate) const fn new(rows: Rows, columns: Columns<2>) -> Self {
        Self { rows, columns }
    }
}

impl Iterator for InFlightRows {
    type Item = Result<InFlight, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next(|_, line, row| {
            let [(length, context), (index, channel)] = self.columns.fields(row)?;
            let context_tokens = tokens(length, context)?;
            let channel = whole_number(index, channel, "a channel's index", MAX_CHANNEL.into())?;
            // The bound above is that of a `u32`, and more.
            Ok(InFlight {
                line,
                context_tokens,
                channel: channel as u32,
            })
        })
    }
}

impl FusedIterator for InFlightRows {}

impl fmt::Debug for InFlightRows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("InFlightRows").finish_non_exhaustive()
    }
}
