//! Rounding to the element type that a tensor is stored in.
//!
//! A machine computes in wide accumulators and stores narrow elements. The reference keeps all
//! values in its scalar and rounds where a machine would store, so that the two effects can be
//! told apart: without rounding, what remains is the order of summation.

use half::{bf16, f16};
use ndarray::Array2;

use super::scalar::Scalar;
use crate::dtype::Dtype;

/// What a stored element keeps of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Storage {
    /// The reference's own scalar.
    #[default]
    Exact,
    /// The elements of a model's files, rounded to nearest, ties to even.
    Element(Dtype),
}

impl Storage {
    /// `value` after a store and a load.
    #[must_use]
    pub fn round<S: Scalar>(self, value: S) -> S {
        match self {
            Self::Exact => value,
            Self::Element(Dtype::F32) => S::of(f64::from(value.wide() as f32)),
            Self::Element(Dtype::F16) => S::of(f16::from_f32(odd(value.wide())).to_f64()),
            Self::Element(Dtype::Bf16) => S::of(bf16::from_f32(odd(value.wide())).to_f64()),
        }
    }

    /// Every element of `tensor` after a store and a load.
    #[must_use]
    pub fn store<S: Scalar>(self, mut tensor: Array2<S>) -> Array2<S> {
        if self != Self::Exact {
            tensor.mapv_inplace(|value| self.round(value));
        }
        tensor
    }
}

/// `value` in `f32`, rounded to the neighbour with an odd last bit where it does not fit: a
/// second rounding, to fewer bits, then meets no tie that was none before. (`half` converts
/// `f64` by dropping the low half of the mantissa, which makes such ties.)
fn odd(value: f64) -> f32 {
    let nearest = value as f32;
    if value.is_nan() || f64::from(nearest).to_bits() == value.to_bits() {
        return nearest;
    }
    let beyond = f64::from(nearest).abs() > value.abs();
    let towards_zero = nearest.to_bits() - u32::from(beyond);
    f32::from_bits(towards_zero | 1)
}

/// Where a forward pass rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Precision {
    /// Weights, once, when they are laid out.
    pub weights: Storage,
    /// The result of every operator.
    pub activations: Storage,
    /// Keys and values, when they enter the cache.
    pub kv: Storage,
}

impl Precision {
    /// All three in one element type.
    #[must_use]
    pub const fn uniform(dtype: Dtype) -> Self {
        Self {
            weights: Storage::Element(dtype),
            activations: Storage::Element(dtype),
            kv: Storage::Element(dtype),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Storage;
    use crate::dtype::Dtype;

    #[test]
    fn halfway_values_round_to_even() {
        // 11 and 8 significant bits: 2049 and 257 lie halfway between two neighbours.
        let half = Storage::Element(Dtype::F16);
        assert_eq!(half.round(2049.0_f64).to_bits(), 2048.0_f64.to_bits());
        assert_eq!(half.round(2051.0_f64).to_bits(), 2052.0_f64.to_bits());
        let brain = Storage::Element(Dtype::Bf16);
        assert_eq!(brain.round(257.0_f32).to_bits(), 256.0_f32.to_bits());
        assert_eq!(brain.round(259.0_f32).to_bits(), 260.0_f32.to_bits());
        let single = Storage::Element(Dtype::F32);
        assert_eq!(
            single.round(0.1_f64).to_bits(),
            f64::from(0.1_f32).to_bits()
        );
        // A value beyond halfway by less than the last bit of f32, or just within it.
        for (small, large) in [(half, 2049.0_f64), (brain, 257.0)] {
            let above = large + f64::EPSILON * large;
            assert_eq!(small.round(above).to_bits(), (large + 1.0).to_bits());
            let above = large + 2.0_f64.powi(-12);
            assert_eq!(
                small.round(above as f32).to_bits(),
                ((large + 1.0) as f32).to_bits()
            );
            let odd = large + 2.0;
            let below = odd - f64::EPSILON * odd;
            assert_eq!(small.round(-below).to_bits(), (-(odd - 1.0)).to_bits());
        }
        assert_eq!(
            half.round(65_519.999_999_999_f64).to_bits(),
            65_504_f64.to_bits()
        );
        assert_eq!(half.round(65_520.0_f64).to_bits(), f64::INFINITY.to_bits());
        assert_eq!(half.round(1e300_f64).to_bits(), f64::INFINITY.to_bits());
        assert_eq!(half.round(-1e-300_f64).to_bits(), (-0.0_f64).to_bits());
        assert!(brain.round(f64::NAN).is_nan());
        assert_eq!(Storage::Exact.round(0.1_f64).to_bits(), 0.1_f64.to_bits());
    }
}
