//! Weights in safetensors files, one or sharded, read and written.
//!
//! Nothing is opened here: the caller passes a function that returns a file's bytes by name,
//! so that this crate stays free of a file system and tests need none.

mod error;
mod index;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use half::{bf16, f16};
use ndarray::{ArrayD, IxDyn};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype as FileDtype, TensorView};

use super::naming::{HEAD, names, slots};
use crate::model::Model;
use crate::spelling::nearest;

pub use error::CheckpointError;
pub use write::write;

/// Tensors by published name. Elements of every file type fit `f32` exactly.
pub type Tensors = BTreeMap<String, ArrayD<f32>>;

/// The usual name of an unsharded checkpoint.
pub const SINGLE: &str = "model.safetensors";

/// The usual name of the list of a sharded checkpoint's tensors.
pub const INDEX: &str = "model.safetensors.index.json";

/// Buffers that older files hold beside the weights: causal masks and rotation tables.
const BUFFERS: &[&str] = &[".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq"];

/// Reads a checkpoint: the shards of [`INDEX`] where there is one, [`SINGLE`] otherwise.
/// `read` returns the bytes of a file of the checkpoint's folder.
///
/// # Errors
/// A file cannot be read or is not what its name says, a tensor's elements are not f32, f16 or
/// bf16, or the index and its shards disagree.
pub fn read(
    mut read: impl FnMut(&str) -> std::io::Result<Vec<u8>>,
) -> Result<Tensors, CheckpointError> {
    let mut tensors = Tensors::new();
    match read(INDEX) {
        Ok(text) => {
            let index = index::parse(&text)?;
            for (file, expected) in &index {
                let bytes = read(file).map_err(|error| CheckpointError::read(file, &error))?;
                let found = parse(file, &bytes)?;
                index::check(file, expected, &found)?;
                tensors.extend(found);
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let bytes = read(SINGLE).map_err(|error| CheckpointError::read(SINGLE, &error))?;
            tensors = parse(SINGLE, &bytes)?;
        }
        Err(error) => return Err(CheckpointError::read(INDEX, &error)),
    }
    Ok(tensors)
}

/// The tensors of one file.
///
/// # Errors
/// The bytes are not safetensors, or a tensor's elements are not f32, f16 or bf16.
pub fn parse(file: &str, bytes: &[u8]) -> Result<Tensors, CheckpointError> {
    let parsed = SafeTensors::deserialize(bytes).map_err(|error| CheckpointError::Format {
        file: file.to_owned(),
        found: error.to_string(),
    })?;
    let mut tensors = Tensors::new();
    for (name, view) in parsed.iter() {
        tensors.insert(name.to_owned(), elements(file, name, &view)?);
    }
    Ok(tensors)
}

fn elements(file: &str, name: &str, view: &TensorView<'_>) -> Result<ArrayD<f32>, CheckpointError> {
    let bytes = view.data();
    let pairs = || bytes.as_chunks::<2>().0.iter();
    let values: Vec<f32> = match view.dtype() {
        FileDtype::F32 => {
            let fours = bytes.as_chunks::<4>().0.iter();
            fours.map(|four| f32::from_le_bytes(*four)).collect()
        }
        FileDtype::F16 => pairs()
            .map(|pair| f16::from_le_bytes(*pair).to_f32())
            .collect(),
        FileDtype::BF16 => pairs()
            .map(|pair| bf16::from_le_bytes(*pair).to_f32())
            .collect(),
        other => {
            return Err(CheckpointError::Dtype {
                file: file.to_owned(),
                tensor: name.to_owned(),
                found: format!("{other:?}"),
            });
        }
    };
    // The file's header has been checked against its length, so the shape fits the elements.
    ArrayD::from_shape_vec(IxDyn(view.shape()), values).map_err(|error| CheckpointError::Format {
        file: file.to_owned(),
        found: format!("tensor `{name}`: {error}"),
    })
}

/// Holds `tensors` against what `model` must have, and returns them under their full names:
/// files saved from the bare model leave the prefix out. Known buffers and a stored copy of a
/// tied head are dropped.
///
/// # Errors
/// A tensor is missing, not expected, or of another shape; `origin` names the source.
pub(super) fn check(
    model: &Model,
    origin: &str,
    tensors: &Tensors,
) -> Result<Tensors, CheckpointError> {
    let prefix = names(model.architecture).prefix;
    let expected = slots(model);
    let bare = expected.iter().any(|slot| {
        slot.name
            .strip_prefix(prefix)
            .is_some_and(|name| tensors.contains_key(name))
    });
    let published = |name: &str| -> String {
        match name.strip_prefix(prefix) {
            Some(rest) if bare => rest.to_owned(),
            _ => name.to_owned(),
        }
    };
    let mut checked = Tensors::new();
    let mut used = BTreeSet::new();
    for slot in &expected {
        let name = published(&slot.name);
        let Some(tensor) = tensors.get(&name) else {
            // A tensor that has its own place cannot be the one that was meant.
            let placed: BTreeSet<String> =
                expected.iter().map(|slot| published(&slot.name)).collect();
            let spare = tensors.keys().filter(|name| !placed.contains(*name));
            return Err(CheckpointError::Missing {
                file: origin.to_owned(),
                nearest: nearest(&name, spare.map(String::as_str)).map(str::to_owned),
                expected: slot.shape.clone(),
                tensor: name,
            });
        };
        if tensor.shape() != slot.shape {
            return Err(CheckpointError::Shape {
                file: origin.to_owned(),
                tensor: name,
                expected: slot.shape.clone(),
                found: tensor.shape().to_vec(),
            });
        }
        checked.insert(slot.name.clone(), tensor.clone());
        used.insert(name);
    }
    let known = |name: &str| {
        used.contains(name)
            || (model.tied_embeddings && name == HEAD)
            || BUFFERS.iter().any(|ending| name.ends_with(ending))
    };
    match tensors.iter().find(|(name, _)| !known(name)) {
        None => Ok(checked),
        Some((name, tensor)) => Err(CheckpointError::Extra {
            file: origin.to_owned(),
            tensor: name.clone(),
            found: tensor.shape().to_vec(),
            nearest: nearest(name, used.iter().map(String::as_str)).map(str::to_owned),
        }),
    }
}
