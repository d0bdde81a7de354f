//! A search for the least of a function on a grid: from a fixed set of starts along the axes, in
//! steps that halve. Small, without randomness, and good enough for a handful of parameters whose
//! objective has kinks and no derivative.

/// Starts; their spread over the bounds is what finds the valley.
const STARTS: u64 = 16;

/// The best of all starts; of equals the first.
pub(super) fn search<const N: usize>(
    bounds: [(u64, u64); N],
    score: impl Fn(&[u64; N]) -> f64,
) -> [u64; N] {
    let mut best = bounds.map(|(low, high)| u64::midpoint(low, high));
    let mut least = f64::INFINITY;
    for start in 0..STARTS {
        let mut point = begin(bounds, start);
        let found = descend(bounds, &mut point, &score);
        if found < least {
            (best, least) = (point, found);
        }
    }
    best
}

/// Moves one parameter at a time while that helps, then halves the steps.
fn descend<const N: usize>(
    bounds: [(u64, u64); N],
    point: &mut [u64; N],
    score: &impl Fn(&[u64; N]) -> f64,
) -> f64 {
    let mut least = score(point);
    let mut steps = bounds.map(|(low, high)| ((high - low) / 4).max(1));
    loop {
        let mut moved = false;
        for axis in 0..N {
            let (low, high) = bounds[axis];
            for up in [false, true] {
                let mut next = *point;
                next[axis] = if up {
                    point[axis].saturating_add(steps[axis]).min(high)
                } else {
                    point[axis].saturating_sub(steps[axis]).max(low)
                };
                if next == *point {
                    continue;
                }
                let found = score(&next);
                if found < least {
                    (*point, least, moved) = (next, found, true);
                }
            }
        }
        if !moved {
            if steps.iter().all(|step| *step == 1) {
                return least;
            }
            steps = steps.map(|step| (step / 2).max(1));
        }
    }
}

/// The start number `index`: an additive recurrence, whose points fill the box evenly. Its
/// multipliers are the powers of the inverse of the root of `x^7 = x + 1`, in 2^-32
/// (M. Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018).
fn begin<const N: usize>(bounds: [(u64, u64); N], index: u64) -> [u64; N] {
    const MULTIPLIERS: [u64; 6] = [
        3_859_688_306,
        3_468_523_225,
        3_117_001_274,
        2_801_104_767,
        2_517_223_198,
        2_262_111_973,
    ];
    std::array::from_fn(|axis| {
        let (low, high) = bounds[axis];
        let multiplier = MULTIPLIERS[axis % MULTIPLIERS.len()];
        let fraction = (index + 1).wrapping_mul(multiplier) % (1 << 32);
        low + (((high - low) * fraction) >> 32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_corner_of_a_function_with_kinks() {
        let score = |p: &[u64; 3]| {
            let [a, b, c] = p.map(|value| value as f64);
            (a - 321.0).abs() + 3.0 * (b - 77.0).abs() + (c - 5.0).powi(2)
        };
        assert_eq!(search([(0, 1000), (10, 500), (0, 9)], score), [321, 77, 5]);
    }

    #[test]
    fn starts_differ_and_stay_within() {
        let bounds = [(10, 20), (0, 1000), (5, 5), (0, 1), (7, 900), (0, 3)];
        let starts: Vec<_> = (0..STARTS).map(|index| begin(bounds, index)).collect();
        for (index, start) in starts.iter().enumerate() {
            assert!(
                start
                    .iter()
                    .zip(bounds)
                    .all(|(value, (low, high))| (low..=high).contains(value))
            );
            assert!(!starts[..index].contains(start));
        }
    }
}
