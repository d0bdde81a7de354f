//! N8 and N27: attention in parts, merged by maximum, sum and output.

use super::{apart, random};
use memwall_models::reference::{Partial, Scalar, product, softmax};
use ndarray::{Array1, Array2, Axis, Slice};
use proptest::prelude::*;

const CHANNELS: usize = 64;

/// The parts of `scores` that end at each of `ends`, merged in order.
fn merged<S: Scalar>(scores: &Array2<S>, values: &Array2<S>, ends: &[usize]) -> Array1<S> {
    let mut start = 0;
    let mut all: Option<Partial<S>> = None;
    for end in ends {
        let range = Slice::from(start..*end);
        let scores = scores.row(0);
        let part = Partial::of(
            scores.slice_axis(Axis(0), range),
            values.slice_axis(Axis(0), range),
        );
        all = Some(all.map_or_else(|| part.clone(), |all| all.merge(&part)));
        start = *end;
    }
    all.expect("at least one part").finish()
}

fn error(tokens: usize, ends: &[usize], seed: u64) -> f64 {
    let scores = random::<f32>(seed, 1, tokens).mapv(|score| 4.0 * score);
    let values = random::<f32>(seed + 1, tokens, CHANNELS);
    let split = merged(&scores, &values, ends).insert_axis(Axis(0));
    let scores = scores.mapv(f64::from);
    let whole = product(softmax(scores.view()).view(), values.mapv(f64::from).view());
    apart(split.view(), whole.view())
}

#[test]
fn n8_equal_parts_up_to_256_of_16384_tokens() {
    for (tokens, parts) in [(16_384, 256), (16_384, 16), (2048, 32), (48, 48), (5, 1)] {
        let ends: Vec<usize> = (1..=parts).map(|part| part * tokens / parts).collect();
        let error = error(tokens, &ends, 31);
        assert!(error <= 1e-6, "{parts} parts of {tokens}: {error:e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn n8_any_partition(
        mut ends in prop::collection::vec(0_usize..=700, 0..40),
        seed: u16,
    ) {
        ends.sort_unstable();
        ends.push(700);
        let error = error(700, &ends, u64::from(seed));
        prop_assert!(error <= 1e-6, "{error:e}");
    }
}

#[test]
fn n8_a_merge_that_keeps_the_first_maximum_fails() {
    let scores = random::<f32>(33, 1, 64).mapv(|score| 4.0 * score);
    let values = random::<f32>(34, 64, CHANNELS);
    let part = |range: std::ops::Range<usize>| {
        Partial::of(
            scores
                .row(0)
                .slice_axis(Axis(0), Slice::from(range.clone())),
            values.slice_axis(Axis(0), Slice::from(range)),
        )
    };
    let (low, high) = (part(0..32), part(32..64));
    let wrong = (&low.out + &high.out) / (low.sum + high.sum);
    let right = low.merge(&high).finish();
    let gap = (wrong - right)
        .mapv(f32::abs)
        .fold(0.0, |one, other| other.max(one));
    assert!(gap > 1e-3, "{gap:e}");
}

/// Eight requests share a prefix: one pass of all queries over it, one of each over its own
/// tokens, merged.
#[test]
fn n27_a_shared_prefix_pass_and_private_passes_are_the_whole() {
    let (prefix, requests) = (96, 8);
    let prefix_keys = random::<f32>(35, prefix, CHANNELS);
    let prefix_values = random::<f32>(36, prefix, CHANNELS);
    let queries = random::<f32>(37, requests, CHANNELS).mapv(|value| value / 8.0);
    let shared = product(queries.view(), prefix_keys.t());
    for request in 0..requests {
        let own = 5 + 3 * request;
        let keys = random::<f32>(40 + request as u64, own, CHANNELS);
        let values = random::<f32>(60 + request as u64, own, CHANNELS);
        let query = queries.slice_axis(Axis(0), Slice::from(request..=request));
        let private = product(query, keys.t());
        let merged = Partial::of(shared.row(request), prefix_values.view())
            .merge(&Partial::of(private.row(0), values.view()))
            .finish()
            .insert_axis(Axis(0));

        let all_keys = ndarray::concatenate![Axis(0), prefix_keys, keys];
        let all_values = ndarray::concatenate![Axis(0), prefix_values, values];
        let scores = product(query, all_keys.t());
        let whole = product(softmax(scores.view()).view(), all_values.view());
        let error = apart(merged.view(), whole.view());
        assert!(error <= 1e-6, "request {request}: {error:e}");
    }
}
