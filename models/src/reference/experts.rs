//! Feed-forward blocks: one for all tokens, or several of which each token takes a few.

use ndarray::{Array2, ArrayView2, Axis};

use super::activation::Function;
use super::linear::Linear;
use super::quantised::Format;
use super::router::Router;
use super::scalar::Scalar;

/// A feed-forward block.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedForward<S> {
    /// `[hidden, width]`, or `[hidden, 2 * width]` with the gate's columns first.
    pub up: Linear<S>,
    /// `[width, hidden]`.
    pub down: Linear<S>,
    /// The function between the two.
    pub function: Function,
    /// Whether `up` has a gate.
    pub gated: bool,
}

impl<S: Scalar> FeedForward<S> {
    /// `[tokens, hidden]` to `[tokens, hidden]`.
    #[must_use]
    pub fn apply(&self, input: ArrayView2<'_, S>) -> Array2<S> {
        let inner = self.activate(self.up.apply(input).view());
        self.down.apply(inner.view())
    }

    /// The block with both matrices in `format`.
    #[must_use]
    pub fn quantise(self, format: Format) -> Self {
        Self {
            up: self.up.quantise(format),
            down: self.down.quantise(format),
            ..self
        }
    }

    /// What lies between the two products.
    #[must_use]
    pub fn activate(&self, input: ArrayView2<'_, S>) -> Array2<S> {
        if self.gated {
            self.function.gate(input)
        } else {
            self.function.apply(input)
        }
    }
}

/// A block that every token takes beside its experts.
#[derive(Debug, Clone, PartialEq)]
pub struct Shared<S> {
    /// The block; several shared experts are one block of their joint width.
    pub block: FeedForward<S>,
    /// `[hidden, 1]`: the sigmoid of its product weighs the block (Qwen-MoE). `None`: weight 1
    /// (DeepSeek).
    pub gate: Option<Linear<S>>,
}

/// A mixture of experts in the place of a feed-forward block.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture<S> {
    /// `[hidden, experts]`.
    pub gate: Linear<S>,
    /// What becomes of the gate's logits.
    pub router: Router,
    /// The experts, in the order of the gate's columns.
    pub experts: Vec<FeedForward<S>>,
    /// The shared block, if any.
    pub shared: Option<Shared<S>>,
}

impl<S: Scalar> Mixture<S> {
    /// Expert by expert in the given `order`, each on all of its tokens at once. Experts that
    /// `order` leaves out are skipped; the usual order is that of their indices.
    #[must_use]
    pub fn grouped(&self, input: ArrayView2<'_, S>, order: &[usize]) -> Array2<S> {
        let routes = self.router.route(self.gate.apply(input).view());
        let mut output = self.shared_part(input);
        for expert in order {
            let Some(block) = self.experts.get(*expert) else {
                continue;
            };
            let taken = |route: &Vec<(usize, S)>| {
                let found = route.iter().find(|(chosen, _)| chosen == expert);
                found.map(|(_, weight)| *weight)
            };
            let (tokens, weights): (Vec<usize>, Vec<S>) = routes
                .iter()
                .enumerate()
                .filter_map(|(token, route)| Some((token, taken(route)?)))
                .unzip();
            if tokens.is_empty() {
                continue;
            }
            let results = block.apply(input.select(Axis(0), &tokens).view());
            for ((token, weight), result) in tokens.iter().zip(&weights).zip(results.rows()) {
                output.row_mut(*token).scaled_add(*weight, &result);
            }
        }
        output
    }

    /// Token by token, each through its experts, the best first.
    #[must_use]
    pub fn per_token(&self, input: ArrayView2<'_, S>) -> Array2<S> {
        let routes = self.router.route(self.gate.apply(input).view());
        let mut output = self.shared_part(input);
        for (token, route) in routes.iter().enumerate() {
            let row = input.select(Axis(0), &[token]);
            for (expert, weight) in route {
                if let Some(block) = self.experts.get(*expert) {
                    let result = block.apply(row.view());
                    output.row_mut(token).scaled_add(*weight, &result.row(0));
                }
            }
        }
        output
    }

    fn shared_part(&self, input: ArrayView2<'_, S>) -> Array2<S> {
        let Some(shared) = &self.shared else {
            return Array2::zeros(input.dim());
        };
        let result = shared.block.apply(input);
        match &shared.gate {
            Some(gate) => {
                let weight = gate
                    .apply(input)
                    .mapv(|logit| (S::one() + (-logit).exp()).recip());
                result * weight
            }
            None => result,
        }
    }
}
