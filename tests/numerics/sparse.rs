//! N9 to N11: sparse decode attention.

use super::{apart, random};
use memwall_models::reference::{
    Scalar, SparseOutput, Sparsity, product, softmax, sparse_attention,
};
use ndarray::{Array2, Axis, Slice};

const CHANNELS: usize = 128;
const TOKENS: usize = 2048;

struct Head<S> {
    queries: Array2<S>,
    keys: Array2<S>,
    values: Array2<S>,
}

/// Queries a few of whose channels are large, as trained ones are: the premise of the method.
fn head<S: Scalar>(tokens: usize) -> Head<S> {
    let queries = random::<S>(51, 8, CHANNELS).mapv(|value| value * value * value);
    Head {
        queries,
        keys: random(52, tokens, CHANNELS),
        values: random(53, tokens, CHANNELS),
    }
}

impl<S: Scalar> Head<S> {
    fn sparse(&self, query: usize, channels: usize, tokens: usize) -> SparseOutput<S> {
        let mean = self.values.sum_axis(Axis(0)) / S::of(self.values.nrows() as f64);
        sparse_attention(
            self.queries.row(query),
            self.keys.view(),
            self.values.view(),
            mean.view(),
            Sparsity { channels, tokens },
        )
    }

    fn dense(&self, query: usize) -> Array2<S> {
        let scale = S::of((CHANNELS as f64).sqrt());
        let query = self.queries.slice_axis(Axis(0), Slice::from(query..=query));
        let scores = product(query, self.keys.t()) / scale;
        product(softmax(scores.view()).view(), self.values.view())
    }

    /// Error of one setting, as a share of the dense result, on the mean of the queries.
    fn error(&self, channels: usize, tokens: usize) -> f64 {
        let queries = self.queries.nrows();
        let errors = (0..queries).map(|query| {
            let dense = self.dense(query);
            let sparse = self.sparse(query, channels, tokens).out;
            let norm = |values: &Array2<S>| values.fold(0.0, |sum, v| sum + v.wide().powi(2));
            let gap = sparse.insert_axis(Axis(0)) - &dense;
            (norm(&gap) / norm(&dense)).sqrt()
        });
        errors.sum::<f64>() / queries as f64
    }
}

#[test]
fn n9_all_channels_and_all_tokens_are_dense_attention() {
    fn gap<S: Scalar>() -> f64 {
        let head = head::<S>(512);
        let gaps = (0..8).map(|query| {
            let sparse = head.sparse(query, CHANNELS, 512).out.insert_axis(Axis(0));
            apart(sparse.view(), head.dense(query).view())
        });
        gaps.fold(0.0, f64::max)
    }
    let (double, single) = (gap::<f64>(), gap::<f32>());
    assert!(double <= 1e-12, "{double:e}");
    assert!(single <= 1e-6, "{single:e}");
}

#[test]
fn n10_the_error_falls_with_tokens_and_with_channels() {
    let head = head::<f64>(TOKENS);
    let channels = [8, 32, 128];
    let tokens = [32, 128, 512, TOKENS];
    let errors = channels.map(|channels| tokens.map(|tokens| head.error(channels, tokens)));
    for row in &errors {
        assert!(row.is_sorted_by(|one, next| one > next), "{errors:?}");
    }
    for pair in errors.windows(2) {
        // With all tokens chosen the channels decide nothing any more.
        for (fewer, more) in pair[0][..3].iter().zip(&pair[1][..3]) {
            assert!(fewer > more, "{errors:?}");
        }
        assert!(pair[1][3] < 1e-12, "{errors:?}");
    }
}

#[test]
fn n11_traffic_is_the_share_that_was_asked_for() {
    let head = head::<f32>(TOKENS);
    let sparse = head.sparse(0, 32, 128);
    assert_eq!(sparse.channels.len(), 32);
    assert_eq!(sparse.tokens.len(), 128);
    let dense = (2 * CHANNELS * TOKENS) as u64;
    // r / 2d + k / S = 32 / 256 + 128 / 2048 = 3 / 16.
    assert_eq!(sparse.elements_read * 16, dense * 3);
}
