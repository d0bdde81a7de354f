//! Which published architectures are understood, and what is said of the others.
//!
//! A `model_type` fixes things that no field states (gating, norms, positions, biases), so an
//! unknown one cannot be read as its nearest relative: it is refused, with the list.

use serde::Serialize;

use crate::error::ModelError;
use crate::fields::Fields;
use crate::spelling::nearest;

/// A family of decoders, named by the `model_type` of its configuration files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// `llama`: rotary positions, RMS norms, gated feed-forward.
    Llama,
    /// `mistral`: llama with an optional sliding window.
    Mistral,
    /// `qwen2` (also Qwen2.5): llama with biases on Q, K and V.
    Qwen2,
    /// `mixtral`: mistral with a mixture of experts in each feed-forward block.
    Mixtral,
    /// `opt`: learned positions offset by two rows, layer norms, two-matrix feed-forward.
    Opt,
    /// `gpt2` (also the GPT-3 sizes): learned positions, layer norms, two-matrix feed-forward.
    Gpt2,
}

/// Mixtures of experts that are not read yet: right spellings, so no suggestion, and a reason of their own.
const MIXTURES: &[&str] = &[
    "qwen2_moe",
    "qwen3_moe",
    "olmoe",
    "deepseek_v2",
    "deepseek_v3",
    "switch_transformers",
];

/// Dense models one edit away from a supported name. Suggesting that name would have a reader
/// size the wrong architecture (qwen3 has norms on Q and K, GPT-J runs its blocks in parallel).
const RELATIVES: &[&str] = &["qwen", "qwen3", "gptj", "gpt_neo", "llama4", "mistral3"];

impl Architecture {
    const NAMES: &[(&str, Self)] = &[
        ("llama", Self::Llama),
        ("mistral", Self::Mistral),
        ("qwen2", Self::Qwen2),
        ("mixtral", Self::Mixtral),
        ("opt", Self::Opt),
        ("gpt2", Self::Gpt2),
    ];

    /// The `model_type` of this architecture.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Mixtral => "mixtral",
            Self::Opt => "opt",
            Self::Gpt2 => "gpt2",
        }
    }

    /// Every supported `model_type`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }

    /// Rotary positions, RMS norms and a gated feed-forward block.
    pub(crate) const fn is_llama_like(self) -> bool {
        matches!(
            self,
            Self::Llama | Self::Mistral | Self::Mixtral | Self::Qwen2
        )
    }

    /// Reads `model_type`.
    pub(crate) fn read(fields: &Fields) -> Result<Self, ModelError> {
        let name = fields.required_text("model_type", &Self::supported())?;
        if let Some((_, architecture)) = Self::NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(*architecture);
        }
        let (rule, meant) = if MIXTURES.contains(&name) {
            (
                format!(
                    "{}; other mixtures of experts are not supported yet",
                    Self::supported()
                ),
                None,
            )
        } else if RELATIVES.contains(&name) {
            (Self::supported(), None)
        } else {
            (Self::supported(), nearest(name, Self::names()))
        };
        let mut fault = fields.fault("model_type", rule);
        fault.nearest = meant.map(str::to_owned);
        Err(ModelError::Field(Box::new(fault)))
    }

    fn supported() -> String {
        let names: Vec<_> = Self::names().collect();
        format!("a decoder ({})", names.join(", "))
    }
}
