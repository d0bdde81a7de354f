//! N19: experts run together or token by token, in any order.

use super::{random, relative};
use memwall_models::reference::{FeedForward, Function, Linear, Mixture, Router, Scalar, Shared};
use ndarray::Array2;
use proptest::prelude::*;

const HIDDEN: usize = 32;
const EXPERTS: usize = 8;

fn block<S: Scalar>(seed: u64, width: usize) -> FeedForward<S> {
    let scale = S::of(1.0 / (HIDDEN as f64).sqrt());
    FeedForward {
        up: Linear::dense(random::<S>(seed, HIDDEN, 2 * width) * scale),
        down: Linear::dense(random::<S>(seed + 1, width, HIDDEN) * scale),
        function: Function::Silu,
        gated: true,
    }
}

fn mixture<S: Scalar>(shared: bool) -> Mixture<S> {
    Mixture {
        gate: Linear::dense(random(70, HIDDEN, EXPERTS)),
        router: Router::mixtral(2),
        experts: (0..EXPERTS as u64)
            .map(|expert| block(71 + 2 * expert, 48))
            .collect(),
        shared: shared.then(|| Shared {
            block: block(95, 64),
            gate: Some(Linear::dense(random(97, HIDDEN, 1))),
        }),
    }
}

/// The definition, in f64: every expert on every token, weighed by the router.
fn truth(mixture: &Mixture<f64>, input: &Array2<f64>) -> Array2<f64> {
    let logits = mixture.gate.apply(input.view());
    let routes = mixture.router.route(logits.view());
    let mut output = Array2::zeros(input.dim());
    for (expert, block) in mixture.experts.iter().enumerate() {
        let result = block.apply(input.view());
        for (token, route) in routes.iter().enumerate() {
            for (_, weight) in route.iter().filter(|(chosen, _)| *chosen == expert) {
                output
                    .row_mut(token)
                    .scaled_add(*weight, &result.row(token));
            }
        }
    }
    if let Some(shared) = &mixture.shared {
        let result = shared.block.apply(input.view());
        let gate = shared.gate.as_ref().expect("a gate").apply(input.view());
        output += &(result * gate.mapv(|logit| 1.0 / (1.0 + (-logit).exp())));
    }
    output
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn n19_any_order_of_experts_is_token_by_token(
        order in Just((0..EXPERTS).collect::<Vec<_>>()).prop_shuffle(),
        seed: u16,
        shared: bool,
    ) {
        let input = random::<f32>(u64::from(seed), 24, HIDDEN);
        let mixture_f32 = mixture::<f32>(shared);
        let per_token = mixture_f32.per_token(input.view());
        let grouped = mixture_f32.grouped(input.view(), &order);
        prop_assert!(relative(grouped.view(), per_token.view()) <= 5e-6);
        let truth = truth(&mixture::<f64>(shared), &input.mapv(f64::from));
        prop_assert!(relative(grouped.view(), truth.view()) <= 5e-6);
    }
}

#[test]
fn n19_an_expert_left_out_fails() {
    let input = random::<f32>(98, 24, HIDDEN);
    let mixture = mixture::<f32>(false);
    let all: Vec<usize> = (0..EXPERTS).collect();
    let lost = relative(
        mixture.grouped(input.view(), &all[1..]).view(),
        mixture.per_token(input.view()).view(),
    );
    assert!(lost > 1e-2, "{lost:e}");
}
