//! The number types that the reference computes in.
//!
//! `f64` is the truth that tolerances are measured against; `f32` is what a machine with exact
//! storage would give. Everything else is written once, over this trait.

use ndarray::NdFloat;

/// `f32` or `f64`.
pub trait Scalar: NdFloat + Default + 'static {
    /// The nearest value of this type.
    fn of(value: f64) -> Self;

    /// The same value in `f64`; exact for both types.
    fn wide(self) -> f64;
}

impl Scalar for f32 {
    fn of(value: f64) -> Self {
        value as Self
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn wide(self) -> f64 {
        self
    }
}
