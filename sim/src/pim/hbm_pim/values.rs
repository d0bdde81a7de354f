//! Values of the units: sixteen fp16 lanes, rounded after every operation as the units round.

use super::instruction::Arithmetic;
use std::array;

pub use half::f16;

/// A burst, or a register: 256 bit.
pub type Burst = [f16; 16];

/// All lanes zero.
pub const ZERO: Burst = [f16::ZERO; 16];

/// One operation on all lanes; `c` is the destination of MAC and the third source of MAD.
pub fn compute(arithmetic: Arithmetic, a: &Burst, b: &Burst, c: &Burst) -> Burst {
    array::from_fn(|lane| {
        let (a, b, c) = (a[lane], b[lane], c[lane]);
        match arithmetic {
            Arithmetic::Add => a + b,
            Arithmetic::Mul => a * b,
            Arithmetic::Mac | Arithmetic::Mad(_) => a * b + c,
        }
    })
}

/// Lanes whose sign bit is set become zero.
pub fn relu(burst: &Burst) -> Burst {
    burst.map(|lane| {
        if lane.is_sign_negative() {
            f16::ZERO
        } else {
            lane
        }
    })
}

/// The sum of the lanes, in pairs: what the host does with the partial sums of an output.
pub fn sum(burst: &Burst) -> f16 {
    let mut lanes = *burst;
    let mut count = lanes.len();
    while count > 1 {
        count /= 2;
        for lane in 0..count {
            lanes[lane] = lanes[2 * lane] + lanes[2 * lane + 1];
        }
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(values: impl Fn(usize) -> f32) -> Burst {
        array::from_fn(|lane| f16::from_f32(values(lane)))
    }

    #[test]
    fn lanes_round_after_every_operation() {
        // 2048 + 1 is no fp16: the product alone is exact, the sum is not.
        let (a, b, c) = (burst(|_| 32.0), burst(|_| 64.0), burst(|_| 1.0));
        assert_eq!(compute(Arithmetic::Mac, &a, &b, &c), burst(|_| 2048.0));
        // The product is rounded before the sum: 4098.0 becomes 4096 or 4100, not 4098 - 4096 = 2.
        let (a, b, c) = (burst(|_| 2049.0), burst(|_| 2.0), burst(|_| -4096.0));
        let product = f16::from_f32(2049.0).to_f32() * 2.0;
        let expected = f16::from_f32(product).to_f32() - 4096.0;
        assert_eq!(compute(Arithmetic::Mac, &a, &b, &c), burst(|_| expected));
    }

    #[test]
    fn lanes_are_summed_and_cut() {
        assert_eq!(sum(&burst(|lane| lane as f32)), f16::from_f32(120.0));
        let signed = burst(|lane| lane as f32 - 8.0);
        let cut = burst(|lane| (lane as f32 - 8.0).max(0.0));
        assert_eq!(relu(&signed), cut);
        assert_eq!(relu(&burst(|_| -0.0))[0].to_bits(), 0);
    }
}
