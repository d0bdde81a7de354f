//! The functions between the feed-forward matrices, and gating.

use ndarray::{Array2, ArrayView2};

use super::part::columns;
use super::scalar::Scalar;

/// A feed-forward function in the exact form that a checkpoint was trained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// `x * Phi(x)` by the error function: the published name `gelu`.
    GeluErf,
    /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`: `gelu_new`, `gelu_fast`,
    /// `gelu_pytorch_tanh`.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `x / (1 + exp(-x))`.
    Silu,
}

impl Function {
    /// The function of one value.
    #[must_use]
    pub fn of<S: Scalar>(self, value: S) -> S {
        let one = S::one();
        let half = S::of(0.5);
        match self {
            Self::GeluErf => {
                let argument = value.wide() * std::f64::consts::FRAC_1_SQRT_2;
                value * S::of(0.5 * erfc(-argument))
            }
            Self::GeluTanh => {
                let cubic = value + S::of(0.044_715) * value * value * value;
                let root = (2.0 / std::f64::consts::PI).sqrt();
                half * value * (one + (S::of(root) * cubic).tanh())
            }
            Self::Relu => value.max(S::zero()),
            Self::Silu => value / (one + (-value).exp()),
        }
    }

    /// The function of every element.
    #[must_use]
    pub fn apply<S: Scalar>(self, input: ArrayView2<'_, S>) -> Array2<S> {
        input.mapv(|value| self.of(value))
    }

    /// The gated form: `input` is `[rows, 2 * width]`, the gate's channels first; the result,
    /// `[rows, width]`, is the function of the gate times the rest.
    #[must_use]
    pub fn gate<S: Scalar>(self, input: ArrayView2<'_, S>) -> Array2<S> {
        let width = input.ncols() / 2;
        let gate = columns(input, 0..width);
        let value = columns(input, width..2 * width);
        self.apply(gate) * value
    }
}

/// The complementary error function to a few units of `f64`'s last place: its Taylor series
/// near zero, its continued fraction (Abramowitz and Stegun 7.1.5, 7.1.14) beyond.
fn erfc(x: f64) -> f64 {
    const SERIES_END: f64 = 2.5;
    const TERMS: i32 = 120;
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x.is_nan() {
        return x;
    }
    let square = x * x;
    if x < SERIES_END {
        let mut term = x;
        let mut sum = x;
        for n in 1..TERMS {
            term *= -square / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return 1.0 - std::f64::consts::FRAC_2_SQRT_PI * sum;
    }
    let mut fraction = x;
    for n in (1..TERMS).rev() {
        fraction = x + f64::from(n) / 2.0 / fraction;
    }
    (-square).exp() * std::f64::consts::FRAC_2_SQRT_PI / 2.0 / fraction
}

#[cfg(test)]
mod tests {
    use super::{Function, erfc};
    use ndarray::arr2;

    #[test]
    fn the_error_function_meets_its_tables() {
        // NIST Digital Library of Mathematical Functions, table 7.23 and its references.
        for (x, expected) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122_186_953_5),
            (1.0, 0.157_299_207_050_285_13),
            (2.0, 4.677_734_981_047_266e-3),
            (3.0, 2.209_049_699_858_544e-5),
            (-1.0, 1.842_700_792_949_715),
        ] {
            let error = (erfc(x) - expected).abs();
            assert!(error <= 4e-15, "erfc({x}) is off by {error:e}");
        }
        let seam = erfc(2.5 - 1e-12) - erfc(2.5);
        assert!(seam.abs() < 1e-13, "{seam:e}");
    }

    #[test]
    fn the_two_forms_of_gelu_differ_by_what_is_known() {
        let gap = |x: f64| (Function::GeluErf.of(x) - Function::GeluTanh.of(x)).abs();
        let worst = (-400..400).map(|step| gap(f64::from(step) / 100.0));
        let worst = worst.fold(0.0, f64::max);
        assert!((1e-4..6e-4).contains(&worst), "{worst:e}");
    }

    #[test]
    fn the_gate_comes_first() {
        let input = arr2(&[[-1.0_f64, 2.0, 5.0, 7.0]]);
        assert_eq!(Function::Relu.gate(input.view()), arr2(&[[0.0, 14.0]]));
    }
}
