//! Arguments of `memwall validate pim-attention`.

use super::at_least_one;
use super::memory::per_cent;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall validate pim-attention
  memwall validate pim-attention --reference results.tsv --max-median 3 --max-worst 12
  memwall validate pim-attention --reference results.tsv --controller published --json
The table has the columns pim_type (BA, BG, BUFFER), power_constraint, nhead, dhead, dbyte, L and
cycle, and any of mac, softmax, mvgb, mvsb, wrgb, with tabs or commas between them. The error of a
row is the largest relative error of its figures. The authors' results come from two controllers
that no column tells apart: the published one, and one in which rows are neither opened nor closed
for requests behind a barrier. By default a row counts against the nearer, which it then names.
Exit code 1 if a limit is exceeded.")]
pub(crate) struct ValidatePimAttentionArguments {
    /// Table of recorded results; the embedded one if absent
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// Controller that the results are taken to come from
    #[arg(long, value_enum, default_value = "either")]
    pub controller: ControllerName,
    /// Largest median of row errors, per cent
    #[arg(long, value_name = "PERCENT", value_parser = per_cent)]
    pub max_median: Option<f64>,
    /// Largest 95th percentile of row errors, per cent
    #[arg(long, value_name = "PERCENT", value_parser = per_cent)]
    pub max_p95: Option<f64>,
    /// Largest row error, per cent
    #[arg(long, value_name = "PERCENT", value_parser = per_cent)]
    pub max_worst: Option<f64>,
    /// Print the record as JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Threads; figures do not depend on them [default: all cores]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<u64>,
}

/// `--controller`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ControllerName {
    /// The nearer of both, row by row
    Either,
    /// The published one: row commands pass barriers
    Published,
    /// Row commands wait at barriers
    Earlier,
}
