//! The two inputs of SCALE-Sim: a configuration of an array and its scratchpads (INI), and a topology,
//! the layers that run on it (CSV). Those of v2 and v3 are read; what they ask for that nothing here
//! models is refused by name, never passed over.

mod config;
mod topology;

pub use config::{Flow, Interface, ScaleSimConfig, Sparse};
pub use topology::{Layer, Topology};

use thiserror::Error;

/// What is wrong with such a file: where, which rule, and what was probably meant.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("{origin}{}: {field}: {rule}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct ScaleSimError {
    /// File, as it was named.
    pub origin: String,
    /// Line, counted from 1; absent where the fault is of no line.
    pub line: Option<u64>,
    /// Key or column.
    pub field: String,
    /// What is required, and what was found.
    pub rule: String,
    /// Nearest valid name.
    pub nearest: Option<String>,
}

/// Whole numbers in either file are at most this: far above any machine or layer, and products of
/// three of them can be counted.
const MOST: u64 = 1 << 20;

/// A whole number from 1 to [`MOST`].
fn whole(text: &str) -> Result<u64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| {
        format!(
            "must be a whole number from 1 to {MOST}; found '{}'",
            excerpt(text)
        )
    })
}

/// As much of a value as a message quotes.
fn excerpt(text: &str) -> String {
    crate::fault::excerpt(text)
}
