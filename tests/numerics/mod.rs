//! What the operators compute: the reference executor against closed forms, against itself
//! run another way, and against an implementation that is not this project's.
//!
//! Tests carry the number of their check, N1 and on. A check that a defect must fail runs the
//! defect here, so that its tolerance is known to catch it.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a view is a reference with a shape; passing it by value is how ndarray is used"
)]

mod blocks;
mod bytes;
mod checkpoints;
mod cross;
mod decoder;
mod experts;
mod latent;
mod machines;
mod norms;
mod recipes;
mod softmax;
mod sparse;
mod weights;
mod witness;

use memwall_models::reference::{
    Ask, Cache, Lane, Precision, Recipe, Reference, Scalar, Weights, synthetic,
};
use ndarray::{Array2, ArrayView2};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// Small decoders of every family that is read.
pub const FAMILIES: [&str; 6] = ["llama", "mistral", "mixtral", "qwen2", "opt", "gpt2"];

/// The configuration of a small decoder of a family: grouped heads, a window, biases and tied
/// tables where the family has them.
pub fn config(family: &str) -> String {
    let sizes = match family {
        "opt" => {
            r#""hidden_size": 64, "ffn_dim": 96, "num_hidden_layers": 3, "num_attention_heads": 4,
            "activation_function": "relu", "max_position_embeddings": 96,
            "tie_word_embeddings": true"#
        }
        "gpt2" => {
            r#""n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 96,
            "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5"#
        }
        _ => {
            r#""hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
            "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu",
            "max_position_embeddings": 96, "rms_norm_eps": 1e-5"#
        }
    };
    let more = match family {
        "mistral" => r#", "sliding_window": 9"#,
        "mixtral" => r#", "num_local_experts": 6, "num_experts_per_tok": 2"#,
        _ => "",
    };
    format!(
        r#"{{ "model_type": "{family}", {sizes}{more}, "vocab_size": 61, "torch_dtype": "float16" }}"#
    )
}

/// The small decoder of a family with weights drawn from `seed`.
pub fn decoder<S: Scalar>(family: &str, seed: u64, precision: Precision) -> Reference<S> {
    decoder_of(family, None, seed, precision)
}

/// The same with a number of layers of its own.
pub fn decoder_of<S: Scalar>(
    family: &str,
    layers: Option<u64>,
    seed: u64,
    precision: Precision,
) -> Reference<S> {
    let mut recipe = Recipe::from_json(family, &config(family)).expect("a configuration");
    recipe.model.layers = layers.unwrap_or(recipe.model.layers);
    let tensors = synthetic(&recipe.model, seed);
    let weights = Weights::new(&recipe, family, &tensors, precision.weights).expect("complete");
    Reference {
        recipe,
        weights,
        precision,
    }
}

/// `count` tokens of the small vocabulary.
pub fn prompt(seed: u64, count: usize) -> Vec<u32> {
    let mut random = Pcg64::seed_from_u64(seed);
    (0..count).map(|_| random.random_range(0..61)).collect()
}

/// Logits of every token of one sequence.
pub fn run<S: Scalar>(
    reference: &Reference<S>,
    cache: &mut Cache<S>,
    tokens: &[u32],
    padding: usize,
) -> Array2<S> {
    let mut lanes = [Lane {
        tokens,
        padding,
        cache,
    }];
    let ask = Ask {
        all_logits: true,
        ..Ask::default()
    };
    reference.step(&mut lanes, ask).expect("a step").logits
}

/// Uniform elements of deviation one.
pub fn random<S: Scalar>(seed: u64, rows: usize, columns: usize) -> Array2<S> {
    let mut random = Pcg64::seed_from_u64(seed);
    let half = 3.0_f64.sqrt();
    Array2::from_shape_simple_fn((rows, columns), || S::of(random.random_range(-half..half)))
}

/// The largest difference between two tensors of one shape.
pub fn apart<S: Scalar, T: Scalar>(one: ArrayView2<'_, S>, other: ArrayView2<'_, T>) -> f64 {
    assert_eq!(one.dim(), other.dim());
    assert!(one.iter().all(|value| value.is_finite()));
    one.iter()
        .zip(other)
        .map(|(one, other)| (one.wide() - other.wide()).abs())
        .fold(0.0, f64::max)
}

/// [`apart`], as a share of the largest magnitude.
pub fn relative<S: Scalar, T: Scalar>(one: ArrayView2<'_, S>, truth: ArrayView2<'_, T>) -> f64 {
    let largest = truth.iter().map(|value| value.wide().abs());
    apart(one, truth) / largest.fold(0.0, f64::max)
}
