//! The reference against an implementation that is not this project's: transformers on
//! PyTorch, whose logits `tools/witness/make.py` recorded.

use super::apart;
use crate::support::root;
use memwall_models::reference::{
    Ask, Ffn, Lane, Precision, Recipe, Reference, Scalar, Weights, parse, read,
};
use ndarray::{Array2, ArrayView2, Axis, Ix2};
use std::path::PathBuf;

const TOLERANCE: f64 = 1e-4;

const MODELS: [&str; 8] = [
    "llama",
    "llama-stretched",
    "mistral-windowed",
    "qwen2",
    "opt",
    "gpt2",
    "gpt2-erf",
    "mixtral",
];

fn folder(model: &str) -> PathBuf {
    root().join("tests/numerics/witness").join(model)
}

fn reference<S: Scalar>(model: &str) -> Reference<S> {
    let path = folder(model).join("config.json");
    let text = std::fs::read_to_string(&path).expect("recorded");
    let recipe = Recipe::from_json(&path.display().to_string(), &text).expect("read");
    let tensors = read(|file| std::fs::read(folder(model).join(file))).expect("read");
    let precision = Precision::default();
    let weights = Weights::new(&recipe, model, &tensors, precision.weights).expect("complete");
    Reference {
        recipe,
        weights,
        precision,
    }
}

/// Token ids of each prompt, and the recorded logits of each of its tokens.
fn recorded(model: &str) -> Vec<(Vec<u32>, Array2<f32>)> {
    let file = "logits.safetensors";
    let bytes = std::fs::read(folder(model).join(file)).expect("recorded");
    let tensors = parse(file, &bytes).expect("safetensors");
    let logits = tensors["logits"].axis_iter(Axis(0));
    let tokens = tensors["tokens"].axis_iter(Axis(0));
    logits
        .zip(tokens)
        .map(|(logits, tokens)| {
            let tokens = tokens.iter().map(|token| *token as u32).collect();
            (
                tokens,
                logits
                    .to_owned()
                    .into_dimensionality::<Ix2>()
                    .expect("two axes"),
            )
        })
        .collect()
}

/// All prompts as one batch.
fn logits<S: Scalar>(reference: &Reference<S>, prompts: &[(Vec<u32>, Array2<f32>)]) -> Array2<S> {
    let mut caches: Vec<_> = prompts.iter().map(|_| reference.cache()).collect();
    let mut lanes: Vec<_> = caches
        .iter_mut()
        .zip(prompts)
        .map(|(cache, (tokens, _))| Lane {
            tokens,
            padding: 0,
            cache,
        })
        .collect();
    let ask = Ask {
        all_logits: true,
        ..Ask::default()
    };
    reference.step(&mut lanes, ask).expect("a step").logits
}

fn error<S: Scalar>(reference: &Reference<S>, model: &str) -> f64 {
    let prompts = recorded(model);
    let views: Vec<ArrayView2<f32>> = prompts.iter().map(|(_, logits)| logits.view()).collect();
    let truth = ndarray::concatenate(Axis(0), &views).expect("one width");
    let deviation = truth.std(0.0);
    assert!(
        deviation > 0.5,
        "{model}: logits that say something, {deviation}"
    );
    apart(logits(reference, &prompts).view(), truth.view())
}

#[test]
fn logits_are_those_of_the_witness() {
    for model in MODELS {
        let single = error(&reference::<f32>(model), model);
        let double = error(&reference::<f64>(model), model);
        println!("{model}: {single:.1e} in f32, {double:.1e} in f64");
        assert!(single <= TOLERANCE, "{model}: {single:e}");
        assert!(double <= TOLERANCE, "{model}: {double:e}");
    }
}

#[test]
fn the_witness_would_notice() {
    type Defect = (&'static str, &'static str, fn(&mut Reference<f64>));
    let defects: [Defect; 7] = [
        ("interleaved pairs", "llama", |reference| {
            let rotary = reference.recipe.rotary.as_mut().expect("rotary");
            rotary.pairing = memwall_models::reference::Pairing::Interleaved;
        }),
        ("unscaled frequencies", "llama-stretched", |reference| {
            let rotary = reference.recipe.rotary.as_mut().expect("rotary");
            let plain = |pair| 500_f64.powf(-2.0 * f64::from(pair) / 8.0);
            rotary.frequencies = (0..4).map(plain).collect();
        }),
        (
            "a window one token wider",
            "mistral-windowed",
            |reference| {
                reference.recipe.model.sliding_window = Some(8);
            },
        ),
        ("the other gelu", "gpt2-erf", |reference| {
            for layer in &mut reference.weights.layers {
                if let Ffn::Dense(block) = &mut layer.ffn {
                    block.function = memwall_models::reference::Function::GeluTanh;
                }
            }
        }),
        ("another epsilon", "qwen2", |reference| {
            for layer in &mut reference.weights.layers {
                layer.attention_norm.epsilon = 1e-3;
            }
        }),
        ("the next expert", "mixtral", |reference| {
            for layer in &mut reference.weights.layers {
                if let Ffn::Mixture(mixture) = &mut layer.ffn {
                    mixture.experts.rotate_left(1);
                }
            }
        }),
        ("positions two rows early", "opt", |reference| {
            let table = reference.weights.positions.as_mut().expect("learned");
            let rows: Vec<usize> = (0..64).collect();
            let moved = table.select(Axis(0), &[&[0, 0][..], &rows].concat());
            *table = moved;
        }),
    ];
    for (name, model, defect) in defects {
        let mut reference = reference::<f64>(model);
        defect(&mut reference);
        let error = error(&reference, model);
        assert!(error > 2.0 * TOLERANCE, "{name} in {model}: {error:e}");
    }
}
