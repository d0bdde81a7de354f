"""Makes the fixture of `tests/numerics/witness.rs`: tiny models run by an implementation that
is not this project's.

    pip install torch transformers safetensors
    python3 tools/witness/make.py tests/numerics/witness

Weights are drawn here, forward passes are those of transformers on PyTorch (CPU, float32,
eager attention). Each model gets a folder: `config.json` as transformers saves it,
`model.safetensors`, and `logits.safetensors` with the token ids (as float32) and the logits of
every position of each prompt.

Mixtures of experts and latent attention are run alone besides:
`blocks/NAME.safetensors` has a block's weights under the library's names, its `input` and its
`output`, one row a token. `versions.txt` says what ran.
"""

import pathlib
import sys

import safetensors.torch
import torch
import transformers
from transformers.models.deepseek_v2 import modeling_deepseek_v2 as deepseek_v2
from transformers.models.deepseek_v3 import modeling_deepseek_v3 as deepseek_v3
from transformers.models.mixtral import modeling_mixtral as mixtral
from transformers.models.qwen2_moe import modeling_qwen2_moe as qwen2_moe

PROMPT = 23
BASE = {"vocab_size": 96, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
LLAMA = BASE | {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}
STRETCHED = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
OPT = BASE | {
    "hidden_size": 40,
    "word_embed_proj_dim": 40,
    "ffn_dim": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 5,
    "max_position_embeddings": 64,
    "do_layer_norm_before": True,
    "dropout": 0.0,
}
GPT2 = BASE | {
    "n_embd": 40,
    "n_layer": 2,
    "n_head": 5,
    "n_positions": 64,
    "activation_function": "gelu_new",
}
MODELS = {
    "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM, LLAMA),
    "llama-stretched": (
        transformers.LlamaConfig,
        transformers.LlamaForCausalLM,
        LLAMA | {"rope_parameters": STRETCHED},
    ),
    "mistral-windowed": (
        transformers.MistralConfig,
        transformers.MistralForCausalLM,
        LLAMA | {"sliding_window": 7, "head_dim": 8},
    ),
    "qwen2": (
        transformers.Qwen2Config,
        transformers.Qwen2ForCausalLM,
        LLAMA | {"tie_word_embeddings": True},
    ),
    "opt": (transformers.OPTConfig, transformers.OPTForCausalLM, OPT),
    "gpt2": (transformers.GPT2Config, transformers.GPT2LMHeadModel, GPT2),
    "gpt2-erf": (
        transformers.GPT2Config,
        transformers.GPT2LMHeadModel,
        GPT2 | {"activation_function": "gelu"},
    ),
    "mixtral": (
        transformers.MixtralConfig,
        transformers.MixtralForCausalLM,
        LLAMA
        | {
            "intermediate_size": 16,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "head_dim": 8,
        },
    ),
}
MIXTURE = BASE | {
    "hidden_size": 24,
    "intermediate_size": 16,
    "moe_intermediate_size": 16,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "num_hidden_layers": 1,
}
DEEPSEEK = MIXTURE | {
    "n_routed_experts": 12,
    "num_experts_per_tok": 3,
    "n_group": 4,
    "topk_group": 2,
    "n_shared_experts": 2,
    "routed_scaling_factor": 2.5,
    "q_lora_rank": 14,
    "kv_lora_rank": 10,
    "qk_nope_head_dim": 6,
    "qk_rope_head_dim": 4,
    "head_dim": 4,
    "v_head_dim": 5,
}
V2 = transformers.DeepseekV2Config, DEEPSEEK | {"topk_method": "group_limited_greedy"}
V3 = transformers.DeepseekV3Config, DEEPSEEK | {"norm_topk_prob": True}
MIXTURES = {
    "mixtral": (
        mixtral.MixtralSparseMoeBlock,
        transformers.MixtralConfig,
        MIXTURE | {"num_local_experts": 8, "num_experts_per_tok": 2},
    ),
    "qwen2-moe": (
        qwen2_moe.Qwen2MoeSparseMoeBlock,
        transformers.Qwen2MoeConfig,
        MIXTURE
        | {
            "num_experts": 8,
            "num_experts_per_tok": 3,
            "norm_topk_prob": False,
            "shared_expert_intermediate_size": 20,
        },
    ),
    "deepseek-v2-moe": (deepseek_v2.DeepseekV2Moe, *V2),
    "deepseek-v3-moe": (deepseek_v3.DeepseekV3MoE, *V3),
}
ATTENTIONS = {
    "deepseek-v2-attention": (
        deepseek_v2.DeepseekV2Attention,
        deepseek_v2.DeepseekV2RotaryEmbedding,
        *V2,
    ),
    "deepseek-v3-attention": (
        deepseek_v3.DeepseekV3Attention,
        deepseek_v3.DeepseekV3RotaryEmbedding,
        *V3,
    ),
}


def draw(model):
    """Every parameter anew: the library's initial biases are zero and its norms one."""
    for name, parameter in sorted(model.named_parameters()):
        values = torch.randn(parameter.shape)
        if parameter.dim() == 1:
            center = 1.0 if "norm" in name and "weight" in name or ".ln_" in name and "weight" in name else 0.0
            values = center + 0.2 * values
        else:
            values = values * 1.5 / parameter.shape[-1] ** 0.5
        parameter.data.copy_(values)


def mixture(block_class, config):
    """A mixture, and what it does to an input."""
    block = block_class(config)
    return block, lambda rows: block(rows[None])[0]


def attention(block_class, rotary_class, config):
    """An attention block, and what it does to an input under a causal mask."""
    block, rotary = block_class(config, layer_idx=0), rotary_class(config)

    def run(rows):
        positions = rotary(rows[None], torch.arange(len(rows))[None])
        mask = torch.full((len(rows), len(rows)), float("-inf")).triu(1)[None, None]
        return block(rows[None], position_embeddings=positions, attention_mask=mask)[0][0]

    return block, run


def record(path, seed, make, classes, config_class, fields):
    torch.manual_seed(seed)
    config = config_class(**fields)
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    block, run = make(*classes, config)
    block.to(torch.float32).eval()
    draw(block)
    for _, buffer in block.named_buffers():
        buffer.copy_(0.3 * torch.randn(buffer.shape))
    rows = torch.randn(PROMPT, config.hidden_size)
    with torch.no_grad():
        output = run(rows)
    tensors = {name: tensor.contiguous() for name, tensor in block.state_dict().items()}
    safetensors.torch.save_file(tensors | {"input": rows, "output": output.contiguous()}, path)


def blocks(folder):
    folder.mkdir(parents=True, exist_ok=True)
    every = [(mixture, *entry) for entry in MIXTURES.items()]
    every += [(attention, *entry) for entry in ATTENTIONS.items()]
    for seed, (make, name, (*classes, config_class, fields)) in enumerate(every, 100):
        path = folder / f"{name}.safetensors"
        record(path, seed, make, classes, config_class, fields)


def main(folder):
    for seed, (name, (config_class, model_class, fields)) in enumerate(MODELS.items()):
        torch.manual_seed(seed)
        config = config_class(**fields)
        config._attn_implementation = "eager"
        model = model_class(config).to(torch.float32).eval()
        draw(model)
        prompts = torch.randint(0, config.vocab_size, (3, PROMPT))
        with torch.no_grad():
            logits = model(input_ids=prompts, use_cache=False).logits
        target = pathlib.Path(folder) / name
        target.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(target, safe_serialization=True)
        (target / "generation_config.json").unlink(missing_ok=True)
        recorded = {"tokens": prompts.to(torch.float32), "logits": logits.contiguous()}
        safetensors.torch.save_file(recorded, target / "logits.safetensors")
    blocks(pathlib.Path(folder) / "blocks")
    versions = f"torch {torch.__version__}\ntransformers {transformers.__version__}\n"
    (pathlib.Path(folder) / "versions.txt").write_text(versions)


main(sys.argv[1])
