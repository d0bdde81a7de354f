//! Arguments of the commands about processing in memory alone.

use super::at_least_one;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct PimArguments {
    #[command(subcommand)]
    pub command: PimCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PimCommand {
    /// A matrix-vector product in the banks, command by command
    Gemv(GemvArguments),
    /// What bounds a device, by closed forms
    Explain(ExplainArguments),
    /// PIM devices; machines with a PIM side are in `memwall hw list`
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

/// The device of both commands.
#[derive(Debug, Args)]
pub(crate) struct DeviceArguments {
    /// PIM device or machine with a PIM side: an embedded name (`memwall pim list`) or a TOML file
    #[arg(long, default_value = "neupims-hbm2", value_name = "NAME|FILE")]
    pub hw: String,
    /// One key of the device, `memory.` first for its memory part; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// Print the record as JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall pim gemv 4096 4096
  memwall pim gemv 4096 4096 --hw hbm-pim
  memwall pim gemv 12288 12288 --hw newton-hbm2 --format int8 --set pim.formats.int8=32
  memwall pim gemv 4096 4096 --vectors 8 --set pim.vector_buffer_rows=8
  memwall pim gemv 11008 4096 --set pim.activation='\"rank\"' --set quirks.all_bank_act_outside_window=true
The time runs from the first byte of the vectors to the last result. Beside it stands a bound by \
closed forms that no run of this layout beats, and reading the matrix over the pins instead.")]
pub(crate) struct GemvArguments {
    /// Rows of the matrix
    #[arg(value_name = "M", value_parser = size)]
    pub m: u64,
    /// Columns of the matrix
    #[arg(value_name = "K", value_parser = size)]
    pub k: u64,
    /// Vectors that the matrix is multiplied with
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = vectors)]
    pub vectors: u64,
    /// Elements of matrix and vectors: fp16, bf16, int8, fp8, int4
    #[arg(long, default_value = "fp16", value_name = "FORMAT")]
    pub format: String,
    #[command(flatten)]
    pub device: DeviceArguments,
    /// Folder for the record
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall pim explain
  memwall pim explain --hw neupims --steps 8
  memwall pim explain --set memory.timing.t_faw_tck=16")]
pub(crate) struct ExplainArguments {
    /// Multiply-accumulate steps on one set of open rows [default: a whole row]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub steps: Option<u64>,
    #[command(flatten)]
    pub device: DeviceArguments,
}

fn size(text: &str) -> Result<u64, String> {
    bounded(text, 1 << 24)
}

fn vectors(text: &str) -> Result<u64, String> {
    bounded(text, 1 << 12)
}

fn bounded(text: &str, most: u64) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from 1 to {most}")),
    }
}
