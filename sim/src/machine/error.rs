//! What is wrong with a configuration: where, which rule, and what was probably meant. Data only;
//! the command line draws it.

use memwall_models::spelling;
use std::ops::Range;
use std::sync::Arc;
use thiserror::Error;

/// A configuration that cannot be simulated.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("{origin}: {}{rule}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct ConfigError {
    /// File, embedded name, or the option that set the value.
    pub origin: String,
    /// Text of the file, for display with the span.
    pub text: Option<Arc<str>>,
    /// Bytes of `text` that are at fault.
    pub span: Option<Range<usize>>,
    /// Dotted path of the key (`npu.arrays`); empty if the file as a whole is at fault.
    pub path: String,
    /// What is required, and what was found.
    pub rule: String,
    /// Nearest valid name.
    pub nearest: Option<String>,
}

impl ConfigError {
    /// An error about a whole file or option.
    pub fn whole(origin: &str, rule: impl Into<String>) -> ConfigError {
        ConfigError {
            origin: origin.to_owned(),
            text: None,
            span: None,
            path: String::new(),
            rule: rule.into(),
            nearest: None,
        }
    }

    /// 1-based line of the fault, where there is a span.
    pub fn line(&self) -> Option<usize> {
        let text = self.text.as_ref()?;
        let start = self.span.as_ref()?.start.min(text.len());
        Some(text.get(..start)?.matches('\n').count() + 1)
    }

    /// Builds an error from what serde said of the value at `path`. "unknown field" and "unknown
    /// variant" list the valid names, of which the nearest is offered.
    pub(super) fn from_serde(origin: &str, path: &str, message: &str) -> ConfigError {
        let mut quoted = message.split('`').skip(1).step_by(2);
        let unknown =
            message.starts_with("unknown field") || message.starts_with("unknown variant");
        let nearest = if unknown {
            let found = quoted.next().unwrap_or_default();
            spelling::nearest(found, quoted).map(str::to_owned)
        } else {
            None
        };
        ConfigError {
            path: path.to_owned(),
            nearest,
            ..ConfigError::whole(origin, in_words(message))
        }
    }

    pub(super) fn located(mut self, text: &Arc<str>, span: Option<Range<usize>>) -> ConfigError {
        self.text = Some(Arc::clone(text));
        self.span = span;
        self
    }
}

/// serde names the Rust type of a table that it misses.
fn in_words(message: &str) -> String {
    let message = message.trim_end().replace('`', "'");
    match message.split_once("struct Raw") {
        Some((before, _)) => format!("{before}a table"),
        None => message,
    }
}
