//! What a decoder is to a simulator: its widths, counts and element type.

use serde::Serialize;

use crate::architecture::Architecture;
use crate::dtype::Dtype;

/// The function between the feed-forward matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Gaussian error linear unit, exact or by any of its usual approximations.
    Gelu,
    /// Rectified linear unit.
    Relu,
    /// Sigmoid linear unit, also called swish.
    Silu,
}

/// The normalisation before each block and before the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Mean and variance, with a scale and a shift per channel.
    Layer,
    /// Root mean square, with a scale per channel.
    Rms,
}

/// How a token's position enters the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Positions {
    /// Rotation of queries and keys: no weights, one operator a layer.
    Rotary,
    /// A table added to the embedding.
    Learned {
        /// Rows of the table. OPT keeps two more than it has positions.
        rows: u64,
    },
}

/// A mixture of experts in the place of each feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Experts {
    /// Experts of a layer, each a feed-forward block of [`Model::ffn_width`].
    pub count: u64,
    /// Experts that the router chooses for a token.
    pub per_token: u64,
}

/// A decoder.
///
/// Made by [`Model::from_json`] or [`crate::registry::get`], which check that every size is
/// in range, that `heads` is a multiple of `kv_heads`, and that the bytes of all weights fit
/// 64 bits. Fields are open to be read and, for a what-if, changed; sums of a changed model
/// that do not fit stick at `u64::MAX`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact of the checkpoint"
)]
pub struct Model {
    /// Name for reports.
    pub name: String,
    /// The family, from `model_type`.
    pub architecture: Architecture,
    /// Width of the residual stream.
    pub hidden: u64,
    /// Number of identical decoder layers.
    pub layers: u64,
    /// Query heads of a layer.
    pub heads: u64,
    /// Key/value heads of a layer; fewer than `heads` under grouped-query attention.
    pub kv_heads: u64,
    /// Channels of one head. Not always `hidden / heads`.
    pub head_dim: u64,
    /// Inner width of the feed-forward block, or of one expert.
    pub ffn_width: u64,
    /// The experts, where feed-forward blocks are mixtures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts: Option<Experts>,
    /// Whether the feed-forward block has a gate: three matrices instead of two.
    pub gated: bool,
    /// The feed-forward function.
    pub activation: Activation,
    /// The normalisation.
    pub norm: Norm,
    /// How positions enter.
    pub positions: Positions,
    /// Rows of the token embedding, padding included where the checkpoint has it.
    pub vocab: u64,
    /// Width of the token embedding. Equal to `hidden`: models that project between the two
    /// are refused.
    pub embed_dim: u64,
    /// Whether the head reuses the token embedding.
    pub tied_embeddings: bool,
    /// Whether the Q, K and V projections have biases.
    pub qkv_bias: bool,
    /// Whether the attention output projection has a bias.
    pub out_bias: bool,
    /// Whether the feed-forward matrices have biases.
    pub ffn_bias: bool,
    /// Element type of weights, activations and KV cache.
    pub dtype: Dtype,
    /// Tokens of the longest sequence the checkpoint was made for.
    pub max_positions: u64,
    /// Tokens a query can look back on, itself included, where attention is windowed.
    pub sliding_window: Option<u64>,
}

impl Model {
    /// Query heads that share one KV head: the number of times each key and value read for a
    /// token is used. 0 for a model changed to have no KV heads.
    #[must_use]
    pub fn queries_per_kv_head(&self) -> u64 {
        self.heads.checked_div(self.kv_heads).unwrap_or(0)
    }
}
