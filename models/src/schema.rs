//! Which fields each architecture keeps its sizes in, and what its `model_type` implies.
//!
//! The field names are those of the published `config.json` files (transformers'
//! configuration classes). Only defaults that hold for every published checkpoint of an
//! architecture are filled in; class defaults that describe one particular model are not, or
//! an incomplete file would silently be sized as that model.

use crate::architecture::Architecture;
use crate::error::ModelError;
use crate::fields::Fields;
use crate::model::{Activation, Experts};

/// Experts of a layer at most: far above any model, and few enough to be listed one by one.
const MOST_EXPERTS: u64 = 1 << 14;

/// Names of the fields that differ between architectures.
pub(crate) struct Keys {
    pub(crate) hidden: &'static str,
    pub(crate) layers: &'static str,
    pub(crate) heads: &'static str,
    pub(crate) activation: &'static str,
    pub(crate) max_positions: &'static str,
}

impl Keys {
    pub(crate) const fn of(architecture: Architecture) -> Self {
        match architecture {
            Architecture::Llama
            | Architecture::Mistral
            | Architecture::Mixtral
            | Architecture::Qwen2 => Self {
                hidden: "hidden_size",
                layers: "num_hidden_layers",
                heads: "num_attention_heads",
                activation: "hidden_act",
                max_positions: "max_position_embeddings",
            },
            Architecture::Opt => Self {
                hidden: "hidden_size",
                layers: "num_hidden_layers",
                heads: "num_attention_heads",
                activation: "activation_function",
                max_positions: "max_position_embeddings",
            },
            Architecture::Gpt2 => Self {
                hidden: "n_embd",
                layers: "n_layer",
                heads: "n_head",
                activation: "activation_function",
                max_positions: "n_positions",
            },
        }
    }
}

/// The published spellings of the three functions.
pub(crate) const ACTIVATIONS: &[(&str, Activation)] = &[
    ("gelu", Activation::Gelu),
    ("gelu_new", Activation::Gelu),
    ("gelu_fast", Activation::Gelu),
    ("gelu_pytorch_tanh", Activation::Gelu),
    ("relu", Activation::Relu),
    ("silu", Activation::Silu),
    ("swish", Activation::Silu),
];

/// Which projections have biases.
pub(crate) struct Biases {
    pub(crate) qkv: bool,
    pub(crate) out: bool,
    pub(crate) ffn: bool,
}

impl Biases {
    /// The switches entered the schemas after the first checkpoints, whose files lack them:
    /// an absent switch means what those checkpoints have.
    pub(crate) fn read(architecture: Architecture, fields: &Fields) -> Result<Self, ModelError> {
        Ok(match architecture {
            Architecture::Llama | Architecture::Mistral => {
                let attention = fields.flag("attention_bias", false)?;
                Self {
                    qkv: attention,
                    out: attention,
                    ffn: fields.flag("mlp_bias", false)?,
                }
            }
            Architecture::Mixtral => Self {
                qkv: false,
                out: false,
                ffn: false,
            },
            Architecture::Qwen2 => Self {
                qkv: true,
                out: false,
                ffn: false,
            },
            Architecture::Opt => {
                let all = fields.flag("enable_bias", true)?;
                Self {
                    qkv: all,
                    out: all,
                    ffn: all,
                }
            }
            Architecture::Gpt2 => Self {
                qkv: true,
                out: true,
                ffn: true,
            },
        })
    }
}

/// The attention window, where every layer has the same one.
///
/// Qwen2 windows only the layers from `max_window_layers` on. A mixture of windowed and full
/// layers is refused, since the layers of a [`crate::Model`] are identical.
pub(crate) fn sliding_window(
    architecture: Architecture,
    layers: u64,
    fields: &Fields,
) -> Result<Option<u64>, ModelError> {
    match architecture {
        Architecture::Llama | Architecture::Opt | Architecture::Gpt2 => Ok(None),
        Architecture::Mistral | Architecture::Mixtral => fields.optional_size("sliding_window"),
        Architecture::Qwen2 => {
            if !fields.flag("use_sliding_window", false)? {
                return Ok(None);
            }
            let key = "max_window_layers";
            match fields.value(key).and_then(serde_json::Value::as_u64) {
                Some(0) => fields.size("sliding_window").map(Some),
                Some(full) if full >= layers => Ok(None),
                _ => {
                    let rule = format!("0 or at least {layers} (all layers must be alike)");
                    Err(fields.breach(key, rule))
                }
            }
        }
    }
}

/// The mixture of experts of an architecture that has one.
pub(crate) fn experts(
    architecture: Architecture,
    fields: &Fields,
) -> Result<Option<Experts>, ModelError> {
    if architecture != Architecture::Mixtral {
        return Ok(None);
    }
    let (count_key, key) = ("num_local_experts", "num_experts_per_tok");
    let count = fields.size(count_key)?;
    let per_token = fields.size(key)?;
    if count > MOST_EXPERTS {
        return Err(fields.breach(count_key, format!("at most {MOST_EXPERTS}")));
    }
    if per_token > count {
        return Err(fields.breach(key, format!("at most {count_key} ({count})")));
    }
    Ok(Some(Experts { count, per_token }))
}

/// Refuses the variants of a supported `model_type` that would be sized wrongly.
pub(crate) fn refuse_variants(
    architecture: Architecture,
    fields: &Fields,
) -> Result<(), ModelError> {
    if fields.value("quantization_config").is_some() {
        let rule = "absent: quantised weights are not supported yet";
        return Err(fields.breach("quantization_config", rule));
    }
    if architecture == Architecture::Opt {
        // opt-350m normalises after each block and has no final norm.
        for (key, needed) in [
            ("do_layer_norm_before", true),
            ("_remove_final_layer_norm", false),
            ("layer_norm_elementwise_affine", true),
        ] {
            if fields.flag(key, needed)? != needed {
                return Err(fields.breach(key, format!("{needed}: other norms are not supported")));
            }
        }
    }
    Ok(())
}
