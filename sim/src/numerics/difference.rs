//! How far what a machine made lies from what it should be.

use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// Bins of the histogram of units in the last place: 0, 1, up to 4, 16, 256, 65,536, and more.
pub const BINS: [u32; 6] = [0, 1, 4, 16, 256, 65_536];

/// What is accepted: `|got - expected| <= share x max(|expected|, rms(expected))`, the rms over the
/// whole tensor. Small elements of a tensor carry the error of the sums they come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Share.
    pub share: f64,
}

/// An element that is not what it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wrong {
    /// Sequence, for tensors of one sequence.
    pub sequence: usize,
    /// Row and column.
    pub index: (usize, usize),
    /// What the reference has.
    pub expected: f32,
    /// What the machine made.
    pub got: f32,
}

/// A tensor beside its reference.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Elements compared.
    pub elements: u64,
    /// Largest absolute difference.
    pub max_abs: f64,
    /// Largest difference as a share of the larger of the element and the tensor's rms.
    pub max_rel: f64,
    /// Elements by distance in units in the last place of f32; see [`BINS`].
    pub ulp: [u64; 7],
    /// The first element beyond the tolerance.
    pub wrong: Option<Wrong>,
}

impl Difference {
    /// Compares; elements that are minus infinity in both (hidden by a mask) are equal.
    pub fn of(
        got: ArrayView2<'_, f32>,
        expected: ArrayView2<'_, f32>,
        tolerance: Tolerance,
        sequence: usize,
    ) -> Difference {
        let mut found = Difference::default();
        if got.dim() != expected.dim() {
            found.max_abs = f64::INFINITY;
            found.max_rel = f64::INFINITY;
            found.wrong = Some(Wrong {
                sequence,
                index: got.dim(),
                expected: f32::NAN,
                got: f32::NAN,
            });
            return found;
        }
        let finite = expected.iter().filter(|value| value.is_finite());
        let (squares, count) = finite.fold((0.0, 0_u64), |(squares, count), value| {
            (squares + f64::from(*value).powi(2), count + 1)
        });
        let rms = (squares / count.max(1) as f64).sqrt();
        for ((index, got), expected) in got.indexed_iter().zip(expected) {
            found.elements += 1;
            let equal = got.to_bits() == expected.to_bits();
            let apart = (f64::from(*got) - f64::from(*expected)).abs();
            let (apart, share) = if equal {
                (0.0, 0.0)
            } else if apart.is_finite() {
                let scale = f64::from(expected.abs()).max(rms);
                (
                    apart,
                    if scale > 0.0 {
                        apart / scale
                    } else {
                        f64::INFINITY
                    },
                )
            } else {
                (f64::INFINITY, f64::INFINITY)
            };
            found.max_abs = found.max_abs.max(apart);
            found.max_rel = found.max_rel.max(share);
            let steps = ulps(*got, *expected);
            let bin = BINS.iter().position(|most| steps <= *most);
            found.ulp[bin.unwrap_or(BINS.len())] += 1;
            if share > tolerance.share && found.wrong.is_none() {
                found.wrong = Some(Wrong {
                    sequence,
                    index,
                    expected: *expected,
                    got: *got,
                });
            }
        }
        found
    }

    /// Both together; the wrong element of the first.
    #[must_use]
    pub fn and(mut self, other: Difference) -> Difference {
        self.elements += other.elements;
        self.max_abs = self.max_abs.max(other.max_abs);
        self.max_rel = self.max_rel.max(other.max_rel);
        for (own, other) in self.ulp.iter_mut().zip(other.ulp) {
            *own += other;
        }
        self.wrong = self.wrong.or(other.wrong);
        self
    }
}

/// Floats between two floats; the most there are if either is not a number.
fn ulps(a: f32, b: f32) -> u32 {
    if a.is_nan() || b.is_nan() {
        return u32::MAX;
    }
    // Bits in the order of values.
    let key = |value: f32| {
        let bits = value.to_bits();
        if bits >> 31 == 1 {
            !bits
        } else {
            bits | 1 << 31
        }
    };
    key(a).abs_diff(key(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn floats_are_counted_across_zero() {
        assert_eq!(ulps(1.0, 1.0), 0);
        assert_eq!(ulps(1.0, 1.0 + f32::EPSILON), 1);
        assert_eq!(ulps(0.0, -0.0), 1);
        assert_eq!(ulps(f32::from_bits(1), -f32::from_bits(1)), 3);
        assert_eq!(ulps(f32::NAN, 1.0), u32::MAX);
    }

    #[test]
    fn what_is_not_a_number_is_wrong_and_hidden_scores_are_equal() {
        let hidden = f32::NEG_INFINITY;
        let tolerance = Tolerance { share: 1e-4 };
        let of = |got, expected| {
            let (got, expected) = (arr2(&[[got, 1.0]]), arr2(&[[expected, 1.0]]));
            Difference::of(got.view(), expected.view(), tolerance, 0).wrong
        };
        assert_eq!(of(hidden, hidden), None);
        assert!(of(0.0, hidden).is_some());
        assert!(of(hidden, 0.0).is_some());
        assert!(of(f32::NAN, 0.5).is_some());
        // Of rms 0.71: 1e-4 of it is accepted where the element itself is nothing.
        assert_eq!(of(7e-5, 0.0), None);
        assert!(of(8e-5, 0.0).is_some());
    }
}
