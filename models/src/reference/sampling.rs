//! Greedy sampling.

use ndarray::ArrayView1;

use super::scalar::Scalar;

/// Index of the largest logit; of equal ones the lowest. NaN never wins; 0 for an empty row.
#[must_use]
pub fn greedy<S: Scalar>(logits: ArrayView1<'_, S>) -> usize {
    let mut best = (0, S::neg_infinity());
    for (token, logit) in logits.iter().enumerate() {
        if *logit > best.1 {
            best = (token, *logit);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::greedy;
    use ndarray::arr1;

    #[test]
    fn ties_go_to_the_lowest_index() {
        assert_eq!(greedy(arr1(&[0.5, 2.0, 2.0, f64::NAN]).view()), 1);
        assert_eq!(greedy(arr1(&[f32::NEG_INFINITY; 3]).view()), 0);
    }
}
