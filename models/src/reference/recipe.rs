//! What a forward pass needs beyond a [`Model`]'s sizes: epsilons, rotation, exact functions.
//!
//! A simulator of time never asks for these, so they stay out of [`Model`]; they come from the
//! same `config.json` and are refused by the same rules.

use serde_json::{Map, Value};

use super::activation::Function;
use super::rotary::{Pairing, Rotary, Scaling};
use crate::architecture::Architecture;
use crate::config::OPT_POSITION_OFFSET;
use crate::error::ModelError;
use crate::fields::Fields;
use crate::model::{Activation, Model, Positions};

/// Rotation base of the checkpoints that were published before the field was.
const FIRST_BASE: f64 = 10_000.0;

/// Under the root of OPT's norms. Its configuration has no field for it: the published
/// implementation takes its framework's default (PyTorch, `LayerNorm`).
const OPT_EPSILON: f64 = 1e-5;

/// A model, and the numbers that its operators use.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Recipe {
    /// Sizes and shape.
    pub model: Model,
    /// Under the root of every norm.
    pub epsilon: f64,
    /// The feed-forward function in its exact form.
    pub function: Function,
    /// Rotation of queries and keys, where positions are rotary.
    pub rotary: Option<Rotary>,
}

impl Recipe {
    /// Reads a `config.json` as [`Model::from_json`] does, and the numbers beside the sizes.
    ///
    /// # Errors
    /// Those of [`Model::from_json`]; a missing or absurd epsilon; an odd rotated width; a
    /// rotation or scaling of attention that the reference does not compute.
    pub fn from_json(origin: &str, text: &str) -> Result<Self, ModelError> {
        let model = Model::from_json(origin, text)?;
        // `from_json` has parsed the text already, so neither step can fail here.
        let root: Value = serde_json::from_str(text).unwrap_or_default();
        let fields = Fields::new(origin, text, &root)?;
        let epsilon = match model.architecture {
            Architecture::Llama
            | Architecture::Mistral
            | Architecture::Mixtral
            | Architecture::Qwen2 => fields.required_real("rms_norm_eps")?,
            Architecture::Gpt2 => {
                refuse_scaled_attention(&fields)?;
                fields.required_real("layer_norm_epsilon")?
            }
            Architecture::Opt => OPT_EPSILON,
        };
        let rotary = match model.positions {
            Positions::Rotary => Some(rotary(&model, &fields)?),
            Positions::Learned { .. } => None,
        };
        let function = match model.activation {
            Activation::Relu => Function::Relu,
            Activation::Silu => Function::Silu,
            Activation::Gelu => gelu(&fields),
        };
        Ok(Self {
            model,
            epsilon,
            function,
            rotary,
        })
    }
}

impl Recipe {
    /// Rows of the position table before that of position 0.
    #[must_use]
    pub fn position_offset(&self) -> u64 {
        match self.model.architecture {
            Architecture::Opt => OPT_POSITION_OFFSET,
            _ => 0,
        }
    }
}

/// `gelu` alone is the exact function; every other published spelling is the tanh form.
fn gelu(fields: &Fields) -> Function {
    let exact = ["activation_function", "hidden_act"]
        .iter()
        .any(|key| fields.value(key).and_then(Value::as_str) == Some("gelu"));
    if exact {
        Function::GeluErf
    } else {
        Function::GeluTanh
    }
}

fn refuse_scaled_attention(fields: &Fields) -> Result<(), ModelError> {
    for (key, needed) in [
        ("scale_attn_weights", true),
        ("scale_attn_by_inverse_layer_idx", false),
    ] {
        if fields.flag(key, needed)? != needed {
            let rule = format!("{needed}: the reference scales scores by the root of the head");
            return Err(fields.breach(key, rule));
        }
    }
    Ok(())
}

/// Older files keep the base and the scaling apart, newer ones in `rope_parameters`.
fn rotary(model: &Model, fields: &Fields) -> Result<Rotary, ModelError> {
    let (key, scaling) = ["rope_parameters", "rope_scaling"]
        .into_iter()
        .find_map(|key| Some((key, fields.value(key)?)))
        .unwrap_or(("rope_scaling", &Value::Null));
    let empty = Map::new();
    let table = match scaling {
        Value::Null => &empty,
        Value::Object(table) => table,
        _ => return Err(fields.breach(key, "a JSON object or null")),
    };
    if let Some(share) = fields.real("partial_rotary_factor")?
        && share < 1.0
    {
        let rule = "1: rotation of a part of a head is not supported";
        return Err(fields.breach("partial_rotary_factor", rule));
    }
    let nested = real(table, "rope_theta");
    let base = match nested {
        Some(base) => base,
        None => fields.real("rope_theta")?.unwrap_or(FIRST_BASE),
    };
    let kind = ["rope_type", "type"]
        .iter()
        .find_map(|name| table.get(*name)?.as_str())
        .unwrap_or("default");
    let need = |name: &str| {
        real(table, name).ok_or_else(|| {
            let rule = format!("an object with a positive number `{name}` for `{kind}`");
            fields.breach(key, rule)
        })
    };
    let scaling = match kind {
        "default" => Scaling::None,
        "linear" => Scaling::Linear {
            factor: need("factor")?,
        },
        "llama3" => {
            let (low, high) = (need("low_freq_factor")?, need("high_freq_factor")?);
            if high <= low {
                let rule = "an object whose high_freq_factor exceeds its low_freq_factor";
                return Err(fields.breach(key, rule));
            }
            Scaling::Llama3 {
                factor: need("factor")?,
                low,
                high,
                original: need("original_max_position_embeddings")?,
            }
        }
        _ => {
            let rule = "an object whose rope_type is one of default, linear, llama3";
            return Err(fields.breach(key, rule));
        }
    };
    if !model.head_dim.is_multiple_of(2) {
        return Err(fields.breach("head_dim", "even: rotation turns pairs of channels"));
    }
    let width = model.head_dim as usize;
    Ok(Rotary::new(width, base, scaling, Pairing::HalfSplit))
}

fn real(table: &Map<String, Value>, name: &str) -> Option<f64> {
    let value = table.get(name)?.as_f64()?;
    (value.is_finite() && value > 0.0).then_some(value)
}
