//! Reads a published `config.json` into a [`Model`].

use std::ffi::OsStr;
use std::path::Path;

use serde_json::Value;

use crate::architecture::Architecture;
use crate::dtype::Dtype;
use crate::error::ModelError;
use crate::fields::Fields;
use crate::model::{Model, Norm, Positions};
use crate::schema::{ACTIVATIONS, Biases, Keys, experts, refuse_variants, sliding_window};

/// Rows that OPT keeps before its first position, a leftover of its padding tokens.
pub(crate) const OPT_POSITION_OFFSET: u64 = 2;

impl Model {
    /// Reads the `config.json` of a decoder, in the schema of Hugging Face transformers.
    ///
    /// `origin` names `text` in errors, and names the model: its file name without `.json`,
    /// or the folder's name for a file called `config.json`. Nothing is opened. Unknown fields
    /// are ignored; a field nested under `text_config` counts as the decoder's own.
    ///
    /// # Errors
    /// The text is not JSON, the architecture is not supported, a required field is missing,
    /// a value is out of range, or the sizes contradict each other.
    pub fn from_json(origin: &str, text: &str) -> Result<Self, ModelError> {
        let root: Value = serde_json::from_str(text).map_err(|error| syntax(origin, &error))?;
        let fields = Fields::new(origin, text, &root)?;
        let architecture = Architecture::read(&fields)?;
        refuse_variants(architecture, &fields)?;

        let keys = Keys::of(architecture);
        let hidden = fields.size(keys.hidden)?;
        let layers = fields.size(keys.layers)?;
        let heads = fields.size(keys.heads)?;
        let max_positions = fields.size(keys.max_positions)?;
        let llama_like = architecture.is_llama_like();
        let (kv_heads, head_dim, ffn_width) = match architecture {
            Architecture::Llama
            | Architecture::Mistral
            | Architecture::Mixtral
            | Architecture::Qwen2 => (
                kv_heads(&fields, keys.heads, heads)?,
                fields.optional_size("head_dim")?,
                fields.size("intermediate_size")?,
            ),
            Architecture::Opt => (heads, None, fields.size("ffn_dim")?),
            Architecture::Gpt2 => {
                // The files of GPT-2 leave `n_inner` null or out: four times the width.
                (
                    heads,
                    None,
                    fields.optional_size("n_inner")?.unwrap_or(4 * hidden),
                )
            }
        };
        let head_dim = match head_dim {
            Some(head_dim) => head_dim,
            None if hidden.is_multiple_of(heads) => hidden / heads,
            None => {
                let rule = format!("a multiple of {} ({heads})", keys.heads);
                return Err(fields.breach(keys.hidden, rule));
            }
        };
        let biases = Biases::read(architecture, &fields)?;
        let model = Self {
            name: name_of(origin),
            architecture,
            hidden,
            layers,
            heads,
            kv_heads,
            head_dim,
            ffn_width,
            experts: experts(architecture, &fields)?,
            gated: llama_like,
            activation: fields.choice(&[keys.activation], ACTIVATIONS)?,
            norm: if llama_like { Norm::Rms } else { Norm::Layer },
            positions: match architecture {
                Architecture::Opt => Positions::Learned {
                    rows: max_positions + OPT_POSITION_OFFSET,
                },
                Architecture::Gpt2 => Positions::Learned {
                    rows: max_positions,
                },
                _ => Positions::Rotary,
            },
            vocab: fields.size("vocab_size")?,
            embed_dim: embed_dim(architecture, &fields, hidden)?,
            tied_embeddings: fields.flag("tie_word_embeddings", !llama_like)?,
            qkv_bias: biases.qkv,
            out_bias: biases.out,
            ffn_bias: biases.ffn,
            dtype: fields.choice(&["torch_dtype", "dtype"], Dtype::NAMES)?,
            max_positions,
            sliding_window: sliding_window(architecture, layers, &fields)?,
        };
        // Each size is in range, yet their product need not be; sums stick at the maximum.
        if model.weight_bytes() == u64::MAX {
            let rule = "a number of layers whose weights fit 64 bits of bytes";
            return Err(fields.breach(keys.layers, rule));
        }
        Ok(model)
    }
}

fn kv_heads(fields: &Fields, heads_key: &str, heads: u64) -> Result<u64, ModelError> {
    let key = "num_key_value_heads";
    let kv_heads = fields.optional_size(key)?.unwrap_or(heads);
    if heads.is_multiple_of(kv_heads) {
        Ok(kv_heads)
    } else {
        Err(fields.breach(key, format!("a divisor of {heads_key} ({heads})")))
    }
}

/// The width of OPT's embedding. The one published model where it differs from the hidden
/// size (opt-350m) has two more projections, which this crate does not represent.
fn embed_dim(architecture: Architecture, fields: &Fields, hidden: u64) -> Result<u64, ModelError> {
    if architecture != Architecture::Opt {
        return Ok(hidden);
    }
    let key = "word_embed_proj_dim";
    match fields.optional_size(key)? {
        Some(width) if width != hidden => {
            let rule =
                format!("equal to hidden_size ({hidden}): projected embeddings are not supported");
            Err(fields.breach(key, rule))
        }
        _ => Ok(hidden),
    }
}

fn syntax(origin: &str, error: &serde_json::Error) -> ModelError {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let place = format!(" at line {line} column {column}");
    let found = message.strip_suffix(&place).unwrap_or(&message).to_owned();
    ModelError::Syntax {
        origin: origin.to_owned(),
        line,
        column,
        found,
    }
}

/// A checkpoint's folder carries its name when the file has the usual one.
fn name_of(origin: &str) -> String {
    let path = Path::new(origin);
    let stem = match path.file_name().and_then(OsStr::to_str) {
        Some("config.json") => path
            .parent()
            .and_then(Path::file_name)
            .and_then(OsStr::to_str),
        Some(name) => Some(name.strip_suffix(".json").unwrap_or(name)),
        None => None,
    };
    stem.unwrap_or(origin).to_owned()
}
