//! Max-min fair shares by progressive filling: all rates rise together until a capacity is full,
//! what crosses it is frozen there, and the rest goes on (Bertsekas and Gallager, "Data Networks",
//! section 6.5.2). Integers, rounded down: no capacity is ever exceeded.

/// Rates for claims on what is `left` of each capacity; takes them off. A claim lists the
/// capacities it crosses, one as often as it crosses it.
pub fn fill(left: &mut [u64], claims: &[&[usize]]) -> Vec<u64> {
    let mut rates = vec![0; claims.len()];
    let mut open: Vec<usize> = (0..claims.len()).collect();
    let mut crossings = vec![0u64; left.len()];
    while !open.is_empty() {
        crossings.fill(0);
        for &claim in &open {
            for &capacity in claims[claim] {
                crossings[capacity] += 1;
            }
        }
        let level = |capacity: usize| left[capacity].checked_div(crossings[capacity]);
        let Some((share, full)) = (0..left.len())
            .filter_map(|capacity| Some((level(capacity)?, capacity)))
            .min()
        else {
            // What crosses nothing is not held back.
            for &claim in &open {
                rates[claim] = u64::MAX;
            }
            break;
        };
        open.retain(|&claim| {
            let stops = claims[claim].contains(&full);
            if stops {
                rates[claim] = share;
                for &capacity in claims[claim] {
                    left[capacity] -= share;
                }
            }
            !stops
        });
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_way_leaves_what_its_bottleneck_bars_it_from() {
        // The textbook case: three on the first link, of which one goes on over the second.
        let mut left = [90, 100];
        assert_eq!(
            fill(&mut left, &[&[0], &[0], &[0, 1], &[1]]),
            [30, 30, 30, 70]
        );
        assert_eq!(left, [0, 0]);
    }

    fn claims() -> impl Strategy<Value = (Vec<u64>, Vec<Vec<usize>>)> {
        (2usize..7).prop_flat_map(|capacities| {
            let claim = proptest::collection::vec(0..capacities, 1..4);
            (
                proptest::collection::vec(1u64..1_000_000_000, capacities),
                proptest::collection::vec(claim, 1..12),
            )
        })
    }

    proptest! {
        #[test]
        fn shares_are_feasible_and_max_min_fair((capacities, claims) in claims()) {
            let uses: Vec<&[usize]> = claims.iter().map(Vec::as_slice).collect();
            let mut left = capacities.clone();
            let rates = fill(&mut left, &uses);
            let mut load = vec![0u64; capacities.len()];
            for (uses, rate) in claims.iter().zip(&rates) {
                for &capacity in uses {
                    load[capacity] += rate;
                }
            }
            for capacity in 0..capacities.len() {
                prop_assert!(load[capacity] <= capacities[capacity]);
                prop_assert_eq!(load[capacity] + left[capacity], capacities[capacity]);
            }
            // Each claim crosses a capacity that is full but for rounding, on which none has more.
            for (uses, rate) in claims.iter().zip(&rates) {
                let bottleneck = uses.iter().any(|&capacity| {
                    let crossing = claims.iter().flatten().filter(|&&c| c == capacity).count();
                    let most = claims
                        .iter()
                        .zip(&rates)
                        .filter(|(other, _)| other.contains(&capacity))
                        .map(|(_, rate)| *rate)
                        .max();
                    left[capacity] < crossing as u64 && most <= Some(*rate)
                });
                prop_assert!(bottleneck);
            }
        }
    }
}
