//! Measured products. A table corrects the three-parameter rates: at each sample it holds measured
//! time over modelled time, and between samples that quotient is interpolated. So a sample gives its
//! own time exactly, and a product far from all samples still has the cost of its launch, its
//! arithmetic and its bytes.

use super::logarithm::log2;
use super::{Kernel, Parts, Product};
use crate::time::Ps;

/// Bits behind the point of a quotient: a modelled time below 1.1 s comes back exactly.
const FRACTION: u32 = 40;

/// A product that somebody timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Rows.
    pub m: u64,
    /// Reduction.
    pub k: u64,
    /// Columns.
    pub n: u64,
    /// Measured.
    pub time: Ps,
}

/// Samples of one GPU, by weight shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    rates: Kernel,
    /// By number of weights, then by shape.
    series: Vec<Series>,
}

/// Samples of one `k x n`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Series {
    weights: u64,
    k: u64,
    n: u64,
    /// Logarithm of m, and the quotient there; m ascending.
    quotients: Vec<(u64, u64)>,
}

impl Measured {
    /// A table over `rates`; `None` without samples. Of samples of the same shape the first counts.
    pub fn new(rates: Kernel, samples: &[Sample]) -> Option<Measured> {
        let mut sorted: Vec<&Sample> = samples.iter().collect();
        let weights = |sample: &Sample| sample.k.saturating_mul(sample.n);
        sorted.sort_by_key(|sample| (weights(sample), sample.k, sample.n, sample.m));
        let mut series: Vec<Series> = Vec::new();
        for sample in sorted {
            let shape = (sample.k, sample.n);
            if series.last().is_none_or(|last| (last.k, last.n) != shape) {
                series.push(Series {
                    weights: weights(sample),
                    k: sample.k,
                    n: sample.n,
                    quotients: Vec::new(),
                });
            }
            let product = Product::half(sample.m, sample.k, sample.n);
            let modelled = rates.time(product.flop(), product.bytes()).0.max(1);
            let quotient = (u128::from(sample.time.0) << FRACTION).div_ceil(u128::from(modelled));
            let point = (log2(sample.m), u64::try_from(quotient).unwrap_or(u64::MAX));
            if let Some(last) = series.last_mut()
                && last.quotients.last().is_none_or(|known| known.0 != point.0)
            {
                last.quotients.push(point);
            }
        }
        (!series.is_empty()).then_some(Measured { rates, series })
    }

    /// Time of a product. Interpolation is linear in the logarithms of m and of the number of
    /// weights, between the two nearest series where no series has the shape itself; beyond the
    /// ends the nearest quotient holds. Batches are not in tables: they follow the rates.
    pub fn time(&self, product: &Product) -> Ps {
        self.parts(product).time()
    }

    /// The same by part: measured times do not tell their parts, so the quotient stretches each.
    pub fn parts(&self, product: &Product) -> Parts {
        let modelled = self.rates.parts(product.flop(), product.bytes());
        if product.batch != 1 {
            return modelled;
        }
        let rows = log2(product.m);
        let weights = product.k.saturating_mul(product.n);
        let same = self
            .series
            .iter()
            .find(|series| (series.k, series.n) == (product.k, product.n));
        let quotient = if let Some(series) = same {
            interpolate(&series.quotients, rows)
        } else {
            let points: Vec<(u64, u64)> = self
                .series
                .iter()
                .map(|series| (log2(series.weights), interpolate(&series.quotients, rows)))
                .collect();
            interpolate(&points, log2(weights))
        };
        let stretched = |time: Ps| {
            let stretched = (u128::from(time.0) * u128::from(quotient)) >> FRACTION;
            Ps(u64::try_from(stretched).unwrap_or(u64::MAX))
        };
        let time = stretched(modelled.time());
        let overhead = stretched(modelled.overhead);
        Parts {
            overhead,
            busy: time.since(overhead),
            by_arithmetic: modelled.by_arithmetic,
        }
    }
}

