//! Arguments of `memwall validate npu`.

use super::memory::ComparisonArguments;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  memwall validate npu --max-worst 0
  memwall validate npu --reference mine.tsv --json
  memwall validate npu --machines
The table has the tab-separated columns of tests/reference/npu.tsv, or some of them. config says \
what was run, on the product of M, K and N: S-gen and S-formula a SCALE-Sim array (array \
ROWSxCOLUMNS, dataflow ws, os or is) without scratchpads, S-calc-KIB and S-user-KIB-RATE one with \
three scratchpads of KIB KiB and ports of RATE words a cycle, O-CORESxSIDE a machine of ONNXim, \
L-A100 and L-TPUv3n devices of LLMCompass. In place of M a row of ONNXim may have the words of a \
layer, as in 'prefill OPT-125M layer batch=1 seq=512' or 'decode d=4096 heads=32 batch=8 seq=256', \
seq with the new token. The error of a row is the largest relative error of its figures; figures \
that agree to the digits printed have none. Limits are for rows that the simulators ran, and hold \
for each simulator by itself; formulas, rows whose stalls are a known defect of SCALE-Sim, and \
LLMCompass are summed up apart. Cycles of SCALE-Sim are one less than their number: it prints the \
index of the last. A row of ONNXim that has more than 2^26 lines of memory and blocks of its arrays is \
not run, and neither is one that its machine refuses: the reason stands below the table. Products of L-A100 run on llmcompass-a100 and, with --machines, those of O-4x128 \
also on tpuv4-like: physical machines of that shape, which do not follow the simulators' rules. \
Exit code 1 if a limit is exceeded, or \
if nothing was compared that it could hold for.")]
pub(crate) struct ValidateNpuArguments {
    /// Table of recorded figures; the embedded one if absent
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// Run products of ONNXim on our machine of that shape too, memory by rates
    #[arg(long)]
    pub machines: bool,
    #[command(flatten)]
    pub comparison: ComparisonArguments,
}
