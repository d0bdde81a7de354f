//! Arguments of every command, defined once: parser and help come from here.

pub(crate) mod gemm;
pub(crate) mod gpu;
pub(crate) mod link;
pub(crate) mod memory;
pub(crate) mod npu;
pub(crate) mod pim;
pub(crate) mod pim_attention;
pub(crate) mod verify;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gemm::GemmArguments;
use gpu::FitArguments;
use link::LinkArguments;
use memory::{MemArguments, ValidateArguments};
use memwall_sim::exec::Fidelity;
use pim::PimArguments;
use std::path::PathBuf;
use verify::VerifyArguments;

/// Simulates machines built to break the memory wall of LLM inference.
#[derive(Debug, Parser)]
#[command(name = "memwall", version, max_term_width = 100)]
#[command(after_help = "Examples:
  memwall compare gpu-a100 npu-only npu-pim neupims
  memwall run --hw neupims --model llama-2-13b --batch 128 --context 1024
  memwall replay azure.csv.gz --model llama-2-7b --hw neupims --limit 2000
  memwall mem seq_read random_read --standard ddr5-4800
  memwall gemm 2048 4096 4096 --hw tpuv4-like
  memwall pim gemv 4096 4096
  memwall validate dram
  memwall run --hw neupims --set pim.vector_buffer_rows=4 --set memory.timing.t_faw_tck=16")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One iteration of a batch in decode on one machine
    Run(RunArguments),
    /// The same iteration on several machines, side by side
    Compare(CompareArguments),
    /// Requests arriving over time: TTFT, TPOT, throughput, timeline
    Replay(ReplayArguments),
    /// Requests on a memory standard: bandwidth, latency, commands, energy
    Mem(MemArguments),
    /// One matrix product on one machine: mapping, time by cause, traffic, bounds
    Gemm(GemmArguments),
    /// Matrix-vector products in the banks, and what bounds them
    Pim(PimArguments),
    /// Our figures against recorded figures of reference simulators
    Validate(ValidateArguments),
    /// Schedules executed on values, against the reference executor
    Verify(VerifyArguments),
    /// Topologies, transfers and collectives
    Link(LinkArguments),
    /// Parameters of kernels from recorded times, as TOML
    Fit(FitArguments),
    /// Machines and memory parts
    Hw(HwArguments),
    /// Models
    Models(ModelsArguments),
}

/// What every simulation needs.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Model: an embedded name (`memwall models list`) or a Hugging Face config.json
    /// [default: gpt3-6.7b; for replay llama-3.1-8b, which has positions for long prompts]
    #[arg(long, value_name = "NAME|FILE")]
    pub model: Option<String>,
    /// Devices of the tensor-parallel group
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = at_least_one)]
    pub tp: u64,
    /// Decoder layers to simulate instead of the model's
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub layers: Option<u64>,
    /// One key of the machine, `memory.` first for its memory part; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// Folder for records and plots
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Print the records as JSON instead of tables
    #[arg(long)]
    pub json: bool,
    /// Threads; figures do not depend on them [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<u64>,
}

/// A batch in decode.
#[derive(Debug, Args)]
pub(crate) struct BatchArguments {
    /// Batch in flight (NeuPIMs CSV: seq_len,ch_idx, plain or gzip); a bundled sample if absent
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Requests: the first N of the batch, or N of --context tokens each
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub batch: Option<u64>,
    /// Tokens in the KV cache of every request, instead of a batch file
    #[arg(long, value_name = "TOKENS", conflicts_with = "trace", requires = "batch", value_parser = at_least_one)]
    pub context: Option<u64>,
    /// Detail of the memory model
    #[arg(long, value_enum, default_value = "command")]
    pub fidelity: Detail,
    /// Pipeline stages, each of --tp devices with a share of the layers
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one)]
    pub pp: u64,
    /// Parts of the batch that follow each other through the stages [default: as many as stages]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub micro_batches: Option<u64>,
    /// Replicas, each with the batch given; throughput is that of all
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = replicas)]
    pub dp: u64,
    /// Table of energies: an embedded name (logic-7nm, logic-45nm) or a TOML file [default: the
    /// machine's, if it names one]
    #[arg(long, value_name = "NAME|FILE")]
    pub energy: Option<String>,
    /// Simulate every channel on its own, as a check that sharing equal work changes nothing
    #[arg(long)]
    pub no_sharing: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall run
  memwall run --hw npu-pim --trace batch.csv --json
  memwall run --hw neupims --batch 64 --context 2048 --fidelity fast
  memwall run --hw gpu-a100 --tp 2 --pp 4 --batch 64 --context 1024
  memwall run --hw neupims --energy logic-7nm")]
