//! Arguments of `memwall validate pim-attention`.

use super::memory::ComparisonArguments;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall validate pim-attention
  memwall validate pim-attention --reference results.tsv --max-median 3 --max-worst 12
  memwall validate pim-attention --reference results.tsv --controller published --json
The table has the columns pim_type (BA, BG, BUFFER), power_constraint, nhead, dhead, dbyte, L and \
cycle, and any of mac, softmax, mvgb, mvsb, wrgb, with tabs or commas between them. The error of a \
row is the largest relative error of its figures. The authors' results come from two controllers \
that no column tells apart: the published one, and one in which rows are neither opened nor closed \
for requests behind a barrier. By default a row counts against the nearer, which it then names. \
Exit code 1 if a limit is exceeded, or \
if nothing was compared that it could hold for.")]
pub(crate) struct ValidatePimAttentionArguments {
    /// Table of recorded results; the embedded one if absent
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// Controller that the results are taken to come from
    #[arg(long, value_enum, default_value = "either")]
    pub controller: ControllerName,
    #[command(flatten)]
    pub comparison: ComparisonArguments,
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
