//! Softmax in one pass over a row, whole or in parts.
//!
//! A part of a row is carried as its maximum, its sum of exponentials and its weighted values,
//! all relative to that maximum. Parts merge in any grouping, which is what lets banks,
//! channels or shared prefixes each compute their own (Milakov and Gimelshein, "Online
//! normalizer calculation for softmax", 2018; Dao et al., "FlashAttention", 2022).

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::scalar::Scalar;

/// Softmax of each row of `scores`. Scores of minus infinity get probability 0; a row of
/// nothing else (a query that sees no key) becomes all zeros.
#[must_use]
pub fn softmax<S: Scalar>(scores: ArrayView2<'_, S>) -> Array2<S> {
    let mut output = scores.to_owned();
    for mut row in output.rows_mut() {
        let (max, sum) = running(row.view());
        let scale = if sum > S::zero() { sum.recip() } else { sum };
        row.mapv_inplace(|score| weight(score, max) * scale);
    }
    output
}

/// Maximum of a row and sum of its exponentials relative to that maximum, in one pass.
fn running<S: Scalar>(scores: ArrayView1<'_, S>) -> (S, S) {
    let start = (S::neg_infinity(), S::zero());
    scores.iter().fold(start, |(max, sum), score| {
        if *score > max {
            (*score, sum * weight(max, *score) + S::one())
        } else {
            (max, sum + weight(*score, max))
        }
    })
}

/// `exp(score - max)`, with minus infinity as a score that weighs nothing.
fn weight<S: Scalar>(score: S, max: S) -> S {
    if score == S::neg_infinity() {
        S::zero()
    } else {
        (score - max).exp()
    }
}

/// Attention of one query over some of its keys, before normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Partial<S> {
    /// Largest score of the part; minus infinity for an empty one.
    pub max: S,
    /// Sum of `exp(score - max)`.
    pub sum: S,
    /// Values weighted by `exp(score - max)`, `[channels]`.
    pub out: Array1<S>,
}

impl<S: Scalar> Partial<S> {
    /// The part of `scores`, `[keys]`, over `values`, `[keys, channels]`.
    #[must_use]
    pub fn of(scores: ArrayView1<'_, S>, values: ArrayView2<'_, S>) -> Self {
        let (max, sum) = running(scores);
        let mut out = Array1::zeros(values.ncols());
        for (score, value) in scores.iter().zip(values.rows()) {
            out.scaled_add(weight(*score, max), &value);
        }
        Self { max, sum, out }
    }

    /// Both parts as one.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let max = self.max.max(other.max);
        let (mine, theirs) = (weight(self.max, max), weight(other.max, max));
        let mut out = &self.out * mine;
        out.scaled_add(theirs, &other.out);
        Self {
            max,
            sum: self.sum * mine + other.sum * theirs,
            out,
        }
    }

    /// The attention output; zeros when no key was seen.
    #[must_use]
    pub fn finish(&self) -> Array1<S> {
        if self.sum > S::zero() {
            &self.out / self.sum
        } else {
            self.out.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Partial, softmax};
    use ndarray::{Array1, arr1, arr2};

    #[test]
    fn masked_scores_weigh_nothing() {
        let hidden = f64::NEG_INFINITY;
        let scores = arr2(&[[hidden, 0.0, 0.0], [hidden, hidden, hidden]]);
        let expected = arr2(&[[0.0, 0.5, 0.5], [0.0, 0.0, 0.0]]);
        assert_eq!(softmax(scores.view()), expected);
    }

    #[test]
    fn an_empty_part_changes_nothing() {
        let values = arr2(&[[1.0_f64, 2.0], [3.0, 4.0]]);
        let part = Partial::of(arr1(&[0.25, -1.0]).view(), values.view());
        let empty = Partial {
            max: f64::NEG_INFINITY,
            sum: 0.0,
            out: Array1::zeros(2),
        };
        assert_eq!(part.merge(&empty), part);
        assert_eq!(empty.merge(&part), part);
        assert_eq!(empty.merge(&empty).finish(), arr1(&[0.0, 0.0]));
    }
}
