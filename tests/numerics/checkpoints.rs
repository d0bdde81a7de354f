//! Weights in files: what is written comes back, in one file or several, and what does not fit
//! a model is refused by name.

use super::{FAMILIES, config, decoder};
use memwall_models::Dtype;
use memwall_models::reference::{
    Ffn, INDEX, Precision, Recipe, SINGLE, Storage, Tensors, Weights, parse, read, synthetic, write,
};
use std::collections::BTreeMap;
use std::io;

fn recipe(family: &str) -> Recipe {
    Recipe::from_json(family, &config(family)).expect("a configuration")
}

type Files = BTreeMap<String, Vec<u8>>;

fn open(files: &Files) -> Result<Tensors, String> {
    let found = read(|name| {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no such file");
        files.get(name).cloned().ok_or_else(missing)
    });
    found.map_err(|error| error.to_string())
}

/// A checkpoint in two files with an index.
fn sharded(tensors: &Tensors) -> Files {
    let names = [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ];
    let mut shards = [Tensors::new(), Tensors::new()];
    let mut map = serde_json::Map::new();
    for (index, (name, tensor)) in tensors.iter().enumerate() {
        shards[index % 2].insert(name.clone(), tensor.clone());
        map.insert(name.clone(), names[index % 2].into());
    }
    let index = serde_json::json!({ "metadata": {}, "weight_map": map });
    let mut files = Files::from([(INDEX.to_owned(), index.to_string().into_bytes())]);
    for (name, shard) in names.into_iter().zip(&shards) {
        let bytes = write(name, shard, Dtype::F32).expect("written");
        files.insert(name.to_owned(), bytes);
    }
    files
}

#[test]
fn what_is_written_comes_back_from_one_file_or_several() {
    for family in FAMILIES {
        let tensors = synthetic(&recipe(family).model, 3);
        let bytes = write(SINGLE, &tensors, Dtype::F32).expect("written");
        let single = Files::from([(SINGLE.to_owned(), bytes)]);
        assert_eq!(open(&single).as_ref(), Ok(&tensors));
        assert_eq!(open(&sharded(&tensors)).as_ref(), Ok(&tensors));
    }
}

#[test]
fn a_file_of_halves_is_the_model_rounded_to_halves() {
    for dtype in [Dtype::F16, Dtype::Bf16] {
        let recipe = recipe("llama");
        let tensors = synthetic(&recipe.model, 4);
        let halves = write(SINGLE, &tensors, dtype).expect("written");
        let halves = parse(SINGLE, &halves).expect("read");
        let stored = Weights::<f32>::new(&recipe, "f", &halves, Storage::Exact);
        let rounded = Weights::<f32>::new(&recipe, "f", &tensors, Storage::Element(dtype));
        assert_eq!(stored, rounded);
    }
}

#[test]
fn files_of_the_bare_model_and_their_buffers_are_understood() {
    for (family, prefix) in [
        ("gpt2", "transformer."),
        ("opt", "model."),
        ("llama", "model."),
    ] {
        let recipe = recipe(family);
        let tensors = synthetic(&recipe.model, 5);
        let mut bare: Tensors = tensors
            .iter()
            .map(|(name, tensor)| {
                let name = name.strip_prefix(prefix).unwrap_or(name);
                (name.to_owned(), tensor.clone())
            })
            .collect();
        if family == "gpt2" {
            let mask = ndarray::ArrayD::zeros(vec![1, 1, 96, 96]);
            bare.insert("h.0.attn.bias".to_owned(), mask);
        }
        let weights = Weights::<f32>::new(&recipe, "bare", &bare, Storage::Exact);
        assert_eq!(weights.expect("complete"), {
            decoder::<f32>(family, 5, Precision::default()).weights
        });
    }
}

#[test]
fn conv1d_lies_the_other_way() {
    let recipe = recipe("gpt2");
    let tensors = synthetic(&recipe.model, 6);
    let weights = Weights::<f32>::new(&recipe, "f", &tensors, Storage::Exact).expect("complete");
    let published = &tensors["transformer.h.0.mlp.c_fc.weight"];
    assert_eq!(published.shape(), [64, 256]);
    let Ffn::Dense(block) = &weights.layers[0].ffn else {
        panic!("a mixture");
    };
    assert_eq!(block.up.matrix.decode().into_dyn(), published);
    let tensors = synthetic(&self::recipe("opt").model, 6);
    assert_eq!(
        tensors["model.decoder.layers.0.fc1.weight"].shape(),
        [96, 64]
    );
}

