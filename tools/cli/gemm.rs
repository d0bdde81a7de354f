//! Arguments of `memwall gemm`.

use super::Detail;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall gemm 2048 4096 4096
  memwall gemm 1 4096 4096 --hw tpuv4-like --resident inputs
  memwall gemm 128 4096 12288 --hw tpuv4-like --mapping gemmini
  memwall gemm 512 4096 4096 --hw llmcompass-a100 --set npu.shared.bytes_per_cycle=2560
  memwall gemm 100 300 500 --mapping 100x300x128:mnk:weights
  memwall gemm --topology gpt2.csv --scale-sim scale.cfg
A product [M, K] x [K, N] (a matrix-vector product has M = 1) alone on a machine, from the first \
request to the last output in its place. The bound is the longest of three closed forms of the same \
mapping; nothing is faster. \
With --topology and --scale-sim, the layers of a SCALE-Sim topology (products or convolutions) on the \
array and scratchpads of a SCALE-Sim configuration, in its cycles and words instead.")]
pub(crate) struct GemmArguments {
    /// Rows of the activations
    #[arg(value_name = "M", value_parser = extent, required_unless_present = "topology")]
    pub m: Option<u64>,
    /// Reduction
    #[arg(value_name = "K", value_parser = extent, required_unless_present = "topology")]
    pub k: Option<u64>,
    /// Columns of the weights
    #[arg(value_name = "N", value_parser = extent, required_unless_present = "topology")]
    pub n: Option<u64>,
    /// Layers of a SCALE-Sim topology (CSV) instead of one product
    #[arg(long, value_name = "FILE", requires = "scale_sim", conflicts_with_all = ["m", "k", "n", "hw", "settings", "dtype", "mapping", "resident", "fidelity"])]
    pub topology: Option<PathBuf>,
    /// Array and scratchpads of a SCALE-Sim configuration, for the layers of --topology
    #[arg(long, value_name = "FILE.cfg", requires = "topology")]
    pub scale_sim: Option<PathBuf>,
    /// Machine: an embedded name (`memwall hw list`) or a TOML file
    #[arg(long, default_value = "npu-only", value_name = "NAME|FILE")]
    pub hw: String,
    /// One key of the machine, `memory.` first for its memory part; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// Elements of all three matrices; partial sums are fp32. On an NPU only bytes depend on it; GPUs
    /// have rates for fp16 and bf16
    #[arg(long, value_enum, default_value = "fp16")]
    pub dtype: Dtype,
    /// How the product is cut: search, gemmini, or `MxKxN[:ORDER[:HELD]]` with the sizes of a tile, the
    /// loops outermost first (mnk) and what the arrays hold (weights, activations, outputs)
    /// [default: the machine's]
    #[arg(long, value_name = "RULE|TILES")]
    pub mapping: Option<String>,
    /// Tensors that are on chip before (and, for outputs, after) the product
    #[arg(long, value_enum, default_value = "none")]
    pub resident: Kept,
    /// Detail of the memory model
    #[arg(long, value_enum, default_value = "command")]
    pub fidelity: Detail,
    /// Print the record as JSON instead of tables
    #[arg(long)]
    pub json: bool,
    /// Folder for the record
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
}

/// `--dtype`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub(crate) enum Dtype {
    Fp32,
    Fp16,
    Bf16,
    Int8,
    Fp8,
}

impl Dtype {
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Dtype::Fp32 => 4,
            Dtype::Fp16 | Dtype::Bf16 => 2,
            Dtype::Int8 | Dtype::Fp8 => 1,
        }
    }

    /// Whether it is one of those that machines give their arithmetic rate for.
    pub(crate) fn is_half(self) -> bool {
        matches!(self, Dtype::Fp16 | Dtype::Bf16)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Dtype::Fp32 => "fp32",
            Dtype::Fp16 => "fp16",
            Dtype::Bf16 => "bf16",
            Dtype::Int8 => "int8",
            Dtype::Fp8 => "fp8",
        }
    }
}

/// `--resident`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kept {
    /// Everything comes from memory and goes back
    None,
    /// Activations
    Inputs,
    /// Weights
    Weights,
    /// Outputs
    Outputs,
    /// All three
    All,
}

fn extent(text: &str) -> Result<u64, String> {
    const MOST: u64 = 1 << 22;
    match text.parse::<u64>() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from 1 to {MOST}")),
    }
}
