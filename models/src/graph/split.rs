//! Which tensor-parallel degrees a model allows.

use super::error::GraphError;
use crate::model::Model;

/// Checks that heads and feed-forward width divide by `degree`. The vocabulary need not: its
/// last share is padded.
pub(super) fn check(model: &Model, degree: u64) -> Result<(), GraphError> {
    let dimensions = [
        ("query heads", model.heads),
        ("KV heads", model.kv_heads),
        ("feed-forward channels", model.ffn_width),
    ];
    let uneven = |size: u64| degree == 0 || !size.is_multiple_of(degree);
    match dimensions.into_iter().find(|(_, size)| uneven(*size)) {
        None => Ok(()),
        Some((dimension, size)) => {
            let common = dimensions
                .iter()
                .fold(0, |common, (_, size)| gcd(common, *size));
            let nearest = nearest_divisor(common, degree);
            Err(GraphError::Split {
                dimension,
                size,
                tensor_parallel: degree,
                nearest,
            })
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The divisor of `number` nearest to `wanted`, the smaller of two equally near.
fn nearest_divisor(number: u64, wanted: u64) -> u64 {
    // The square root of the largest size a configuration may state.
    const LARGEST_ROOT: u64 = 1 << 16;
    (1..=LARGEST_ROOT)
        .take_while(|divisor| divisor * divisor <= number)
        .filter(|divisor| number.is_multiple_of(*divisor))
        .flat_map(|divisor| [divisor, number / divisor])
        .min_by_key(|divisor| (divisor.abs_diff(wanted), *divisor))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::nearest_divisor;

    #[test]
    fn the_nearest_divisor_may_lie_on_either_side() {
        assert_eq!(nearest_divisor(8, 3), 2);
        assert_eq!(nearest_divisor(8, 7), 8);
        assert_eq!(nearest_divisor(8, 100), 8);
        assert_eq!(nearest_divisor(4, 0), 1);
        assert_eq!(nearest_divisor(0, 5), 1);
    }
}
