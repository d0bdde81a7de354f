//! The numbers beside a model's sizes: where they are found, and what is refused.

use super::{FAMILIES, config};
use memwall_models::reference::{Function, Recipe};
use memwall_models::registry;

fn edited(family: &str, from: &str, to: &str) -> Result<Recipe, String> {
    let text = config(family);
    assert!(text.contains(from), "{from}");
    let read = Recipe::from_json("config.json", &text.replace(from, to));
    read.map_err(|error| error.to_string())
}

#[test]
fn every_registered_model_has_a_recipe() {
    for name in registry::names() {
        let text = registry::text(name).expect("registered");
        let recipe = Recipe::from_json(name, text).expect("a recipe");
        assert_eq!(recipe.model, registry::get(name).expect("registered"));
    }
    for family in FAMILIES {
        assert!(Recipe::from_json(family, &config(family)).is_ok());
    }
}

#[test]
fn the_exact_gelu_is_the_one_called_gelu() {
    let function = |name: &str| edited("gpt2", "gelu_new", name).map(|recipe| recipe.function);
    assert_eq!(function("gelu"), Ok(Function::GeluErf));
    assert_eq!(function("gelu_new"), Ok(Function::GeluTanh));
    assert_eq!(function("gelu_fast"), Ok(Function::GeluTanh));
}

#[test]
fn what_the_reference_does_not_compute_is_refused_by_name() {
    let refused = |family, from, to| edited(family, from, to).expect_err("refused");
    insta::assert_snapshot!(
        [
            refused("llama", r#""rms_norm_eps": 1e-5"#, r#""rms_norm_ep": 1e-5"#),
            refused("llama", "1e-5", "-1"),
            refused("llama", "1e-5", r#"1e-5, "rope_scaling": {"rope_type": "yarn", "factor": 4}"#),
            refused("llama", "1e-5", r#"1e-5, "rope_scaling": {"type": "linear"}"#),
            refused("llama", "1e-5", r#"1e-5, "partial_rotary_factor": 0.5"#),
            refused("llama", "1e-5", r#"1e-5, "head_dim": 5"#),
            refused("gpt2", "1e-5", r#"1e-5, "scale_attn_by_inverse_layer_idx": true"#),
        ]
        .join("\n"),
        @r#"
        config.json:3: `rms_norm_eps` must be a positive number, found a field `rms_norm_ep`
        did you mean `rms_norm_eps`?
        config.json:3: `rms_norm_eps` must be a positive number, found -1
        config.json:3: `rope_scaling` must be an object whose rope_type is one of default, linear, llama3, found {"factor":4,"rope_type":"yarn"}
        config.json:3: `rope_scaling` must be an object with a positive number `factor` for `linear`, found {"type":"linear"}
        config.json:3: `partial_rotary_factor` must be 1: rotation of a part of a head is not supported, found 0.5
        config.json:3: `head_dim` must be even: rotation turns pairs of channels, found 5
        config.json:2: `scale_attn_by_inverse_layer_idx` must be false: the reference scales scores by the root of the head, found true
    "#
    );
}
