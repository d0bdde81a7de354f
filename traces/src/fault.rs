//! What a parser of one row says when it refuses it.
//!
//! The parsers see the text of a row and nothing else. Where the row stands is added in one place,
//! so no parser can name the wrong line.

use crate::error::TraceError;
use crate::format::Format;

/// How much of a value is quoted in a message: enough to find it, short enough for a terminal.
const QUOTED_CHARS: usize = 80;

/// A [`TraceError`] that does not know its file and line yet.
#[derive(Debug)]
pub(crate) enum Fault {
    Missing {
        format: Format,
        column: &'static str,
        nearest: Option<String>,
    },
    Broken {
        column: String,
        rule: String,
        found: String,
    },
}

impl Fault {
    pub(crate) fn broken(column: &str, rule: impl Into<String>, found: &str) -> Self {
        Self::Broken {
            column: excerpt(column),
            rule: rule.into(),
            found: excerpt(found),
        }
    }

    pub(crate) fn at(self, origin: &str, line: u64) -> TraceError {
        let origin = origin.to_owned();
        match self {
            Self::Missing {
                format,
                column,
                nearest,
            } => TraceError::MissingColumn {
                origin,
                line,
                format,
                column,
                nearest,
            },
            Self::Broken {
                column,
                rule,
                found,
            } => TraceError::BrokenRow {
                origin,
                line,
                column,
                rule,
                found,
            },
        }
    }
}

/// The beginning of a text that may be up to a line long. Control characters are shown as Rust
/// escapes: a message must not be able to drive the terminal it is printed on.
pub(crate) fn excerpt(text: &str) -> String {
    let mut shown = String::new();
    for (position, letter) in text.chars().enumerate() {
        if position == QUOTED_CHARS {
            shown.push_str("...");
            break;
        }
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}
