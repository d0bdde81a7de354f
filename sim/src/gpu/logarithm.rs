//! Binary logarithms in fixed point: measured tables are interpolated over sizes that double, and
//! the simulator keeps floating point out of its times.

/// Bits behind the point.
pub(super) const FRACTION: u32 = 20;

/// `log2(number)` in steps of `2^-20`, rounded down; zero counts as one.
pub(super) fn log2(number: u64) -> u64 {
    let number = number.max(1);
    let whole = number.ilog2();
    // The mantissa, from 1 up to 2, in 62 bits behind the point.
    let mut mantissa = u128::from(number) << (62 - whole.min(62));
    if whole > 62 {
        mantissa = u128::from(number) >> (whole - 62);
    }
    let mut result = u64::from(whole);
    for _ in 0..FRACTION {
        // Squaring doubles the logarithm: a carry over 2 is its next bit.
        mantissa = (mantissa * mantissa) >> 62;
        let bit = mantissa >> 63;
        mantissa >>= bit;
        result = (result << 1) | bit as u64;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_exact_and_others_close() {
        for power in 0..64u32 {
            assert_eq!(log2(1u64 << power), u64::from(power) << FRACTION);
        }
        for number in [3, 5, 7, 1000, 12_288, 123_456_789, u64::MAX] {
            let exact = (number as f64).log2() * f64::from(1 << FRACTION);
            assert!((log2(number) as f64 - exact).abs() <= 1.5, "{number}");
        }
    }
}
