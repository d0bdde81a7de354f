"""Makes the fixture of `tests/numerics/witness.rs`: tiny models run by an implementation that
is not this project's.

    pip install torch transformers safetensors
    python3 tools/witness/make.py tests/numerics/witness

Weights are drawn here, forward passes are those of transformers on PyTorch (CPU, float32,
eager attention). Each model gets a folder: `config.json` as transformers saves it,
`model.safetensors`, and `logits.safetensors` with the token ids (as float32) and the logits of
every position of each prompt. `versions.txt` says what ran.
"""

import pathlib
import sys

import safetensors.torch
import torch
import transformers

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
    versions = f"torch {torch.__version__}\ntransformers {transformers.__version__}\n"
    (pathlib.Path(folder) / "versions.txt").write_text(versions)


main(sys.argv[1])
