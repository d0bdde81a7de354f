//! The element types that weights, activations and the KV cache are stored in.

use serde::Serialize;

/// Element type of every tensor of a model: the published files name one for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// IEEE 754 binary16.
    F16,
    /// bfloat16: the upper half of a binary32.
    Bf16,
    /// IEEE 754 binary32.
    F32,
}

impl Dtype {
    /// The spellings of `torch_dtype` (and of `dtype` in newer files).
    pub(crate) const NAMES: &[(&str, Self)] = &[
        ("float16", Self::F16),
        ("bfloat16", Self::Bf16),
        ("float32", Self::F32),
    ];

    /// Short name: `f16`, `bf16`, `f32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
        }
    }

    /// Bytes of one element.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
        }
    }
}
