//! Order of the three clocks. Core and memory tick together at 1 GHz, the interconnect at 2 GHz: the
//! interconnect's tick 2n goes with cycle n, its tick 2n + 1 stands alone.

/// Cycles in which the interconnect's tick 2n comes before core and memory, not behind them. The
/// artifact adds up periods of 0.001 and 0.0005 in binary floating point, and lets the clock with
/// the smallest sum tick: of two sums that should be equal one is rounded up earlier. First and
/// last cycle of each span, of the first ten million cycles.
const INTERCONNECT_FIRST: [(u64, u64); 4] = [
    (501, 2_124),
    (4_938, 9_530),
    (19_235, 38_382),
    (134_405, 1_039_199),
];

/// Whether the interconnect comes first in a cycle.
pub(super) fn interconnect_first(cycle: u64) -> bool {
    INTERCONNECT_FIRST
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&cycle))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spans are nobody's measurement: they follow from IEEE 754 sums.
    #[test]
    fn the_spans_are_those_of_sums_of_doubles() {
        let (mut core, mut interconnect) = (0.0_f64, 0.0_f64);
        let (mut cycle, mut ticks) = (0_u64, 0_u64);
        while cycle < 2_000_000 {
            let least = core.min(interconnect);
            let both = (core <= least, interconnect <= least);
            if both.0 {
                assert_eq!(
                    interconnect_first(cycle),
                    ticks > 2 * cycle,
                    "cycle {cycle}"
                );
                core += 1.0 / 1000.0;
                cycle += 1;
            }
            if both.1 {
                interconnect += 1.0 / 2000.0;
                ticks += 1;
            }
        }
    }
}
