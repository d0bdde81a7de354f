//! Percentiles and means of integer samples, by the one definition that records state.

use crate::record::Distribution;

/// Nearest rank: the smallest value that at least `per_mille / 10` per cent do not exceed.
pub fn percentile(sorted: &[u64], per_mille: u64) -> u64 {
    let rank = (sorted.len() as u64 * per_mille).div_ceil(1000).max(1);
    sorted.get(rank as usize - 1).copied().unwrap_or(0)
}

/// Distribution of picosecond samples, in milliseconds.
pub fn milliseconds(mut samples: Vec<u64>) -> Distribution {
    const PS_PER_MS: f64 = 1e9;
    samples.sort_unstable();
    let sum: u128 = samples.iter().copied().map(u128::from).sum();
    let at = |per_mille| percentile(&samples, per_mille) as f64 / PS_PER_MS;
    Distribution {
        count: samples.len() as u64,
        mean: sum as f64 / samples.len().max(1) as f64 / PS_PER_MS,
        p50: at(500),
        p90: at(900),
        p95: at(950),
        p99: at(990),
        max: at(1000),
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn nearest_rank() {
        let values: Vec<u64> = (1..=10).collect();
        assert_eq!(percentile(&values, 500), 5);
        assert_eq!(percentile(&values, 950), 10);
        assert_eq!(percentile(&values, 1), 1);
        assert_eq!(percentile(&[], 500), 0);
    }
}
