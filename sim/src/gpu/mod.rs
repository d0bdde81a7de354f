//! A GPU by rates: a kernel takes a fixed overhead and then the longer of its arithmetic and its
//! memory traffic at the rates that its class reaches. The rates are fitted to measured kernels;
//! each machine file cites the fit and its error.

use crate::time::Ps;

/// Resolved `[gpu]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// Dense fp16 peak, FLOP/s.
    pub peak_flop_per_s: u64,
    /// Peak memory bandwidth, B/s.
    pub peak_bytes_per_s: u64,
    /// Device memory.
    pub memory_bytes: u64,
    /// Matrix products.
    pub gemm: Kernel,
    /// Fused attention.
    pub attention: Kernel,
    /// Norms, activations, additions, copies.
    pub elementwise: Kernel,
}

/// A class of kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// Fixed time of a kernel.
    pub overhead: Ps,
    /// Arithmetic rate reached, FLOP/s.
    pub flop_per_s: u64,
    /// Memory rate reached, B/s.
    pub bytes_per_s: u64,
}

impl Kernel {
    /// Time of a kernel of `flop` operations that moves `bytes`.
    pub fn time(&self, flop: u64, bytes: u64) -> Ps {
        self.overhead + ratio(flop, self.flop_per_s).max(ratio(bytes, self.bytes_per_s))
    }
}

/// `amount / rate` seconds, rounded up to a picosecond; a rate of zero counts as one.
pub(crate) fn ratio(amount: u64, rate: u64) -> Ps {
    let ps = (u128::from(amount) * 1_000_000_000_000).div_ceil(u128::from(rate.max(1)));
    Ps(u64::try_from(ps).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_bound_by_the_slower_of_two_rates() {
        let kernel = Kernel {
            overhead: Ps(12_000_000),
            flop_per_s: 218_400_000_000_000,
            bytes_per_s: 1_631_200_000_000,
        };
        // Decode, M = 1, K = N = 4096: 33.6 MB at 1.63 TB/s and 12 us.
        let bytes = 2 * (4096 + 4096 * 4096 + 4096);
        let time = kernel.time(2 * 4096 * 4096, bytes);
        assert_eq!(time.0 / 1_000_000, 32);
        // M = 4096: bound by arithmetic.
        let flop = 2 * 4096u64.pow(3);
        assert_eq!(
            kernel.time(flop, 0),
            Ps(12_000_000) + ratio(flop, kernel.flop_per_s)
        );
    }
}
