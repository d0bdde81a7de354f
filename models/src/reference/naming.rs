//! The tensors that each architecture publishes: names, shapes, and which way matrices lie.
//!
//! One list serves every use: a checkpoint is checked against it, a synthetic model is drawn
//! in its order, and the weights are laid out from its names. The names are those of the
//! published files (transformers' `*ForCausalLM`).

use crate::architecture::Architecture;
use crate::model::{Model, Norm, Positions};

/// What a tensor is for; decides how a synthetic one is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A table of rows, one a token or a position.
    Table,
    /// A matrix that reads this many channels.
    Matrix {
        /// Input channels.
        inputs: usize,
        /// Whether its result is added to the residual stream.
        residual: bool,
    },
    /// A norm's scale.
    Scale,
    /// A bias or a norm's shift.
    Offset,
}

/// One tensor of a published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Published name.
    pub name: String,
    /// Published shape.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
}

/// Published names of one architecture.
pub(super) struct Names {
    /// In front of every name but the head's. Older files leave it out.
    pub(super) prefix: &'static str,
    pub(super) tokens: &'static str,
    pub(super) positions: &'static str,
    pub(super) layer: &'static str,
    pub(super) attention_norm: &'static str,
    /// Q, K and V, or all three in one.
    pub(super) qkv: &'static [&'static str],
    pub(super) projection: &'static str,
    pub(super) ffn_norm: &'static str,
    /// The gate, if any, before the other; within an expert where there are experts.
    pub(super) up: &'static [&'static str],
    pub(super) down: &'static str,
    pub(super) router: &'static str,
    /// In front of an expert's number.
    pub(super) experts: &'static str,
    pub(super) final_norm: &'static str,
    /// Whether matrices lie as `[in, out]` (GPT-2's `Conv1D`) and not as `[out, in]`.
    pub(super) inputs_first: bool,
}

/// The head's name in every architecture.
pub(super) const HEAD: &str = "lm_head.weight";

const LLAMA: Names = Names {
    prefix: "model.",
    tokens: "embed_tokens",
    positions: "",
    layer: "layers",
    attention_norm: "input_layernorm",
    qkv: &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    projection: "self_attn.o_proj",
    ffn_norm: "post_attention_layernorm",
    up: &["mlp.gate_proj", "mlp.up_proj"],
    down: "mlp.down_proj",
    router: "",
    experts: "",
    final_norm: "norm",
    inputs_first: false,
};

pub(super) const fn names(architecture: Architecture) -> Names {
    match architecture {
        Architecture::Llama | Architecture::Mistral | Architecture::Qwen2 => LLAMA,
        Architecture::Mixtral => Names {
            router: "block_sparse_moe.gate",
            experts: "block_sparse_moe.experts",
            up: &["w1", "w3"],
            down: "w2",
            ..LLAMA
        },
        Architecture::Opt => Names {
            prefix: "model.",
            tokens: "decoder.embed_tokens",
            positions: "decoder.embed_positions",
            layer: "decoder.layers",
            attention_norm: "self_attn_layer_norm",
            qkv: &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
            projection: "self_attn.out_proj",
            ffn_norm: "final_layer_norm",
            up: &["fc1"],
            down: "fc2",
            final_norm: "decoder.final_layer_norm",
            router: "",
            experts: "",
            inputs_first: false,
        },
        Architecture::Gpt2 => Names {
            prefix: "transformer.",
            tokens: "wte",
            positions: "wpe",
            layer: "h",
            attention_norm: "ln_1",
            qkv: &["attn.c_attn"],
            projection: "attn.c_proj",
            ffn_norm: "ln_2",
            up: &["mlp.c_fc"],
            down: "mlp.c_proj",
            final_norm: "ln_f",
            router: "",
            experts: "",
            inputs_first: true,
        },
    }
}

/// Every tensor that a checkpoint of `model` must hold, in the order in which the model uses
/// them. A tied head is not one of them.
#[must_use]
pub fn slots(model: &Model) -> Vec<Slot> {
    let names = names(model.architecture);
    let [hidden, query, kv, width, vocab] = [
        model.hidden,
        model.heads * model.head_dim,
        model.kv_heads * model.head_dim,
        model.ffn_width,
        model.vocab,
    ]
    .map(|size| size as usize);
    let mut list = List {
        names: &names,
        norm: model.norm,
        slots: Vec::new(),
    };
    list.table(names.tokens, vocab, hidden);
    if let Positions::Learned { rows } = model.positions {
        list.table(names.positions, rows as usize, hidden);
    }
    for layer in 0..model.layers {
        let name = |part: &str| format!("{}.{layer}.{part}", names.layer);
        list.norm(&name(names.attention_norm), hidden);
        let outputs: &[usize] = if names.qkv.len() == 1 {
            &[query + 2 * kv]
        } else {
            &[query, kv, kv]
        };
        for (part, outputs) in names.qkv.iter().zip(outputs) {
            list.matrix(&name(part), (hidden, *outputs), model.qkv_bias, false);
        }
        let projection = name(names.projection);
        list.matrix(&projection, (query, hidden), model.out_bias, true);
        list.norm(&name(names.ffn_norm), hidden);
        let mut blocks = vec![format!("{}.{layer}", names.layer)];
        if let Some(experts) = model.experts {
            let router = (hidden, experts.count as usize);
            list.matrix(&name(names.router), router, false, false);
            let expert = |expert| name(&format!("{}.{expert}", names.experts));
            blocks = (0..experts.count).map(expert).collect();
        }
        for block in blocks {
            for part in names.up {
                let part = format!("{block}.{part}");
                list.matrix(&part, (hidden, width), model.ffn_bias, false);
            }
            let down = format!("{block}.{}", names.down);
            list.matrix(&down, (width, hidden), model.ffn_bias, true);
        }
    }
    list.norm(names.final_norm, hidden);
    if !model.tied_embeddings {
        list.slots.push(Slot {
            name: HEAD.to_owned(),
            shape: vec![vocab, hidden],
            role: Role::Matrix {
                inputs: hidden,
                residual: false,
            },
        });
    }
    list.slots
}

/// The list as it grows.
struct List<'a> {
    names: &'a Names,
    norm: Norm,
    slots: Vec<Slot>,
}

impl List<'_> {
    fn push(&mut self, part: &str, ending: &str, shape: Vec<usize>, role: Role) {
        let name = format!("{}{part}.{ending}", self.names.prefix);
        self.slots.push(Slot { name, shape, role });
    }

    fn table(&mut self, part: &str, rows: usize, width: usize) {
        self.push(part, "weight", vec![rows, width], Role::Table);
    }

    fn norm(&mut self, part: &str, width: usize) {
        self.push(part, "weight", vec![width], Role::Scale);
        if self.norm == Norm::Layer {
            self.push(part, "bias", vec![width], Role::Offset);
        }
    }

    fn matrix(&mut self, part: &str, (inputs, outputs): (usize, usize), bias: bool, end: bool) {
        let shape = if self.names.inputs_first {
            vec![inputs, outputs]
        } else {
            vec![outputs, inputs]
        };
        let role = Role::Matrix {
            inputs,
            residual: end,
        };
        self.push(part, "weight", shape, role);
        if bias {
            self.push(part, "bias", vec![outputs], Role::Offset);
        }
    }
}
