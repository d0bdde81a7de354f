//! Layer norm and RMS norm, row by row.
//!
//! The variance takes a second pass over the row. The one-pass form `E[x^2] - E[x]^2` cancels
//! when the mean is large beside the deviation and is no reference.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::scalar::Scalar;

/// A norm with its weights, one per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct NormWeights<S> {
    /// Multiplies the normalised row.
    pub scale: Array1<S>,
    /// Added behind the scale: a layer norm. `None`: an RMS norm, which does not subtract the
    /// mean either.
    pub shift: Option<Array1<S>>,
    /// Added to the variance (or to the mean square) under the root.
    pub epsilon: f64,
}

impl<S: Scalar> NormWeights<S> {
    /// Normalises each row of `input`, `[rows, channels]`. A row's result depends on nothing
    /// but that row.
    #[must_use]
    pub fn apply(&self, input: ArrayView2<'_, S>) -> Array2<S> {
        let mut output = input.to_owned();
        for (mut row, source) in output.rows_mut().into_iter().zip(input.rows()) {
            let center = if self.shift.is_some() {
                mean(source.iter().copied())
            } else {
                S::zero()
            };
            let square = |value: &S| (*value - center) * (*value - center);
            let spread = mean(source.iter().map(square));
            let inverse = (spread + S::of(self.epsilon)).sqrt().recip();
            for (value, scale) in row.iter_mut().zip(&self.scale) {
                *value = (*value - center) * inverse * *scale;
            }
            if let Some(shift) = &self.shift {
                for (value, shift) in row.iter_mut().zip(shift) {
                    *value += *shift;
                }
            }
        }
        output
    }

    /// The weights as stored: the scale, then the shift.
    pub fn parts(&self) -> impl Iterator<Item = ArrayView1<'_, S>> {
        std::iter::once(self.scale.view()).chain(self.shift.iter().map(|shift| shift.view()))
    }
}

/// The mean, summed in halves of halves: the error of a sum in order would grow with the
/// number of channels and show beside that of the norm itself.
fn mean<S: Scalar>(values: impl Iterator<Item = S>) -> S {
    let values: Vec<S> = values.collect();
    pairwise(&values) / S::of(values.len() as f64)
}

fn pairwise<S: Scalar>(values: &[S]) -> S {
    const LEAF: usize = 8;
    if values.len() <= LEAF {
        return values.iter().fold(S::zero(), |sum, value| sum + *value);
    }
    let (low, high) = values.split_at(values.len() / 2);
    pairwise(low) + pairwise(high)
}

#[cfg(test)]
mod tests {
    use super::NormWeights;
    use ndarray::{arr1, arr2};

    #[test]
    fn norms_of_a_row_known_by_hand() {
        let input = arr2(&[[1.0_f64, 3.0], [-4.0, 4.0]]);
        let layer = NormWeights {
            scale: arr1(&[2.0, 1.0]),
            shift: Some(arr1(&[0.5, 0.0])),
            epsilon: 0.0,
        };
        assert_eq!(layer.apply(input.view()), arr2(&[[-1.5, 1.0], [-1.5, 1.0]]));
        let rms = NormWeights {
            scale: arr1(&[1.0, 2.0]),
            shift: None,
            epsilon: 0.0,
        };
        assert_eq!(rms.apply(input.view()).row(1), arr1(&[-1.0, 2.0]));
    }
}
