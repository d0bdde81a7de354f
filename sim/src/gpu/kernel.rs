//! A class of kernels by three parameters: a fixed time, and then the longer of its arithmetic and
//! its memory traffic at the rates that the class reaches.

use super::{Parts, Peaks, hundredths_us, ratio, share};
use crate::time::Ps;

/// A class of kernels: `max(floor, overhead + max(FLOP / rate, bytes / rate))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// Fixed time of a kernel.
    pub overhead: Ps,
    /// What a call takes at least: zero for kernels back to back, the way through the library and
    /// the synchronisation where each call is waited for.
    pub floor: Ps,
    /// Arithmetic rate reached, FLOP/s.
    pub flop_per_s: u64,
    /// Memory rate reached, B/s.
    pub bytes_per_s: u64,
}

/// The three parameters of matrix products, in the steps in which they are fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatesParameters {
    /// Fixed time, hundredths of a microsecond.
    pub overhead: u64,
    /// Thousandths of the arithmetic peak.
    pub compute: u64,
    /// Thousandths of the memory peak.
    pub bandwidth: u64,
}

/// Parameters of a row-wise class, in the steps in which they are fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsParameters {
    /// Fixed time, hundredths of a microsecond.
    pub overhead: u64,
    /// Thousandths of the memory peak.
    pub bandwidth: u64,
    /// What a call takes at least, hundredths of a microsecond.
    pub floor: u64,
}

impl Kernel {
    /// Matrix products.
    pub fn of_products(peaks: &Peaks, parameters: &RatesParameters) -> Kernel {
        Kernel {
            overhead: hundredths_us(parameters.overhead),
            floor: Ps::ZERO,
            flop_per_s: share(peaks.flop_per_s, parameters.compute),
            bytes_per_s: share(peaks.bytes_per_s, parameters.bandwidth),
        }
    }

    /// Row-wise work: its arithmetic is never what bounds it.
    pub fn of_rows(peaks: &Peaks, parameters: &RowsParameters) -> Kernel {
        Kernel {
            overhead: hundredths_us(parameters.overhead),
            floor: hundredths_us(parameters.floor),
            flop_per_s: peaks.flop_per_s,
            bytes_per_s: share(peaks.bytes_per_s, parameters.bandwidth),
        }
    }

    /// Time of a kernel of `flop` operations that moves `bytes`.
    pub fn time(&self, flop: u64, bytes: u64) -> Ps {
        self.parts(flop, bytes).time()
    }

    /// The same by part; what a floor adds counts as fixed time.
    pub fn parts(&self, flop: u64, bytes: u64) -> Parts {
        let (arithmetic, memory) = (ratio(flop, self.flop_per_s), ratio(bytes, self.bytes_per_s));
        let busy = arithmetic.max(memory);
        Parts {
            overhead: self.overhead.max(self.floor.since(busy)),
            busy,
            by_arithmetic: arithmetic >= memory,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_bound_by_the_slower_of_two_rates() {
        let kernel = Kernel {
            overhead: Ps(12_000_000),
            floor: Ps::ZERO,
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

    #[test]
    fn a_call_takes_its_floor_at_least() {
        let peaks = Peaks {
            flop_per_s: 1,
            bytes_per_s: 1_000_000_000_000,
            multiprocessors: 1,
        };
        let parameters = RowsParameters {
            overhead: 3700,
            bandwidth: 1000,
            floor: 4800,
        };
        let kernel = Kernel::of_rows(&peaks, &parameters);
        assert_eq!(kernel.time(0, 1000), Ps(48_000_000));
        assert_eq!(kernel.time(0, 20_000_000), Ps(57_000_000));
    }
}
