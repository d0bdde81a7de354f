//! Everything that can be wrong with a trace, as data.
//!
//! A trace is somebody else's file, often millions of rows long: an error has to lead to the one
//! row and column at fault. The fields keep those apart from the wording, so that a program can
//! render them its own way.

use std::io;

use thiserror::Error;

use crate::format::{Content, Format};

/// Why a trace could not be read. `origin` is the path or name that the reader was opened with;
/// lines count from 1 and include the header and blank lines, as an editor shows them.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(
    missing_docs,
    reason = "the fields mean the same everywhere; the accessors describe them"
)]
pub enum TraceError {
    /// There is no file of that name.
    #[error("{origin}: no such file{}", hint(nearest.as_deref()))]
    NoSuchFile {
        origin: String,
        nearest: Option<String>,
    },

    /// No sample of that name is bundled.
    #[error("{origin}: no such bundled sample{}", hint(nearest.as_deref()))]
    NoSuchSample {
        origin: String,
        nearest: Option<String>,
    },

    /// The operating system could not open or read the file.
    #[error("{origin}: cannot be read")]
    CannotRead { origin: String, source: io::Error },

    /// The file is empty, or holds a header and no row.
    #[error("{origin}: there is nothing in it")]
    Nothing { origin: String },

    /// The first line belongs to no format that is read here.
    #[error(
        "{origin}: not a known trace; it begins with `{found}`, and the formats read are {}",
        Format::list()
    )]
    Unrecognised {
        origin: String,
        line: u64,
        found: String,
    },

    /// A column (or key of a JSON line) that the format requires is not there.
    #[error("{origin}, line {line}: no column `{column}`, which {format} must have{}", hint(nearest.as_deref()))]
    MissingColumn {
        origin: String,
        line: u64,
        format: Format,
        column: &'static str,
        nearest: Option<String>,
    },

    /// A value breaks a rule of the format.
    #[error("{origin}, line {line}, column `{column}`: {rule}; found `{found}`")]
    BrokenRow {
        origin: String,
        line: u64,
        column: String,
        rule: String,
        found: String,
    },

    /// A line is longer than [`MAX_LINE_BYTES`](crate::MAX_LINE_BYTES): no trace, and a danger to
    /// memory.
    #[error("{origin}, line {line}: longer than {limit} bytes, so this is no trace")]
    LineTooLong {
        origin: String,
        line: u64,
        limit: usize,
    },

    /// A line is not text.
    #[error("{origin}, line {line}: byte {byte} of the line is not UTF-8 text")]
    NotUtf8 {
        origin: String,
        line: u64,
        byte: usize,
    },

    /// The gzip data ends early, as after an interrupted download.
    #[error("{origin}: the gzip data ends early; whole lines before that: {last_whole_line}")]
    TruncatedGzip {
        origin: String,
        last_whole_line: u64,
    },

    /// The gzip data is damaged.
    #[error("{origin}: the gzip data is damaged after line {last_whole_line}: {reason}")]
    CorruptGzip {
        origin: String,
        last_whole_line: u64,
        reason: String,
    },

    /// The trace is sound, but its rows are of the other kind.
    #[error("{origin}: {format} holds {}, but {wanted} are wanted", format.content())]
    OtherContent {
        origin: String,
        format: Format,
        wanted: Content,
    },
}

impl TraceError {
    /// The file path or name of what was read.
    pub fn origin(&self) -> &str {
        match self {
            Self::NoSuchFile { origin, .. }
            | Self::NoSuchSample { origin, .. }
            | Self::CannotRead { origin, .. }
            | Self::Nothing { origin }
            | Self::Unrecognised { origin, .. }
            | Self::MissingColumn { origin, .. }
            | Self::BrokenRow { origin, .. }
            | Self::LineTooLong { origin, .. }
            | Self::NotUtf8 { origin, .. }
            | Self::TruncatedGzip { origin, .. }
            | Self::CorruptGzip { origin, .. }
            | Self::OtherContent { origin, .. } => origin,
        }
    }

    /// The line at fault, counted from 1; for damaged gzip data the last whole line before the
    /// damage (0 if there is none).
    pub fn line(&self) -> Option<u64> {
        match *self {
            Self::Unrecognised { line, .. }
            | Self::MissingColumn { line, .. }
            | Self::BrokenRow { line, .. }
            | Self::LineTooLong { line, .. }
            | Self::NotUtf8 { line, .. } => Some(line),
            Self::TruncatedGzip {
                last_whole_line, ..
            }
            | Self::CorruptGzip {
                last_whole_line, ..
            } => Some(last_whole_line),
            _ => None,
        }
    }

    /// The column or JSON key at fault.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::MissingColumn { column, .. } => Some(column),
            Self::BrokenRow { column, .. } => Some(column),
            _ => None,
        }
    }

    /// The rule that a value breaks, to be read after the column's name: "must be ...".
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::BrokenRow { rule, .. } => Some(rule),
            _ => None,
        }
    }

    /// What stands there instead, cut to 80 characters.
    pub fn found(&self) -> Option<&str> {
        match self {
            Self::Unrecognised { found, .. } | Self::BrokenRow { found, .. } => Some(found),
            _ => None,
        }
    }

    /// An existing file, sample or column of a similar name, where one is close.
    pub fn nearest(&self) -> Option<&str> {
        match self {
            Self::NoSuchFile { nearest, .. }
            | Self::NoSuchSample { nearest, .. }
            | Self::MissingColumn { nearest, .. } => nearest.as_deref(),
            _ => None,
        }
    }
}

/// The end of a message that offers a similar name.
fn hint(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!("; is `{name}` meant?"))
        .unwrap_or_default()
}
