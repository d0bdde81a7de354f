//! Why a model could not be read.
//!
//! Errors are data: each part of the message has its own field, so that a command line can
//! lay it out, underline the line or turn it into JSON without parsing prose.

use std::fmt;

/// A model description that was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The text is not JSON.
    #[error("{origin}:{line}:{column}: not JSON: {found}")]
    Syntax {
        /// What the caller named the text.
        origin: String,
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1 (0 at the end of an empty text).
        column: usize,
        /// What the parser says of that place.
        found: String,
    },
    /// A field is missing or its value breaks the field's rule.
    #[error(transparent)]
    // Boxed: a result carries its error's size, and errors are rare.
    Field(Box<FieldError>),
    /// The registry holds no model of this name.
    #[error("no model is named `{name}`{}", suggestion(nearest.as_deref()))]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The nearest name that the registry holds.
        nearest: Option<String>,
    },
}

/// One field of a configuration, and the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// What the caller named the text (usually a file name).
    pub origin: String,
    /// Line of the field, from 1, where it could be found.
    pub line: Option<usize>,
    /// JSON path of the field, its keys joined by dots; `$` is the whole text.
    pub field: String,
    /// What the field must be, as a phrase: "a whole number from 1 to 4294967295".
    pub rule: String,
    /// What was there instead: the value as JSON, or "nothing".
    pub found: String,
    /// The nearest valid name, where the fault looks like a misspelling.
    pub nearest: Option<String>,
}

impl std::error::Error for FieldError {}

impl fmt::Display for FieldError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.origin)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        let Self {
            field, rule, found, ..
        } = self;
        write!(out, ": `{field}` must be {rule}, found {found}")?;
        write!(out, "{}", suggestion(self.nearest.as_deref()))
    }
}

/// The second line of a message.
fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("\ndid you mean `{name}`?"))
}

impl ModelError {
    /// What the caller named the text; the asked-for name when the registry has no such model.
    pub fn origin(&self) -> &str {
        match self {
            Self::Syntax { origin, .. } => origin,
            Self::Field(fault) => &fault.origin,
            Self::UnknownModel { name, .. } => name,
        }
    }

    /// Line of the fault, from 1, where it is known.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Syntax { line, .. } => Some(*line),
            Self::Field(fault) => fault.line,
            Self::UnknownModel { .. } => None,
        }
    }

    /// Column of the fault, from 1, known for syntax errors only.
    pub fn column(&self) -> Option<usize> {
        match self {
            Self::Syntax { column, .. } => Some(*column),
            Self::Field(_) | Self::UnknownModel { .. } => None,
        }
    }

    /// JSON path of the field at fault, where the fault is one field's.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Field(fault) => Some(&fault.field),
            Self::Syntax { .. } | Self::UnknownModel { .. } => None,
        }
    }

    /// What was expected, as a phrase that completes "must be".
    pub fn rule(&self) -> &str {
        match self {
            Self::Syntax { .. } => "JSON",
            Self::Field(fault) => &fault.rule,
            Self::UnknownModel { .. } => "the name of a model in the registry",
        }
    }

    /// What was there instead.
    pub fn found(&self) -> &str {
        match self {
            Self::Syntax { found, .. } => found,
            Self::Field(fault) => &fault.found,
            Self::UnknownModel { name, .. } => name,
        }
    }

    /// The nearest valid name, where the fault looks like a misspelling.
    pub fn nearest(&self) -> Option<&str> {
        match self {
            Self::Syntax { .. } => None,
            Self::Field(fault) => fault.nearest.as_deref(),
            Self::UnknownModel { nearest, .. } => nearest.as_deref(),
        }
    }
}
