//! What the operators of a decoder *compute*: the reference that a machine's schedule is held
//! against, value by value and byte by byte.
//!
//! A simulator of time can lose a tile, read a row twice or mask the wrong token and still
//! report a plausible latency. Here the same step runs in the plainest possible way, on real
//! numbers: a [`Reference`] takes a batch of [`Lane`]s through every operator of
//! [`crate::StepGraph`] and returns logits, a [`Trace`] of all intermediate tensors and a
//! [`Ledger`] of the bytes that each operator touched.
//!
//! Tensors are `[rows, columns]`; rows are tokens wherever there are tokens. Everything is
//! generic over [`Scalar`] (`f32` or `f64`), with rounding to storage types as an option
//! ([`Precision`]). Sums are taken in one fixed order, so a token's result does not depend on
//! what else is in its batch.
//!
//! ```
//! use memwall_models::reference::{Ask, Lane, Precision, Recipe, Reference, Weights, greedy, synthetic};
//!
//! let config = r#"{ "model_type": "llama", "hidden_size": 16, "intermediate_size": 24,
//!     "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
//!     "hidden_act": "silu", "max_position_embeddings": 64, "vocab_size": 32,
//!     "rms_norm_eps": 1e-5, "torch_dtype": "float32" }"#;
//! let recipe = Recipe::from_json("toy", config)?;
//! let tensors = synthetic(&recipe.model, 7);
//! let precision = Precision::default();
//! let weights = Weights::<f64>::new(&recipe, "toy", &tensors, precision.weights)?;
//! let toy = Reference { recipe, weights, precision };
//!
//! let mut cache = toy.cache();
//! let mut lanes = [Lane { tokens: &[3, 1, 4], padding: 0, cache: &mut cache }];
//! let output = toy.step(&mut lanes, Ask::default())?;
//! assert!(greedy(output.logits.row(0)) < 32);
//! // Two layers, three tokens, keys and values of 2 x 4 channels, 4 bytes each.
//! assert_eq!(output.ledger.total().kv_written, 2 * 3 * 2 * 8 * 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![expect(
    clippy::needless_pass_by_value,
    reason = "a view is a reference with a shape; passing it by value is how ndarray is used"
)]

mod activation;
mod attention;
mod cache;
mod checkpoint;
mod executor;
mod experts;
mod latent;
mod ledger;
mod linear;
mod naming;
mod norm;
mod part;
mod quantised;
mod recipe;
mod rotary;
mod router;
mod sampling;
mod scalar;
mod softmax;
mod sparf;
mod storage;
mod synthetic;
mod trace;
mod weights;

pub use activation::Function;
pub use attention::{Heads, attend, causal, logits, mask};
pub use cache::Cache;
pub use checkpoint::{CheckpointError, INDEX, SINGLE, Tensors, parse, read, write};
pub use executor::{Ask, Lane, Output, Reference, ReferenceError};
pub use experts::{FeedForward, Mixture, Shared};
pub use latent::{Latent, LatentHeads};
pub use ledger::{Gate, Ledger, Place};
pub use linear::{Linear, Matrix, product};
pub use naming::{Role, Slot, slots};
pub use norm::NormWeights;
pub use quantised::{Format, GROUP, Int4, Int8, Lut, Outliers, Quantised, pack, unpack};
pub use recipe::Recipe;
pub use rotary::{Pairing, Rotary, Scaling};
pub use router::{GroupLimit, GroupScore, Router, Score};
pub use sampling::greedy;
pub use scalar::Scalar;
pub use softmax::{Partial, softmax};
pub use sparf::{SparseOutput, Sparsity, sparse_attention};
pub use storage::{Precision, Storage};
pub use synthetic::synthetic;
pub use trace::{Origin, Trace};
pub use weights::{Ffn, Layer, Weights};
