//! The index of a sharded checkpoint: which file holds which tensor.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{CheckpointError, INDEX, Tensors};
use crate::spelling::nearest;

/// Names of tensors by the file that holds them.
pub(super) fn parse(text: &[u8]) -> Result<BTreeMap<String, BTreeSet<String>>, CheckpointError> {
    let fault = |found: String| CheckpointError::Index {
        file: INDEX.to_owned(),
        found,
    };
    let root: Value = serde_json::from_slice(text).map_err(|error| fault(error.to_string()))?;
    let map = root.get("weight_map").and_then(Value::as_object);
    let map = map.ok_or_else(|| fault("there is no such object".to_owned()))?;
    let mut files: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (tensor, file) in map {
        let file = file
            .as_str()
            // A shard lies beside its index: no path leads elsewhere.
            .filter(|file| !file.is_empty() && !file.contains(['/', '\\']))
            .ok_or_else(|| fault(format!("`{tensor}` must name a file, found {file}")))?;
        let entry = files.entry(file.to_owned()).or_default();
        entry.insert(tensor.clone());
    }
    Ok(files)
}

/// Holds a shard against its part of the index.
pub(super) fn check(
    file: &str,
    expected: &BTreeSet<String>,
    found: &Tensors,
) -> Result<(), CheckpointError> {
    if let Some(tensor) = expected.iter().find(|name| !found.contains_key(*name)) {
        let candidates = found.keys().map(String::as_str);
        let meant = nearest(tensor, candidates).map_or_else(String::new, |name| {
            format!("; the nearest name there is `{name}`")
        });
        return Err(CheckpointError::Index {
            file: INDEX.to_owned(),
            found: format!("`{tensor}` is not in {file}{meant}"),
        });
    }
    match found.keys().find(|name| !expected.contains(*name)) {
        None => Ok(()),
        Some(tensor) => Err(CheckpointError::Index {
            file: INDEX.to_owned(),
            found: format!("`{tensor}` of {file} is not listed for that file"),
        }),
    }
}
