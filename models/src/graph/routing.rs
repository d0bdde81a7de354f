//! How many of a step's tokens each expert takes.
//!
//! Which expert a token takes is a matter of values, and a graph of shapes knows none. It is told how
//! many tokens go where, or assumes the mean of a router without preferences.

use serde::Serialize;

use crate::arithmetic::product;
use crate::model::Experts;

/// Tokens of an expert in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct ExpertLoad {
    /// Index of the expert in its layer.
    pub expert: usize,
    /// Tokens; at least one.
    pub tokens: u64,
}

/// Where the tokens of a step go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Routing<'a> {
    /// As many experts as independent uniform choices of `k` among `E` reach on average,
    /// `E (1 - (1 - k/E)^tokens)` rounded, under equal loads. Real routers prefer some experts, so
    /// that fewer are met, by more tokens each.
    #[default]
    Even,
    /// Tokens of each expert, layer by layer.
    Loads(&'a [Vec<u64>]),
}

/// The experts that an even routing of `tokens` meets.
pub(super) fn even(experts: Experts, tokens: u64) -> Vec<ExpertLoad> {
    let Experts { count, per_token } = experts;
    let assignments = product(&[tokens, per_token]);
    let missed = power(1.0 - per_token as f64 / count as f64, tokens);
    let mean = (count as f64 * (1.0 - missed)).round() as u64;
    let met = mean.clamp(per_token, count.min(assignments).max(per_token));
    let (share, rest) = (assignments / met, assignments % met);
    (0..met)
        .map(|expert| ExpertLoad {
            expert: expert as usize,
            tokens: share + u64::from(expert < rest),
        })
        .collect()
}

/// The experts of a layer that take any token.
pub(super) fn loaded(tokens: &[u64]) -> Vec<ExpertLoad> {
    let all = tokens.iter().enumerate();
    all.filter(|(_, tokens)| **tokens > 0)
        .map(|(expert, &tokens)| ExpertLoad { expert, tokens })
        .collect()
}

/// By squares: the same on every machine, which the library's function need not be.
fn power(base: f64, exponent: u64) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest % 2 == 1 {
            result *= square;
        }
        square *= square;
        rest /= 2;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{ExpertLoad, even, loaded};
    use crate::model::Experts;

    const OLMOE: Experts = Experts {
        count: 64,
        per_token: 8,
    };

    #[test]
    fn an_even_routing_meets_the_mean_number_of_experts() {
        // E = 64, k = 8: 8, 15 and 26.5 experts for 1, 2 and 4 tokens.
        let met = |tokens| even(OLMOE, tokens).len();
        assert_eq!([1, 2, 4, 1000].map(met), [8, 15, 26, 64]);
        for tokens in [1, 2, 3, 7, 64, 12_345] {
            let loads = even(OLMOE, tokens);
            let sum: u64 = loads.iter().map(|load| load.tokens).sum();
            assert_eq!(sum, 8 * tokens);
            assert!(loads.iter().all(|load| (1..=tokens).contains(&load.tokens)));
        }
        let all = Experts {
            count: 2,
            per_token: 2,
        };
        assert_eq!(even(all, 3).len(), 2);
    }

    #[test]
    fn idle_experts_are_left_out() {
        let load = ExpertLoad {
            expert: 1,
            tokens: 3,
        };
        assert_eq!(loaded(&[0, 3, 0]), [load]);
    }
}