pub(crate) struct RunArguments {
    /// Machine: an embedded name (`memwall hw list`) or a TOML file
    #[arg(long, default_value = "neupims", value_name = "NAME|FILE")]
    pub hw: String,
    #[command(flatten)]
    pub batch: BatchArguments,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall compare gpu-a100 npu-only npu-pim neupims
  memwall compare npu-only neupims --model llama-2-13b --batch 128
A --set applies to the machines that have its table; it is an error if none has.")]
pub(crate) struct CompareArguments {
    /// Machines: embedded names or TOML files; ratios refer to the first
    #[arg(required = true, value_name = "NAME|FILE")]
    pub machines: Vec<String>,
    #[command(flatten)]
    pub batch: BatchArguments,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall replay
  memwall replay azure2023_conv.csv.gz --model llama-2-7b --hw neupims --limit 2000
  memwall replay mooncake.jsonl.gz --model llama-3.1-8b --limit 500 --time-scale 4 --check 50")]
pub(crate) struct ReplayArguments {
    /// Trace (Azure LLM CSV or Mooncake JSON lines, plain or gzip); a bundled sample if absent
    #[arg(value_name = "TRACE")]
    pub trace: Option<PathBuf>,
    /// Machine: an embedded name (`memwall hw list`) or a TOML file
    #[arg(long, default_value = "neupims", value_name = "NAME|FILE")]
    pub hw: String,
    /// Requests to use, from the start of the trace
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<u64>,
    /// Factor on all arrival times: 2 halves the load
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    pub time_scale: f64,
    /// Requests in the batch at most
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = at_least_one)]
    pub max_batch: u64,
    /// Prompt tokens that join in one iteration at most; a longer prompt joins alone
    #[arg(long, default_value_t = 8192, value_name = "N", value_parser = at_least_one)]
    pub max_prefill_tokens: u64,
    /// Detail of the memory model
    #[arg(long, value_enum, default_value = "fast")]
    pub fidelity: Detail,
    /// Run N random iterations again at `command` and report the error of `fast`
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub check: Option<u64>,
    /// Seed of that choice
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
pub(crate) struct HwArguments {
    #[command(subcommand)]
    pub command: HwCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HwCommand {
    /// Machines, PIM devices and memory parts, a line each
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// A machine, PIM device or memory part as resolved: after --set, with derived sizes, peaks and
    /// distances. What is printed of a machine is a machine file
    Show {
        /// Embedded name or TOML file
        #[arg(value_name = "NAME|FILE")]
        machine: String,
        /// One key of the machine, `memory.` first for its memory part; may be repeated
        #[arg(long = "set", value_name = "PATH=VALUE")]
        settings: Vec<String>,
        /// Table of energies and areas, for the area of its parts [default: the machine's]
        #[arg(long, value_name = "NAME|FILE")]
        energy: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ModelsArguments {
    #[command(subcommand)]
    pub command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Embedded models, a line each
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Sizes of a model, and the operators of one decode step
    Show {
        /// Embedded name or Hugging Face config.json
        #[arg(value_name = "NAME|FILE")]
        model: String,
        /// Devices of the tensor-parallel group
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one)]
        tp: u64,
        /// Requests of the step
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one)]
        batch: u64,
        /// Tokens in the KV cache of each
        #[arg(long, default_value_t = 1024, value_name = "TOKENS")]
        context: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `--fidelity`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Detail {
    /// Every DRAM and PIM command
    Command,
    /// Rates measured on the command model
    Fast,
}

impl From<Detail> for Fidelity {
    fn from(detail: Detail) -> Fidelity {
        match detail {
            Detail::Command => Fidelity::Command,
            Detail::Fast => Fidelity::Fast,
        }
    }
}

fn at_least_one(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(number) if (1..=1 << 40).contains(&number) => Ok(number),
        _ => Err("must be a whole number from 1 to 2^40".to_owned()),
    }
}

fn replicas(text: &str) -> Result<u64, String> {
    const MOST: u64 = 1 << 16;
    match text.parse::<u64>() {
        Ok(number) if (1..=MOST).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from 1 to {MOST}")),
    }
}

fn factor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (1e-6..=1e6).contains(&number) => Ok(number),
        _ => Err("must be a number from 0.000001 to 1,000,000".to_owned()),
    }
}
