//! `[gpu]`: a GPU by kernel rates.

use super::number::{Amount, Positive};
use crate::gpu::{Gpu, Kernel};
use crate::time::Ps;
use serde::Deserialize;

const GIB: u64 = 1 << 30;

/// `[gpu]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawGpu {
    /// Dense fp16 peak.
    pub peak_tflop_per_s: Amount,
    pub bandwidth_gb_per_s: Amount,
    pub memory_gib: Positive,
    pub gemm: RawKernel,
    pub attention: RawKernel,
    pub elementwise: RawKernel,
}

/// One class of kernels: `t = overhead + max(FLOP / (eC peak), bytes / (eB bandwidth))`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub(super) struct RawKernel {
    pub overhead_us: Amount,
    pub compute_efficiency: Amount,
    pub bandwidth_efficiency: Amount,
}

pub(super) fn resolve(raw: &RawGpu) -> Gpu {
    let kernel = |kernel: &RawKernel| Kernel {
        overhead: Ps((kernel.overhead_us.0 * 1e6) as u64),
        flop_per_s: (raw.peak_tflop_per_s.0 * kernel.compute_efficiency.0 * 1e12) as u64,
        bytes_per_s: (raw.bandwidth_gb_per_s.0 * kernel.bandwidth_efficiency.0 * 1e9) as u64,
    };
    Gpu {
        peak_flop_per_s: (raw.peak_tflop_per_s.0 * 1e12) as u64,
        peak_bytes_per_s: (raw.bandwidth_gb_per_s.0 * 1e9) as u64,
        memory_bytes: raw.memory_gib.0.saturating_mul(GIB),
        gemm: kernel(&raw.gemm),
        attention: kernel(&raw.attention),
        elementwise: kernel(&raw.elementwise),
    }
}
