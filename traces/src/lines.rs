//! Reads a trace line by line in bounded memory.
//!
//! All formats here are one record a line. Splitting lines before anything else keeps the memory
//! of a reader to one line, whatever the file holds - 64 MiB of one letter gzip to 64 KiB - and
//! makes the line numbers of errors those of an editor.

use std::io::{self, BufRead, Read};

use crate::error::TraceError;
use crate::source::Source;

/// The longest line that is read, in bytes without its end. The longest of the published traces
/// (`hash_ids` of a 191 378-token prompt) has about 3 KiB.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// The lines of one trace.
pub(crate) struct Lines {
    source: Source,
    origin: String,
    number: u64,
    bytes: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(origin: String, source: Source) -> Self {
        Self {
            source,
            origin,
            number: 0,
            bytes: Vec::new(),
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The next line that is not blank, with its number and without its end, or `None` after the
    /// last one.
    pub(crate) fn next_line(&mut self) -> Result<Option<(u64, &str)>, TraceError> {
        loop {
            if !self.fill()? {
                return Ok(None);
            }
            if !self.bytes.trim_ascii().is_empty() {
                return self.text().map(|text| Some((self.number, text)));
            }
        }
    }

    /// Reads one line into `bytes`; false at the end of the trace.
    fn fill(&mut self) -> Result<bool, TraceError> {
        self.bytes.clear();
        // Room for the longest line and its end; one that fills it all is too long.
        let room = MAX_LINE_BYTES as u64 + 2;
        let read = self
            .source
            .bytes
            .by_ref()
            .take(room)
            .read_until(b'\n', &mut self.bytes);
        if read.map_err(|source| self.read_error(source))? == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.bytes.last() == Some(&b'\n') {
            self.bytes.pop();
            if self.bytes.last() == Some(&b'\r') {
                self.bytes.pop();
            }
        }
        if self.bytes.len() > MAX_LINE_BYTES {
            return Err(TraceError::LineTooLong {
                origin: self.origin.clone(),
                line: self.number,
                limit: MAX_LINE_BYTES,
            });
        }
        Ok(true)
    }

    fn text(&self) -> Result<&str, TraceError> {
        let text = std::str::from_utf8(&self.bytes).map_err(|error| TraceError::NotUtf8 {
            origin: self.origin.clone(),
            line: self.number,
            byte: error.valid_up_to() + 1,
        })?;
        // Spreadsheet programs put a byte-order mark before the header.
        Ok(if self.number == 1 {
            text.trim_start_matches('\u{feff}')
        } else {
            text
        })
    }

    /// A failed read ends the line that was being read, so the last whole line is the one before.
    fn read_error(&self, source: io::Error) -> TraceError {
        let (origin, last_whole_line) = (self.origin.clone(), self.number);
        match source.kind() {
            io::ErrorKind::UnexpectedEof if self.source.gzip => TraceError::TruncatedGzip {
                origin,
                last_whole_line,
            },
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if self.source.gzip => {
                let reason = source.to_string();
                TraceError::CorruptGzip {
                    origin,
                    last_whole_line,
                    reason,
                }
            }
            _ => TraceError::CannotRead { origin, source },
        }
    }
}