/// The value at `x` between points in ascending order of x; that of the nearest point beyond them.
/// Of points at the same x the first holds.
fn interpolate(points: &[(u64, u64)], x: u64) -> u64 {
    let above = points.partition_point(|point| point.0 < x);
    match (above.checked_sub(1).map(|at| points[at]), points.get(above)) {
        (_, Some(&(at, value))) if at == x => value,
        (Some((from, low)), Some(&(to, high))) => {
            let (low_share, high_share) = (u128::from(to - x), u128::from(x - from));
            let sum = u128::from(low) * low_share + u128::from(high) * high_share;
            (sum / u128::from(to - from)) as u64
        }
        (Some((_, value)), None) | (None, Some(&(_, value))) => value,
        (None, None) => 1 << FRACTION,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rates() -> Kernel {
        Kernel {
            overhead: Ps(5_000_000),
            floor: Ps::ZERO,
            flop_per_s: 200_000_000_000_000,
            bytes_per_s: 1_500_000_000_000,
        }
    }

    fn sample(m: u64, k: u64, n: u64, us: u64) -> Sample {
        let time = Ps(us * 1_000_000);
        Sample { m, k, n, time }
    }

    #[test]
    fn between_two_samples_the_quotient_moves_evenly_over_doublings() {
        let double = |m: u64, k: u64, n: u64, by: u64| {
            let product = Product::half(m, k, n);
            let time = rates().time(product.flop(), product.bytes()).times(by);
            Sample { m, k, n, time }
        };
        // The model at 16 rows, three times the model at 256: twice at 64.
        let samples = [double(16, 4096, 4096, 1), double(256, 4096, 4096, 3)];
        let table = Measured::new(rates(), &samples).expect("samples");
        let quotient = |m, k, n| {
            let product = Product::half(m, k, n);
            let modelled = rates().time(product.flop(), product.bytes());
            table.time(&product).0 as f64 / modelled.0 as f64
        };
        assert!((quotient(64, 4096, 4096) - 2.0).abs() < 1e-5);
        assert!((quotient(1, 4096, 4096) - 1.0).abs() < 1e-5);
        assert!((quotient(9999, 4096, 4096) - 3.0).abs() < 1e-5);
        // Other shapes take the nearest series, or stand between two.
        assert!((quotient(64, 1024, 512) - 2.0).abs() < 1e-5);
        let samples = [double(8, 1024, 1024, 1), double(8, 4096, 4096, 3)];
        let table = Measured::new(rates(), &samples).expect("samples");
        let product = Product::half(8, 1024, 4096);
        let modelled = rates().time(product.flop(), product.bytes());
        let quotient = table.time(&product).0 as f64 / modelled.0 as f64;
        assert!((quotient - 2.0).abs() < 1e-5);
    }

    #[test]
    fn batches_follow_the_rates_and_no_samples_make_no_table() {
        let table = Measured::new(rates(), &[sample(1, 64, 64, 900)]).expect("a sample");
        let product = Product {
            batch: 7,
            ..Product::half(1, 64, 64)
        };
        let modelled = rates().time(product.flop(), product.bytes());
        assert_eq!(table.time(&product), modelled);
        assert_eq!(Measured::new(rates(), &[]), None);
    }

    proptest! {
        #[test]
        fn samples_give_their_own_times(rows in proptest::collection::btree_map((1u64..5000, 1u64..4, 1u64..4), 1u64..1_000_000_000_000, 1..40)) {
            let samples: Vec<Sample> = rows
                .into_iter()
                .map(|((m, k, n), ps)| Sample { m, k: 1024 * k, n: 1024 * n, time: Ps(ps) })
                .collect();
            let table = Measured::new(rates(), &samples).expect("samples");
            for sample in samples {
                prop_assert_eq!(table.time(&Product::half(sample.m, sample.k, sample.n)), sample.time);
            }
        }
    }
}
