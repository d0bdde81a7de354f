//! Arguments of `memwall verify`.

use super::at_least_one;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall verify
  memwall verify --hw npu-only --model gpt2 --dtype fp16
  memwall verify --hw neupims --model config.json --weights model.safetensors
  memwall verify --inject list
  memwall verify --hw npu-pim --inject swap-banks
Runs a small decoder on a machine, command by command, and carries out on numbers what is timed: \
every load, block and store of the arrays, every fold of attention, every row that the banks \
multiply. Each operator's result is held against a reference executor that shares no code with the \
schedule, and so are the bytes that both touched. Exit code 1 if anything differs. \
Without --weights, weights are drawn from --seed. \
Accepted is a difference of 1e-4 (fp32), 2e-2 (fp16) or 0.16 (bf16) of the larger of an element and \
the rms of its tensor.")]
pub(crate) struct VerifyArguments {
    /// Machine with an NPU: an embedded name (`memwall hw list`) or a TOML file
    #[arg(long, default_value = "neupims", value_name = "NAME|FILE")]
    pub hw: String,
    /// One key of the machine, `memory.` first for its memory part; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// Decoder of 4 layers, 256 wide (llama, mixtral, opt, gpt2), or a Hugging Face config.json
    #[arg(long, default_value = "llama", value_name = "NAME|FILE")]
    pub model: String,
    /// Weights of a config.json: a .safetensors file, or the folder of a checkpoint
    #[arg(long, value_name = "FILE|FOLDER")]
    pub weights: Option<PathBuf>,
    /// Sequences
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = at_least_one)]
    pub batch: u64,
    /// Tokens of each prompt
    #[arg(long, default_value_t = 48, value_name = "TOKENS", value_parser = at_least_one)]
    pub context: u64,
    /// Tokens decoded after it
    #[arg(long, default_value_t = 4, value_name = "TOKENS")]
    pub decode: u64,
    /// What weights, activations, keys and values are kept in; the bytes that are timed are those of
    /// the model's own type
    #[arg(long, value_enum, default_value = "fp32")]
    pub dtype: Kept,
    /// Seed of the weights and prompts
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Make a defect of the schedule at a place drawn from the seed, or at place NUMBER, and see it
    /// found; `list` names the defects
    #[arg(long, value_name = "FAULT[:NUMBER]")]
    pub inject: Option<String>,
    /// Print the record as JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

/// Types of stored elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kept {
    Fp32,
    Fp16,
    Bf16,
}