#[test]
fn tensors_that_do_not_fit_are_refused_by_name() {
    let recipe = recipe("qwen2");
    let whole = synthetic(&recipe.model, 7);
    let name = "model.layers.1.self_attn.k_proj.weight";
    let refused = |edit: &dyn Fn(&mut Tensors)| {
        let mut tensors = whole.clone();
        edit(&mut tensors);
        let weights = Weights::<f32>::new(&recipe, SINGLE, &tensors, Storage::Exact);
        weights.expect_err("refused").to_string()
    };
    let messages = [
        refused(&|tensors| {
            tensors.remove(name);
        }),
        refused(&|tensors| {
            let tensor = tensors.remove(name).expect("there");
            tensors.insert(name.replace("k_proj", "kproj"), tensor);
        }),
        refused(&|tensors| {
            tensors.insert(name.to_owned(), ndarray::ArrayD::zeros(vec![64, 32]));
        }),
        refused(&|tensors| {
            let tensor = tensors[name].clone();
            tensors.insert(name.replace(".1.", ".3."), tensor);
        }),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    model.safetensors: tensor `model.layers.1.self_attn.k_proj.weight` of shape [32, 64] is missing
    model.safetensors: tensor `model.layers.1.self_attn.k_proj.weight` of shape [32, 64] is missing
    nearest name: `model.layers.1.self_attn.kproj.weight`
    model.safetensors: tensor `model.layers.1.self_attn.k_proj.weight` must have shape [32, 64], found [64, 32]
    model.safetensors: tensor `model.layers.3.self_attn.k_proj.weight` of shape [32, 64] is none of this model's
    nearest name: `model.layers.0.self_attn.k_proj.weight`
"#);
}

#[test]
fn files_that_do_not_fit_are_refused_by_name() {
    let tensors = synthetic(&recipe("llama").model, 8);
    let first = "model-00001-of-00002.safetensors";
    let whole = sharded(&tensors);
    let refused = |edit: &dyn Fn(&mut Files)| {
        let mut files = whole.clone();
        edit(&mut files);
        open(&files).expect_err("refused")
    };
    let integers = {
        let view = safetensors_of_integers();
        Files::from([(SINGLE.to_owned(), view)])
    };
    let messages = [
        open(&Files::new()).expect_err("nothing there"),
        open(&integers).expect_err("integers"),
        refused(&|files| {
            files.remove(first);
        }),
        refused(&|files| {
            files.insert(first.to_owned(), b"short".to_vec());
        }),
        refused(&|files| {
            files.insert(INDEX.to_owned(), b"[]".to_vec());
        }),
        refused(&|files| {
            let index = br#"{"weight_map": {"a": "../secret"}}"#;
            files.insert(INDEX.to_owned(), index.to_vec());
        }),
        refused(&|files| {
            let index = format!(r#"{{"weight_map": {{"lm_head.weigh": "{first}"}}}}"#);
            files.insert(INDEX.to_owned(), index.into_bytes());
        }),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r#"
    model.safetensors: cannot be read: no such file
    model.safetensors: tensor `ids` must hold F32, F16 or BF16, found I32
    model-00001-of-00002.safetensors: cannot be read: no such file
    model-00001-of-00002.safetensors: not a safetensors file: header too small
    model.safetensors.index.json: must map tensors to files under `weight_map`: there is no such object
    model.safetensors.index.json: must map tensors to files under `weight_map`: `a` must name a file, found "../secret"
    model.safetensors.index.json: must map tensors to files under `weight_map`: `lm_head.weigh` is not in model-00001-of-00002.safetensors; the nearest name there is `lm_head.weight`
"#);
}

/// One tensor of two 32-bit integers, header by hand.
fn safetensors_of_integers() -> Vec<u8> {
    let header = br#"{"ids":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}"#;
    let length = header.len() as u64;
    [&length.to_le_bytes()[..], header, &[0; 8]].concat()
}
