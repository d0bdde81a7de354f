//! The bytes that the reference touched against the bytes that the operator graph states:
//! two countings with no code in common.

use super::{FAMILIES, config, prompt};
use memwall_models::reference::{
    Ask, Format, Lane, Ledger, Precision, Recipe, Reference, Trace, Weights, synthetic,
};
use memwall_models::{Model, OperatorGraph, Routing, Sequence, StepGraph, TensorBytes};
use proptest::prelude::*;

/// Runs a step of `batch` and returns what it touched.
fn touched(recipe: &Recipe, batch: &[Sequence], format: Option<Format>) -> (Ledger, Vec<Vec<u64>>) {
    let tensors = synthetic(&recipe.model, 1);
    let precision = Precision::default();
    let weights = Weights::<f32>::new(recipe, "drawn", &tensors, precision.weights);
    let mut weights = weights.expect("complete");
    if let Some(format) = format {
        weights = weights.quantise(format);
    }
    let reference = Reference {
        recipe: recipe.clone(),
        weights,
        precision,
    };
    let mut caches: Vec<_> = batch.iter().map(|_| reference.cache()).collect();
    for (sequence, cache) in batch.iter().zip(&mut caches) {
        if sequence.context > 0 {
            let tokens = prompt(2, sequence.context as usize);
            let mut lanes = [Lane {
                tokens: &tokens,
                padding: 0,
                cache,
            }];
            reference.step(&mut lanes, Ask::default()).expect("context");
        }
    }
    let tokens: Vec<Vec<u32>> = batch
        .iter()
        .map(|sequence| prompt(3, sequence.new_tokens as usize))
        .collect();
    let mut lanes: Vec<_> = caches
        .iter_mut()
        .zip(&tokens)
        .map(|(cache, tokens)| Lane {
            tokens,
            padding: 0,
            cache,
        })
        .collect();
    assert_eq!(Reference::sequences(&lanes), batch);
    let ask = Ask {
        trace: true,
        ..Ask::default()
    };
    let output = reference.step(&mut lanes, ask).expect("a step");
    (output.ledger, loads(&recipe.model, &output.trace))
}

/// Tokens of each expert, layer by layer, off the first columns of what the routers chose.
fn loads(model: &Model, trace: &Trace<f32>) -> Vec<Vec<u64>> {
    let Some(experts) = model.experts else {
        return Vec::new();
    };
    let of_layer = |layer| {
        let mut loads = vec![0; experts.count as usize];
        let chosen = trace.get(Some(layer), "top_k", 0).expect("a mixture");
        for row in chosen.rows() {
            let own = row.iter().take(experts.per_token as usize);
            own.for_each(|expert| loads[*expert as usize] += 1);
        }
        loads
    };
    (0..model.layers as usize).map(of_layer).collect()
}

/// Every operator of every layer, and no operator more.
fn agree(model: &Model, batch: &[Sequence], (ledger, loads): &(Ledger, Vec<Vec<u64>>)) {
    let graph = StepGraph::routed(model, 1, batch, Routing::Loads(loads)).expect("a step");
    let mut counted = 0;
    let mut compare = |part: &OperatorGraph, layer| {
        for operator in part.node_weights() {
            let found = ledger.bytes(layer, operator.name);
            assert_eq!(found, operator.bytes, "{layer:?} {}", operator.name);
            counted += 1;
        }
    };
    compare(&graph.prologue, None);
    let layers = graph.layers.iter();
    let each = layers.flat_map(|layers| (0..layers.count).map(|_| &layers.graph));
    for (layer, part) in each.enumerate() {
        compare(part, Some(layer));
    }
    compare(&graph.epilogue, None);
    assert_eq!(ledger.operators().count(), counted);
    assert_eq!(ledger.total(), graph.total_bytes());
}

fn sequences(parts: &[(u64, u64)]) -> Vec<Sequence> {
    parts
        .iter()
        .map(|&(new_tokens, context)| Sequence {
            new_tokens,
            context,
        })
        .collect()
}

