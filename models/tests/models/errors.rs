//! Every refusal names the field, the rule and what was found.

use memwall_models::{Model, ModelError, registry};

/// llama-2-7b with one piece of text replaced.
fn edited(from: &str, to: &str) -> Result<Model, ModelError> {
    let text = registry::text("llama-2-7b").unwrap_or_default();
    assert!(text.contains(from), "nothing to edit");
    Model::from_json("edited.json", &text.replace(from, to))
}

const SIZE: &str = "a whole number from 1 to 4294967295";

#[test]
fn missing_field() {
    let error = edited("  \"num_hidden_layers\": 32,\n", "").unwrap_err();
    assert_eq!(error.field(), Some("num_hidden_layers"));
    assert_eq!((error.rule(), error.found()), (SIZE, "nothing"));
    assert_eq!((error.line(), error.nearest()), (None, None));
    assert_eq!(
        error.to_string(),
        format!("edited.json: `num_hidden_layers` must be {SIZE}, found nothing")
    );
}

#[test]
fn misspelt_field() {
    let error = edited("\"num_hidden_layers\"", "\"num_hiden_layers\"").unwrap_err();
    assert_eq!(error.found(), "a field `num_hiden_layers`");
    assert_eq!(error.nearest(), Some("num_hidden_layers"));
    assert_eq!(error.line(), Some(8));
}

#[test]
fn sizes_out_of_range() {
    for found in [
        "-32",
        "0",
        "32.5",
        "32.0",
        "4294967296",
        "1e400",
        "\"32\"",
        "true",
        "[32]",
    ] {
        let to = format!("\"num_hidden_layers\": {found}");
        let error = edited("\"num_hidden_layers\": 32", &to).unwrap_err();
        if found == "1e400" {
            // Beyond a double: the parser's own complaint.
            assert!(
                matches!(error, ModelError::Syntax { line: 8, .. }),
                "{error}"
            );
            continue;
        }
        assert_eq!(
            (error.field(), error.rule()),
            (Some("num_hidden_layers"), SIZE)
        );
        assert_eq!((error.found(), error.line()), (found, Some(8)));
    }
}

#[test]
fn unknown_architecture() {
    let error = edited("\"model_type\": \"llama\"", "\"model_type\": \"lama\"").unwrap_err();
    assert_eq!(error.nearest(), Some("llama"));
    assert_eq!(
        error.to_string(),
        "edited.json:5: `model_type` must be a decoder (llama, mistral, qwen2, mixtral, opt, gpt2), \
         found \"lama\"\ndid you mean `llama`?"
    );
    let relative = edited("\"model_type\": \"llama\"", "\"model_type\": \"qwen3\"").unwrap_err();
    assert_eq!(relative.nearest(), None);
}

#[test]
fn mixtures_of_experts() {
    for name in [
        "qwen3_moe",
        "qwen2_moe",
        "deepseek_v3",
        "switch_transformers",
    ] {
        let to = format!("\"model_type\": \"{name}\"");
        let error = edited("\"model_type\": \"llama\"", &to).unwrap_err();
        assert!(
            error
                .rule()
                .ends_with("mixtures of experts are not supported yet")
        );
        assert_eq!(error.nearest(), None);
    }
}

#[test]
fn syntax() {
    let error = Model::from_json("broken.json", "{\n  \"model_type\": llama\n}").unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(2), Some(17)));
    assert_eq!(
        error.to_string(),
        "broken.json:2:17: not JSON: expected value"
    );
    let empty = Model::from_json("empty.json", "").unwrap_err();
    assert_eq!(empty.line(), Some(1));
    let list = Model::from_json("list.json", "[1]").unwrap_err();
    assert_eq!(
        (list.field(), list.rule(), list.found()),
        (Some("$"), "a JSON object", "[1]")
    );
    assert!(Model::from_json("deep.json", &"[".repeat(100_000)).is_err());
}

#[test]
fn sizes_that_contradict_each_other() {
    let kv = edited("\"num_key_value_heads\": 32", "\"num_key_value_heads\": 5").unwrap_err();
    assert_eq!(kv.rule(), "a divisor of num_attention_heads (32)");
    let hidden = edited("\"hidden_size\": 4096", "\"hidden_size\": 4097").unwrap_err();
    assert_eq!(hidden.rule(), "a multiple of num_attention_heads (32)");
    let deep = edited(
        "\"num_hidden_layers\": 32",
        "\"num_hidden_layers\": 4294967295",
    );
    assert!(deep.is_ok_and(|model| model.weight_bytes() < u64::MAX));
    let text = registry::text("llama-2-7b").unwrap();
    let text = text
        .replace("4096", "4294967264")
        .replace(": 32,", ": 4294967264,");
    let overflow = Model::from_json("huge.json", &text).unwrap_err();
    assert_eq!(overflow.field(), Some("num_hidden_layers"));
}

#[test]
fn names_of_types_and_functions() {
    let dtype = edited("\"float16\"", "\"flaot16\"").unwrap_err();
    assert_eq!(
        (dtype.field(), dtype.nearest()),
        (Some("torch_dtype"), Some("float16"))
    );
    let missing = edited("  \"torch_dtype\": \"float16\",\n", "").unwrap_err();
    assert_eq!(missing.rule(), "one of float16, bfloat16, float32");
    let activation = edited("\"silu\"", "\"tanh\"").unwrap_err();
    assert_eq!(activation.field(), Some("hidden_act"));
}

#[test]
fn variants_that_would_be_sized_wrongly() {
    let quantised = edited(
        "\"model_type\"",
        "\"quantization_config\": {\"quant_method\": \"fp8\"}, \"model_type\"",
    );
    assert_eq!(quantised.unwrap_err().field(), Some("quantization_config"));
    let opt = registry::text("opt-6.7b").unwrap();
    let projected = opt.replace(
        "\"word_embed_proj_dim\": 4096",
        "\"word_embed_proj_dim\": 512",
    );
    let error = Model::from_json("opt", &projected).unwrap_err();
    assert_eq!(
        (error.field(), error.found()),
        (Some("word_embed_proj_dim"), "512")
    );
    let post = opt.replace(
        "\"do_layer_norm_before\": true",
        "\"do_layer_norm_before\": false",
    );
    assert_eq!(
        Model::from_json("opt", &post).unwrap_err().field(),
        Some("do_layer_norm_before")
    );
}

#[test]
fn nested_fields_carry_their_path() {
    let inner = registry::text("llama-2-7b")
        .unwrap()
        .replace(": 11008", ": -1");
    let text = format!("{{\n\"text_config\": {inner}}}");
    let error = Model::from_json("nested.json", &text).unwrap_err();
    assert_eq!(error.field(), Some("text_config.intermediate_size"));
    assert_eq!(error.line(), Some(8));
}
