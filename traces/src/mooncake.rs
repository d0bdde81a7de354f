//! One line of a Mooncake trace.
//!
//! The lines are parsed loosely first and checked second: serde's own messages give a position in
//! the line, but not the key and the rule that a reader of the message needs.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::{Fault, excerpt};
use crate::format::Format;
use crate::nearest::nearest;
use crate::number::{tokens, whole_number};
use crate::stamp::Milliseconds;

/// The latest stamp, in milliseconds: 292 years, what a signed 64-bit count of ns can hold.
const MAX_MILLISECONDS: u64 = 9_223_372_036_854;

/// A line as it stands there; keys that are not known are read past.
#[derive(Deserialize)]
struct Raw {
    timestamp: Option<Value>,
    input_length: Option<Value>,
    output_length: Option<Value>,
    hash_ids: Option<Value>,
}

/// A checked line.
pub(crate) struct Line {
    pub(crate) time: Milliseconds,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    /// Not held against the input length: that 512 tokens make a block is a habit of the published
    /// traces and stands nowhere in the file.
    pub(crate) prefix_blocks: Vec<u64>,
}

impl Line {
    pub(crate) fn parse(line: &str) -> Result<Self, Fault> {
        let refuse = |why: &str| {
            let rule = format!("must be one JSON object, but {}", excerpt(why));
            Fault::broken("(whole row)", rule, line)
        };
        // serde would take the values of an array for those of the keys, in their order.
        if !line.trim_start().starts_with('{') {
            return Err(refuse("it does not begin with a brace"));
        }
        let raw: Raw = serde_json::from_str(line).map_err(|why| refuse(&why.to_string()))?;
        let present = |key, value: Option<Value>| value.ok_or_else(|| missing(key, line));
        let time = present("timestamp", raw.timestamp)?.to_string();
        let input = present("input_length", raw.input_length)?.to_string();
        let output = present("output_length", raw.output_length)?.to_string();
        let ids = present("hash_ids", raw.hash_ids)?;
        Ok(Self {
            time: Milliseconds(whole_number(
                "timestamp",
                &time,
                "milliseconds",
                MAX_MILLISECONDS,
            )?),
            input_tokens: tokens("input_length", &input)?,
            output_tokens: tokens("output_length", &output)?,
            prefix_blocks: block_ids(&ids)?,
        })
    }
}

fn block_ids(ids: &Value) -> Result<Vec<u64>, Fault> {
    let refuse = |found: &Value| {
        Fault::broken(
            "hash_ids",
            "must be a list of whole numbers from 0",
            &found.to_string(),
        )
    };
    let list = ids.as_array().ok_or_else(|| refuse(ids))?;
    list.iter()
        .map(|id| id.as_u64().ok_or_else(|| refuse(id)))
        .collect()
}

/// A key that is absent, or `null`, which says no more.
fn missing(key: &'static str, line: &str) -> Fault {
    let object: Map<String, Value> = serde_json::from_str(line).unwrap_or_default();
    if object.contains_key(key) {
        return Fault::broken(key, "must have a value", "null");
    }
    let known = Format::Mooncake.columns();
    let others = object
        .keys()
        .map(String::as_str)
        .filter(|name| !known.contains(name));
    Fault::Missing {
        format: Format::Mooncake,
        column: key,
        nearest: nearest(key, others),
    }
}