#[test]
fn every_family_in_prefill_decode_and_mixtures() {
    let batches: [&[(u64, u64)]; 5] = [
        &[(17, 0)],
        &[(1, 31)],
        &[(1, 3), (1, 40), (1, 0), (1, 8)],
        &[(5, 20), (1, 33), (12, 0)],
        &[(20, 4), (9, 9), (2, 7)],
    ];
    for family in FAMILIES {
        let recipe = Recipe::from_json(family, &config(family)).expect("a configuration");
        for batch in batches.map(sequences) {
            agree(&recipe.model, &batch, &touched(&recipe, &batch, None));
        }
    }
}

/// The sizes that the families above leave out, from the field up.
fn recipe(kv_heads: u64, head_dim: u64, bias: bool, tied: bool, dtype: &str) -> Recipe {
    let text = format!(
        r#"{{ "model_type": "llama", "hidden_size": 32, "intermediate_size": 40,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": {kv_heads},
        "head_dim": {head_dim}, "hidden_act": "silu", "max_position_embeddings": 96,
        "rms_norm_eps": 1e-5, "attention_bias": {bias}, "mlp_bias": {bias},
        "tie_word_embeddings": {tied}, "vocab_size": 61, "torch_dtype": "{dtype}" }}"#
    );
    Recipe::from_json("drawn", &text).expect("a configuration")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_shape_and_any_batch(
        kv_heads in prop::sample::select(vec![1_u64, 2, 4]),
        half_head in 1_u64..9,
        bias: bool,
        tied: bool,
        dtype in prop::sample::select(vec!["float16", "bfloat16", "float32"]),
        window in prop::option::of(1_u64..20),
        parts in prop::collection::vec((1_u64..12, 0_u64..30), 1..5),
    ) {
        let mut recipe = recipe(kv_heads, 2 * half_head, bias, tied, dtype);
        recipe.model.sliding_window = window;
        let batch = sequences(&parts);
        agree(&recipe.model, &batch, &touched(&recipe, &batch, None));
    }
}

/// Registered models with every size divided: their own ratios, biases, tables and windows.
#[test]
fn registered_models_in_small() {
    for name in [
        "llama-3.1-8b",
        "opt-6.7b",
        "gpt3-6.7b",
        "qwen2.5-7b",
        "mixtral-8x7b",
    ] {
        let text = memwall_models::registry::text(name).expect("registered");
        let mut recipe = Recipe::from_json(name, text).expect("read");
        let model = &mut recipe.model;
        let divisor = model.hidden / 128;
        model.hidden = 128;
        model.embed_dim = 128;
        model.heads = model.kv_heads * model.queries_per_kv_head();
        model.head_dim = 4;
        model.ffn_width = model.ffn_width.div_ceil(divisor);
        model.vocab = 61;
        model.layers = 2;
        if let Some(rotary) = &mut recipe.rotary {
            rotary.frequencies.truncate(2);
        }
        let batch = sequences(&[(1, 12), (7, 3)]);
        agree(&recipe.model, &batch, &touched(&recipe, &batch, None));
    }
}

#[test]
fn quantised_weights_count_as_stored_and_nothing_else_changes() {
    let recipe = recipe(2, 8, true, false, "float16");
    let batch = sequences(&[(1, 5), (3, 0)]);
    let (dense, _) = touched(&recipe, &batch, None);
    let (int4, _) = touched(&recipe, &batch, Some(Format::Int4));
    // [32, 64] as nibbles, one group of scales, 64 biases.
    let qkv = int4.bytes(Some(0), "qkv").weights;
    assert_eq!(qkv, 32 * 64 / 2 + 2 * 64 + 2 * 64);
    for ((place, dense), (other, int4)) in dense.operators().zip(int4.operators()) {
        assert_eq!(place, other);
        let but_weights = |bytes: TensorBytes| TensorBytes {
            weights: 0,
            ..bytes
        };
        assert_eq!(but_weights(dense), but_weights(int4));
    }
}
