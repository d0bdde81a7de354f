//! Arguments of `memwall validate npu`.

use super::memory::ComparisonArguments;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall validate npu --max-worst 0
  memwall validate npu --reference mine.tsv --json
The table has the tab-separated columns of tests/reference/npu.tsv, or some of them. config says what
was run, on the product of M, K and N: S-gen and S-formula a SCALE-Sim array (array ROWSxCOLUMNS,
dataflow ws, os or is) without scratchpads, S-calc-KIB and S-user-KIB-RATE one with three scratchpads
of KIB KiB and ports of RATE words a cycle, O-CORESxSIDE a machine of ONNXim, L-A100 and L-TPUv3n
devices of LLMCompass. The error of a row is the largest relative error of its figures; figures that
agree to the digits printed have none. Limits are for rows that the simulators ran; formulas, rows
whose stalls are a known defect of SCALE-Sim, and LLMCompass are summed up apart. Cycles of SCALE-Sim
are one less than their number: it prints the index of the last. Exit code 1 if a limit is exceeded.")]
pub(crate) struct ValidateNpuArguments {
    /// Table of recorded figures; the embedded one if absent
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    #[command(flatten)]
    pub comparison: ComparisonArguments,
}
