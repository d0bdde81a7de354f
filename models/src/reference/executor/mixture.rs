//! The operators of a mixture of experts: tokens sorted by expert, each expert on all of its tokens at
//! once, results summed token by token.

use std::ops::Range;

use ndarray::Array2;

use super::layer::Pass;
use crate::reference::experts::Mixture;
use crate::reference::part::{columns, rows as part_rows, rows_mut};
use crate::reference::scalar::Scalar;

impl<S: Scalar> Pass<'_, S> {
    /// `[tokens, hidden]` to `[tokens, hidden]`.
    pub(super) fn mixture(
        &mut self,
        index: usize,
        mixture: &Mixture<S>,
        normed: &Array2<S>,
    ) -> Array2<S> {
        let at = |operator, expert| (Some(index), operator, expert);
        let logits = self.linear(at("router", 0), &mixture.gate, normed);
        let scores = self.run(at("router_scores", 0), |gate| {
            mixture.router.scores(gate.input(logits.view()))
        });
        let mut routes = Vec::new();
        let chosen = self.run(at("top_k", 0), |gate| {
            routes = mixture.router.choices(gate.input(scores.view()));
            let each = mixture.router.top_k;
            let mut chosen = Array2::zeros((routes.len(), 2 * each));
            for (mut row, route) in chosen.rows_mut().into_iter().zip(&routes) {
                for (place, (expert, weight)) in route.iter().enumerate() {
                    row[place] = S::of(*expert as f64);
                    row[each + place] = *weight;
                }
            }
            chosen
        });
        let sorted = Sorted::new(&routes, mixture.experts.len());
        let input = self.run(at("dispatch", 0), |gate| {
            let mut rows = Array2::zeros((sorted.tokens.len(), normed.ncols()));
            for (mut row, token) in rows.rows_mut().into_iter().zip(&sorted.tokens) {
                row += &gate.input(normed.row(*token));
            }
            rows
        });
        let mut results = Array2::zeros(input.dim());
        for (expert, block) in mixture.experts.iter().enumerate() {
            let rows = sorted.of(expert);
            if rows.is_empty() {
                continue;
            }
            let own = part_rows(input.view(), rows.clone()).to_owned();
            let up = self.linear(at("expert_up", expert), &block.up, &own);
            let inner = self.run(at("activation", expert), |gate| {
                block.activate(gate.input(up.view()))
            });
            let down = self.linear(at("expert_down", expert), &block.down, &inner);
            rows_mut(results.view_mut(), rows).assign(&down);
        }
        let each = mixture.router.top_k;
        self.run(at("combine", 0), |gate| {
            let mut output = Array2::zeros(normed.dim());
            let weights = gate.input(columns(chosen.view(), each..2 * each));
            for (token, route) in routes.iter().enumerate() {
                for (place, (expert, _)) in route.iter().enumerate() {
                    let result = gate.input(results.row(sorted.row(*expert, token)));
                    let mut row = output.row_mut(token);
                    row.scaled_add(weights[[token, place]], &result);
                }
            }
            output
        })
    }
}

/// Tokens in the order of the experts that take them.
struct Sorted {
    /// Token of each row.
    tokens: Vec<usize>,
    /// First row of each expert, and the row after the last.
    starts: Vec<usize>,
}

impl Sorted {
    fn new<S>(routes: &[Vec<(usize, S)>], experts: usize) -> Self {
        let mut sorted = Self {
            tokens: Vec::new(),
            starts: vec![0],
        };
        for expert in 0..experts {
            let takes = |route: &[(usize, S)]| route.iter().any(|(chosen, _)| *chosen == expert);
            let own = routes.iter().enumerate();
            let own = own.filter(|(_, route)| takes(route));
            sorted.tokens.extend(own.map(|(token, _)| token));
            sorted.starts.push(sorted.tokens.len());
        }
        sorted
    }

    fn of(&self, expert: usize) -> Range<usize> {
        self.starts[expert]..self.starts[expert + 1]
    }

    /// Row of a token among those of an expert that takes it.
    fn row(&self, expert: usize, token: usize) -> usize {
        let own = self.of(expert);
        own.clone()
            .find(|row| self.tokens[*row] == token)
            .unwrap_or(own.start)
    }
}
