//! The published models that memwall ships with, embedded so that a run needs no files.
//!
//! The texts are the models' own `config.json` fields and go through the same reader as a
//! user's file. The list is written out, not generated, so that a build reads no folder.

use crate::error::ModelError;
use crate::model::Model;
use crate::spelling::nearest;

/// One line a model: the name is the file's.
macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../data/", $name, ".json")))),*]
    };
}

/// Names and texts, sorted by name.
const MODELS: &[(&str, &str)] = embedded![
    "gpt3-13b",
    "gpt3-175b",
    "gpt3-30b",
    "gpt3-6.7b",
    "llama-2-13b",
    "llama-2-70b",
    "llama-2-7b",
    "llama-3.1-70b",
    "llama-3.1-8b",
    "mixtral-8x22b",
    "mixtral-8x7b",
    "opt-13b",
    "opt-175b",
    "opt-30b",
    "opt-6.7b",
    "opt-66b",
    "qwen2.5-14b",
    "qwen2.5-14b-instruct-1m",
    "qwen2.5-7b",
    "qwen2.5-7b-instruct-1m",
];

/// Names of all embedded models, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    MODELS.iter().map(|(name, _)| *name)
}

/// The embedded text of a model, as published.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    MODELS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// The embedded model of this name.
///
/// # Errors
/// [`ModelError::UnknownModel`], with the nearest name, when there is none.
pub fn get(name: &str) -> Result<Model, ModelError> {
    match text(name) {
        Some(text) => Model::from_json(name, text),
        None => Err(ModelError::UnknownModel {
            name: name.to_owned(),
            nearest: nearest(name, names()).map(str::to_owned),
        }),
    }
}
