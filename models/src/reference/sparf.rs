//! Sparse decode attention of one head: channels of the query choose tokens, chosen tokens are
//! attended (SparQ, Ribar et al., 2024, algorithm 1; SparF in InstInfer, arXiv 2409.04992, is
//! the same arithmetic over another layout in flash).

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use super::linear::product;
use super::scalar::Scalar;
use super::softmax::softmax;

/// How much of the cache one query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sparsity {
    /// Channels of the keys that estimate the scores; at most the head's.
    pub channels: usize,
    /// Tokens attended; at most those cached.
    pub tokens: usize,
}

/// What a query computed and what it touched.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseOutput<S> {
    /// `[channels of a head]`.
    pub out: Array1<S>,
    /// Chosen channels, ascending.
    pub channels: Vec<usize>,
    /// Chosen tokens, ascending.
    pub tokens: Vec<usize>,
    /// Elements of the cache read: the estimate's, then those of chosen keys and values. The
    /// running mean of the values is kept beside the cache and not counted.
    pub elements_read: u64,
}

/// Attends `query`, `[channels]`, to `keys` and `values`, `[tokens, channels]`, reading only
/// what `sparsity` allows. `mean` is the mean of all value rows: it stands for the tokens that
/// were not chosen, by the share of probability that the estimate gives them.
#[must_use]
pub fn sparse_attention<S: Scalar>(
    query: ArrayView1<'_, S>,
    keys: ArrayView2<'_, S>,
    values: ArrayView2<'_, S>,
    mean: ArrayView1<'_, S>,
    sparsity: Sparsity,
) -> SparseOutput<S> {
    let magnitudes = query.mapv(S::abs);
    let channels = largest(magnitudes.view(), sparsity.channels);
    let estimate_query = query.select(Axis(0), &channels);
    let estimate_keys = keys.select(Axis(1), &channels);
    let share = estimate_query.mapv(S::abs).sum() / magnitudes.sum();
    // All channels zero: every score is zero, whatever the scale.
    let share = if share > S::zero() { share } else { S::one() };
    let scale = (S::of(query.len() as f64) * share).sqrt().recip();
    let estimate = row(estimate_query.view());
    let estimate = softmax((product(estimate.view(), estimate_keys.t()) * scale).view());

    let tokens = largest(estimate.row(0), sparsity.tokens);
    let covered = estimate.row(0).select(Axis(0), &tokens).sum();
    let chosen_keys = keys.select(Axis(0), &tokens);
    let chosen_values = values.select(Axis(0), &tokens);
    let scale = S::of(1.0 / (query.len() as f64).sqrt());
    let weights = softmax((product(row(query).view(), chosen_keys.t()) * scale).view());
    let attended = product(weights.view(), chosen_values.view());
    let rest = S::one() - covered;
    let elements = estimate_keys.len() + chosen_keys.len() + chosen_values.len();
    SparseOutput {
        out: &attended.row(0) * covered + &(&mean * rest),
        channels,
        tokens,
        elements_read: elements as u64,
    }
}

fn row<S: Scalar>(values: ArrayView1<'_, S>) -> Array2<S> {
    values.to_owned().insert_axis(Axis(0))
}

/// Indices of the `count` largest values, ascending; of equal values the lower index.
fn largest<S: Scalar>(values: ArrayView1<'_, S>, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*other].wide().total_cmp(&values[*one].wide()));
    order.truncate(count);
    order.sort_unstable();
    order
}
