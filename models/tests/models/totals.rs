//! Sizes of the embedded models against the figures they are known by.

use memwall_models::registry;

/// Name, parameters in 1e9, KV bytes per token at two bytes an element.
const KNOWN: &[(&str, &str, u64)] = &[
    ("gpt3-13b", "12.853", 819_200),
    ("gpt3-175b", "174.604", 4_718_592),
    ("gpt3-30b", "29.974", 1_376_256),
    ("gpt3-6.7b", "6.658", 524_288),
    ("llama-2-13b", "13.016", 819_200),
    ("llama-2-70b", "68.977", 327_680),
    ("llama-2-7b", "6.738", 524_288),
    ("llama-3.1-70b", "70.554", 327_680),
    ("llama-3.1-8b", "8.030", 131_072),
    ("mixtral-8x22b", "140.630", 229_376),
    ("mixtral-8x7b", "46.703", 131_072),
    ("opt-13b", "12.853", 819_200),
    ("opt-175b", "174.604", 4_718_592),
    ("opt-30b", "29.975", 1_376_256),
    ("opt-6.7b", "6.658", 524_288),
    ("opt-66b", "65.720", 2_359_296),
    ("qwen2.5-14b", "14.770", 196_608),
    ("qwen2.5-14b-instruct-1m", "14.770", 196_608),
    ("qwen2.5-7b", "7.616", 57_344),
    ("qwen2.5-7b-instruct-1m", "7.616", 57_344),
];

#[test]
fn every_embedded_model_has_its_known_size() {
    assert!(registry::names().eq(KNOWN.iter().map(|(name, ..)| *name)));
    assert!(registry::names().is_sorted());
    for (name, billions, kv_bytes) in KNOWN {
        let model = registry::get(name).unwrap();
        assert_eq!(model.name, *name);
        let total = model.parameters().total();
        assert_eq!(format!("{:.3}", total as f64 / 1e9), *billions, "{name}");
        assert_eq!(model.kv_bytes_per_token(), *kv_bytes, "{name}");
        assert_eq!(model.weight_bytes(), 2 * total, "{name}");
    }
}

#[test]
fn a_token_meets_two_of_eight_experts() {
    for (name, billions) in [("mixtral-8x7b", "12.880"), ("mixtral-8x22b", "39.161")] {
        let active = registry::get(name).unwrap().active_parameters();
        assert_eq!(format!("{:.3}", active as f64 / 1e9), billions, "{name}");
    }
    let dense = registry::get("llama-2-7b").unwrap();
    assert_eq!(dense.active_parameters(), dense.parameters().total());
}

#[test]
fn llama_2_7b_counts_to_the_last_weight() {
    let parameters = registry::get("llama-2-7b").unwrap().parameters();
    assert_eq!(parameters.embedding, 32_000 * 4_096);
    assert_eq!(parameters.positions, 0);
    assert_eq!(parameters.attention, 32 * 4 * 4_096 * 4_096);
    assert_eq!(parameters.ffn, 32 * 3 * 4_096 * 11_008);
    assert_eq!(parameters.norms, 65 * 4_096);
    assert_eq!(parameters.lm_head, parameters.embedding);
    assert_eq!(parameters.total(), 6_738_415_616);
}

#[test]
fn tied_heads_have_no_weights_of_their_own() {
    let parameters = registry::get("opt-6.7b").unwrap().parameters();
    assert_eq!(parameters.lm_head, 0);
    assert_eq!(parameters.positions, 2_050 * 4_096);
}

#[test]
fn a_name_nearly_right_finds_its_model() {
    let error = registry::get("lama-3.1-8b").unwrap_err();
    assert_eq!(error.nearest(), Some("llama-3.1-8b"));
    assert_eq!(
        error.to_string(),
        "no model is named `lama-3.1-8b`\ndid you mean `llama-3.1-8b`?"
    );
    assert_eq!(registry::get("bloom").unwrap_err().nearest(), None);
}
