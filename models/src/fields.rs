//! Typed access to the fields of one JSON object, with errors that name the field.
//!
//! Every accessor states its rule once and reports a breach the same way, so that the readers
//! of the several schemas are lists of fields and nothing else.

use serde_json::{Map, Value};

use crate::error::{FieldError, ModelError};
use crate::locate::line_of;
use crate::spelling::nearest;

/// The largest size accepted for one field. Far above any model, and small enough that a
/// product of two sizes fits 64 bits.
const LARGEST: u64 = u32::MAX as u64;

/// Multimodal files keep the decoder's fields under this key.
pub(crate) const NESTED: &str = "text_config";

/// The object that holds the decoder's fields, and what an error has to say about it.
pub(crate) struct Fields<'a> {
    origin: &'a str,
    text: &'a str,
    outer: &'a Map<String, Value>,
    /// The object under [`NESTED`], where the file has one.
    inner: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    /// Finds the decoder's fields in a parsed text.
    pub(crate) fn new(origin: &'a str, text: &'a str, root: &'a Value) -> Result<Self, ModelError> {
        let Value::Object(outer) = root else {
            return Err(ModelError::Field(Box::new(FieldError {
                origin: origin.to_owned(),
                line: Some(1),
                field: "$".to_owned(),
                rule: "a JSON object".to_owned(),
                found: shown(root),
                nearest: None,
            })));
        };
        let inner = outer.get(NESTED).and_then(Value::as_object);
        Ok(Self {
            origin,
            text,
            outer,
            inner,
        })
    }

    /// The value of `key`; `null` counts as absent, as it does to the files' authors.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.inner
            .unwrap_or(self.outer)
            .get(key)
            .filter(|value| !value.is_null())
    }

    /// The value of `key` beside the nested object, for the fields multimodal files may keep
    /// there although they concern the decoder too.
    fn outer_value(&self, key: &str) -> Option<&'a Value> {
        self.value(key)
            .or_else(|| self.outer.get(key).filter(|value| !value.is_null()))
    }

    /// A size that the file must state.
    pub(crate) fn size(&self, key: &str) -> Result<u64, ModelError> {
        self.optional_size(key)?
            .ok_or_else(|| self.missing(key, size_rule()))
    }

    /// A size that the file may leave out.
    pub(crate) fn optional_size(&self, key: &str) -> Result<Option<u64>, ModelError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        match value.as_u64() {
            Some(size @ 1..=LARGEST) => Ok(Some(size)),
            _ => Err(self.breach(key, size_rule())),
        }
    }

    /// A positive number that the file must state.
    pub(crate) fn required_real(&self, key: &str) -> Result<f64, ModelError> {
        self.real(key)?.ok_or_else(|| self.missing(key, REAL_RULE))
    }

    /// A positive number that the file may leave out.
    pub(crate) fn real(&self, key: &str) -> Result<Option<f64>, ModelError> {
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        match value.as_f64() {
            Some(number) if number.is_finite() && number > 0.0 => Ok(Some(number)),
            _ => Err(self.breach(key, REAL_RULE)),
        }
    }

    /// A switch that the file may leave out.
    pub(crate) fn flag(&self, key: &str, default: bool) -> Result<bool, ModelError> {
        let Some(value) = self.outer_value(key) else {
            return Ok(default);
        };
        value
            .as_bool()
            .ok_or_else(|| self.breach(key, "true or false"))
    }

    /// A name that the file must state.
    pub(crate) fn required_text(&self, key: &str, rule: &str) -> Result<&'a str, ModelError> {
        let value = self
            .outer_value(key)
            .ok_or_else(|| self.missing(key, rule))?;
        value.as_str().ok_or_else(|| self.breach(key, rule))
    }

    /// One of several names, under the first of `keys` that the file has.
    pub(crate) fn choice<T: Copy>(
        &self,
        keys: &[&str],
        choices: &[(&str, T)],
    ) -> Result<T, ModelError> {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let rule = format!("one of {}", names.join(", "));
        let present = keys.iter().find(|key| self.outer_value(key).is_some());
        let key = present.or(keys.first()).copied().unwrap_or("$");
        let text = self.required_text(key, &rule)?;
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
            return Ok(*choice);
        }
        let mut fault = self.fault(key, rule);
        fault.nearest = nearest(text, names).map(str::to_owned);
        Err(ModelError::Field(Box::new(fault)))
    }

    /// The error for a field whose value breaks `rule`.
    pub(crate) fn breach(&self, key: &str, rule: impl Into<String>) -> ModelError {
        ModelError::Field(Box::new(self.fault(key, rule)))
    }

    /// As [`Self::breach`], for a caller that has a nearest name to add.
    pub(crate) fn fault(&self, key: &str, rule: impl Into<String>) -> FieldError {
        let nested = self.inner.is_some_and(|inner| inner.contains_key(key));
        let path: &[&str] = if nested { &[NESTED, key] } else { &[key] };
        FieldError {
            origin: self.origin.to_owned(),
            line: line_of(self.text, path),
            field: path.join("."),
            rule: rule.into(),
            found: self
                .outer_value(key)
                .map_or_else(|| "nothing".to_owned(), shown),
            nearest: None,
        }
    }

    /// The error for a field that is not there. A key of nearly the same name is most likely
    /// the field misspelt, so the error points at that key.
    fn missing(&self, key: &str, rule: impl Into<String>) -> ModelError {
        let keys = self.inner.unwrap_or(self.outer).keys().map(String::as_str);
        let parent: &[&str] = if self.inner.is_some() { &[NESTED] } else { &[] };
        let misspelt = nearest(key, keys.filter(|other| *other != key));
        let (found, line) = match misspelt {
            Some(other) => (
                format!("a field `{other}`"),
                line_of(self.text, &[parent, &[other]].concat()),
            ),
            None => ("nothing".to_owned(), None),
        };
        ModelError::Field(Box::new(FieldError {
            origin: self.origin.to_owned(),
            line,
            field: [parent, &[key]].concat().join("."),
            rule: rule.into(),
            found,
            nearest: misspelt.map(|_| key.to_owned()),
        }))
    }
}

const REAL_RULE: &str = "a positive number";

fn size_rule() -> String {
    format!("a whole number from 1 to {LARGEST}")
}

/// A value as JSON, cut to what fits a message.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
