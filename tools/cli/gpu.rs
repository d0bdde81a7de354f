//! Arguments of the commands about recorded GPU kernels.

use super::memory::{ComparisonArguments, per_cent};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall validate gpu
  memwall validate gpu --max-median 6 --max-block 12
  memwall validate gpu --reference mine.tsv --json
Tables have tab-separated columns: gpu, op and us, and M K N of a product, batch kv heads kv_heads \
head_dim of attention (op attention_decode or attention_prefill), rows width of row-wise work, or \
model tp batch phase seq context operator of a decoder block, as in tests/reference/gpu_*.tsv. A row \
is run on the machine whose measured_as names its GPU. Where there are rows enough, models are also \
fitted to the even rows of a GPU and scored on the odd ones, and the other way round, and each \
product is interpolated between all others. Limits concern every row under the machine's model, with \
parameters from the other half of the rows where there are rows enough for two halves, and with those \
of the machine file where not. Exit code 1 if a limit is exceeded, or \
if nothing was compared that it could hold for.")]
pub(crate) struct ValidateGpuArguments {
    /// Tables of recorded kernels; the embedded ones if absent
    #[arg(long, value_name = "FILE")]
    pub reference: Vec<PathBuf>,
    /// Print every row, not only their distribution
    #[arg(long)]
    pub rows: bool,
    /// Limit: largest error of the sum of a decoder block on the machine that its GPU names, per cent
    #[arg(long, value_name = "PERCENT", value_parser = per_cent)]
    pub max_block: Option<f64>,
    #[command(flatten)]
    pub comparison: ComparisonArguments,
}

#[derive(Debug, Args)]
pub(crate) struct FitArguments {
    #[command(subcommand)]
    pub what: FitCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FitCommand {
    /// Kernels of a GPU
    Gpu(FitGpuArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall fit gpu --gpu 'A100 80GB SXM'
  memwall fit gpu --gpu 'RTX 4090' --model size-dependent --rows even
  memwall fit gpu --gpu mine --reference mine.tsv --hw mine.toml
The objective is the mean of |modelled - measured| / measured. The output is the tables of a machine \
file, each with its errors on the rows fitted to. Equal rows give equal parameters. A model needs as \
many rows as it has parameters; a comment says where there are fewer than twice as many, and where an \
efficiency is above 1.")]
pub(crate) struct FitGpuArguments {
    /// GPU, as the table calls it
    #[arg(long, value_name = "NAME")]
    pub gpu: String,
    /// Tables of recorded kernels; the embedded ones if absent
    #[arg(long, value_name = "FILE")]
    pub reference: Vec<PathBuf>,
    /// One model instead of all that there are rows for
    #[arg(long, value_enum)]
    pub model: Option<FitModel>,
    /// Rows of each kind, counted from 0
    #[arg(long, value_enum, default_value = "all")]
    pub rows: FitRows,
    /// Machine whose peaks are 100 % [default: the embedded one measured as the GPU]
    #[arg(long, value_name = "NAME|FILE")]
    pub hw: Option<String>,
}

/// `--model`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FitModel {
    /// Products: a fixed time and two rates
    ThreeParameter,
    /// Products: tiles and waves
    SizeDependent,
    /// Fused attention in decode
    Decode,
    /// Fused attention in prefill
    Prefill,
    /// Layer and RMS norms
    Norm,
    /// Softmax
    Softmax,
    /// GELU and the like
    Activation,
    /// Additions and rotations
    Elementwise,
    /// Copies
    Copy,
}

/// `--rows`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FitRows {
    /// Rows 0, 2, 4, ...
    Even,
    /// Rows 1, 3, 5, ...
    Odd,
    /// Every row
    All,
}
