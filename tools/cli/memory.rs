//! Arguments of the commands about memory alone.

use super::at_least_one;
use super::gpu::ValidateGpuArguments;
use super::npu::ValidateNpuArguments;
use super::pim_attention::ValidatePimAttentionArguments;
use clap::{Args, Subcommand, ValueEnum};
use memwall_sim::dram::Policy;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall mem
  memwall mem --list
  memwall mem seq_read random_read --standard ddr5-4800
  memwall mem all --standard hbm3-6400 --policy ramulator --json
  memwall mem random_rw_2to1 --channels 8 --requests 1000000
  memwall mem --trace requests.trace.gz --standard ddr4-3200 --policy dramsim3
  memwall mem row_conflict --requests 200 --timeline
Traces are DRAMsim3's (0xADDRESS READ|WRITE CYCLE) or Ramulator 2's (LD|ST ADDRESS, or R|W with \
coordinates), plain or gzip, told apart by content. Addresses beyond the capacity wrap; addresses \
within a burst ask for the whole burst.")]
pub(crate) struct MemArguments {
    /// Workload rules (`--list`), or `all` [default: seq_read random_read]
    #[arg(value_name = "WORKLOAD")]
    pub workloads: Vec<String>,
    /// Requests from a file instead
    #[arg(long, value_name = "FILE", conflicts_with = "workloads")]
    pub trace: Option<PathBuf>,
    /// List the workload rules and what each does
    #[arg(long)]
    pub list: bool,
    /// Memory: an embedded part (`memwall hw list`) or a TOML file
    #[arg(long, default_value = "hbm3-6400", value_name = "NAME|FILE")]
    pub standard: String,
    /// Order in which requests are served
    #[arg(long, value_enum, default_value = "default")]
    pub policy: PolicyName,
    /// Requests of each workload, or the first N of the trace [default: the workload's own number]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub requests: Option<u64>,
    /// Channels driven together, each offered as many requests a tick as there are channels
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = at_least_one)]
    pub channels: u64,
    /// One key of the memory part; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// Folder for records and plots
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Print the records as JSON instead of tables
    #[arg(long)]
    pub json: bool,
    /// Write commands, rows and data over time for ui.perfetto.dev, of one workload or trace
    /// [default file: mem-timeline.json in --out]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[allow(clippy::option_option)] // absent, given, given with a file
    pub timeline: Option<Option<PathBuf>>,
    /// Commands of the timeline at most; the rest of the run is not in it
    #[arg(long, default_value_t = 100_000, value_name = "N", requires = "timeline", value_parser = timeline_limit)]
    pub timeline_limit: u64,
    /// Threads; figures do not depend on them [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct ValidateArguments {
    #[command(subcommand)]
    pub suite: Suite,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Suite {
    /// DRAM controllers and standards against DRAMsim3 and Ramulator 2
    Dram(ValidateDramArguments),
    /// Attention in HBM3 with PIM against the results shipped with AttAcc
    PimAttention(ValidatePimAttentionArguments),
    /// The PIM channel of the NeuPIMs artifact against NewtonSim
    Newton(ValidateNewtonArguments),
    /// GPU kernels, and a decoder block, against recorded times
    Gpu(ValidateGpuArguments),
    /// NPU products and layers against SCALE-Sim, ONNXim and LLMCompass
    Npu(ValidateNpuArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall validate dram
  memwall validate dram --max-median 0.1 --max-p95 1 --max-worst 5
  memwall validate dram --reference mine.tsv --trace-dir traces/ --json
The table has tab-separated columns, any of those of tests/reference/dram.tsv; simulator, config and \
workload are needed. A workload may be `trace:NAME`, or a file's name, in --trace-dir. The error of \
a row is the largest relative error of its figures, energies apart; figures that agree to the digits \
printed have none. Exit code 1 if a limit is exceeded, or \
if nothing was compared that it could hold for.")]
pub(crate) struct ValidateDramArguments {
    /// Table of recorded figures; the embedded one if absent
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// Folder of the traces that rows name
    #[arg(long, value_name = "DIR")]
    pub trace_dir: Option<PathBuf>,
    #[command(flatten)]
    pub comparison: ComparisonArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall validate newton --max-worst 0
  memwall validate newton --reference mine.tsv --trace-dir traces/ --json
The table has tab-separated columns. The column kind says what a row is: tiles has those of \
tests/reference/newton.tsv; pim_logit, pim_attend, alone, concurrent, gemm and vector, of runs of the \
whole NeuPIMs artifact, those of tests/reference/neupims_micro.tsv. The error of a row is the largest \
relative error of its figures; figures that agree to the digits printed have none. Rows of those kinds \
without cycles are passed over. gemm and vector rows of a named model (7B) ran behind the attention \
of their batch: with --trace-dir that batch is run, else the stage alone. Of operators of one name \
that a row does not tell apart, the nearest is compared. Exit code 1 if a limit is exceeded, or \
if nothing was compared that it could hold for.")]
pub(crate) struct ValidateNewtonArguments {
    /// Table of recorded figures; the embedded one if absent
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// Folder of the batches of recorded iterations, wN-clb.csv of N requests (NeuPIMs CSV)
    #[arg(long, value_name = "DIR")]
    pub trace_dir: Option<PathBuf>,
    #[command(flatten)]
    pub comparison: ComparisonArguments,
}

/// What every suite is asked for.
#[derive(Debug, Args)]
pub(crate) struct ComparisonArguments {
    /// Limit: largest median of row errors, per cent
    #[arg(long, value_name = "PERCENT", value_parser = per_cent)]
    pub max_median: Option<f64>,
    /// Limit: largest 95th percentile of row errors, per cent
    #[arg(long, value_name = "PERCENT", value_parser = per_cent)]
    pub max_p95: Option<f64>,
    /// Limit: largest row error, per cent
    #[arg(long, value_name = "PERCENT", value_parser = per_cent)]
    pub max_worst: Option<f64>,
    /// Print the record as JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Threads; figures do not depend on them [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<u64>,
}

/// `--policy`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyName {
    /// Oldest ready first, hits before others, writes in batches
    Default,
    /// The controller of DRAMsim3
    Dramsim3,
    /// The controller of Ramulator 2.1
    Ramulator,
}

impl From<PolicyName> for Policy {
    fn from(name: PolicyName) -> Policy {
        match name {
            PolicyName::Default => Policy::Default,
            PolicyName::Dramsim3 => Policy::DramSim3,
            PolicyName::Ramulator => Policy::Ramulator,
        }
    }
}

fn timeline_limit(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(number) if (1..=10_000_000).contains(&number) => Ok(number),
        _ => Err("must be a whole number from 1 to 10,000,000".to_owned()),
    }
}

pub(crate) fn per_cent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.0..=1e6).contains(&number) => Ok(number),
        _ => Err("must be a number of per cent from 0 to 1,000,000".to_owned()),
    }
}
