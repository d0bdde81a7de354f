//! What is read from the variants of the schema.

use memwall_models::{Activation, Architecture, Dtype, Model, Norm, Positions, registry};

const MISTRAL: &str = r#"{
  "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
  "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
  "hidden_act": "silu", "max_position_embeddings": 32768, "sliding_window": 4096,
  "rope_parameters": { "rope_theta": 10000.0, "rope_type": "default" },
  "vocab_size": 32000, "dtype": "bfloat16"
}"#;

#[test]
fn mistral_with_the_newer_names() {
    let model = Model::from_json("hub/mistral-7b/config.json", MISTRAL).unwrap();
    assert_eq!(model.name, "mistral-7b");
    assert_eq!(model.architecture, Architecture::Mistral);
    assert_eq!(model.sliding_window, Some(4_096));
    assert_eq!((model.head_dim, model.queries_per_kv_head()), (128, 4));
    assert_eq!(
        (model.norm, model.positions),
        (Norm::Rms, Positions::Rotary)
    );
    assert_eq!(
        (model.activation, model.dtype),
        (Activation::Silu, Dtype::Bf16)
    );
    assert!(model.gated && !model.tied_embeddings && !model.qkv_bias);
}

#[test]
fn a_null_window_is_no_window() {
    let text = MISTRAL.replace("\"sliding_window\": 4096", "\"sliding_window\": null");
    assert_eq!(Model::from_json("m", &text).unwrap().sliding_window, None);
}

#[test]
fn nested_text_config_with_outer_dtype() {
    let inner = MISTRAL.replace(", \"dtype\": \"bfloat16\"", "");
    let text =
        format!("{{\"model_type\": \"llava\", \"dtype\": \"float32\", \"text_config\": {inner}}}");
    let model = Model::from_json("llava.json", &text).unwrap();
    assert_eq!((model.name.as_str(), model.dtype.bytes()), ("llava", 4));
    assert_eq!(model.hidden, 4_096);
}

#[test]
fn gpt2_and_opt_imply_tying_and_biases() {
    let text = registry::text("gpt3-6.7b").unwrap();
    let text = text
        .replace("16384", "null")
        .replace("tie_word_embeddings", "unknown");
    let gpt = Model::from_json("gpt", &text).unwrap();
    assert_eq!(gpt.ffn_width, 4 * 4_096);
    assert!(gpt.tied_embeddings && gpt.qkv_bias && gpt.out_bias && gpt.ffn_bias && !gpt.gated);
    assert_eq!(gpt.positions, Positions::Learned { rows: 2_048 });

    let opt = registry::get("opt-13b").unwrap();
    assert!(opt.tied_embeddings && opt.qkv_bias && opt.out_bias && opt.ffn_bias);
    assert_eq!((opt.activation, opt.norm), (Activation::Relu, Norm::Layer));
}

#[test]
fn qwen2_windows_all_layers_or_none() {
    let text = registry::text("qwen2.5-7b").unwrap();
    let with = |fields: &str| {
        let text = text.replace("\"use_sliding_window\": false", fields);
        Model::from_json("qwen", &text).map(|model| model.sliding_window)
    };
    let windowed = "\"use_sliding_window\": true, \"sliding_window\": 512, \"max_window_layers\"";
    assert_eq!(
        with("\"use_sliding_window\": false, \"sliding_window\": 512"),
        Ok(None)
    );
    assert_eq!(with(&format!("{windowed}: 0")), Ok(Some(512)));
    assert_eq!(with(&format!("{windowed}: 28")), Ok(None));
    assert_eq!(
        with(&format!("{windowed}: 14")).unwrap_err().field(),
        Some("max_window_layers")
    );
    assert!(registry::get("qwen2.5-7b").unwrap().qkv_bias);
}

#[test]
fn a_head_dim_of_its_own_is_read() {
    let text = MISTRAL.replace("\"vocab_size\"", "\"head_dim\": 160, \"vocab_size\"");
    let model = Model::from_json("m", &text).unwrap();
    assert_eq!(model.head_dim, 160);
    let attention = 2 * 4_096 * 32 * 160 + 2 * 4_096 * 8 * 160;
    assert_eq!(model.parameters().attention, 32 * attention);
}
