//! Tokens on their way through the experts of a layer: chosen, sorted, summed.

use super::fault::{Chance, Fault};
use memwall_models::reference::{Mixture, Storage};
use ndarray::{Array2, ArrayView2, Axis};
use std::ops::Range;

/// What the router of a layer decided, and what its experts have made so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Routed {
    /// Logits, then scores, `[tokens, experts]`.
    pub scores: Array2<f32>,
    /// Experts of each token with their weights.
    routes: Vec<Vec<(usize, f32)>>,
    /// Token and expert of each sorted row.
    order: Vec<(usize, usize)>,
    /// Sorted rows, `[tokens * k, hidden]`.
    pub rows: Array2<f32>,
    /// Results of the experts, in their order.
    pub results: Array2<f32>,
}

impl Routed {
    /// Experts of each token, then their weights, `[tokens, 2 k]`.
    pub(super) fn choose(&mut self, mixture: &Mixture<f32>, storage: Storage) -> Array2<f32> {
        self.routes = mixture.router.choices(self.scores.view());
        for (_, weight) in self.routes.iter_mut().flatten() {
            *weight = storage.round(*weight);
        }
        let each = mixture.router.top_k;
        let mut chosen = Array2::zeros((self.routes.len(), 2 * each));
        for (token, route) in self.routes.iter().enumerate() {
            for (place, (expert, weight)) in route.iter().enumerate() {
                chosen[[token, place]] = *expert as f32;
                chosen[[token, each + place]] = *weight;
            }
        }
        chosen
    }

    /// Rows in the order of experts and, of one expert, of tokens.
    pub(super) fn dispatch(&mut self, input: ArrayView2<'_, f32>, chance: &mut Chance) {
        let mut order: Vec<(usize, usize)> = Vec::new();
        for (token, route) in self.routes.iter().enumerate() {
            order.extend(route.iter().map(|(expert, _)| (token, *expert)));
        }
        order.sort_by_key(|(token, expert)| (*expert, *token));
        let from: Vec<usize> = order
            .iter()
            .map(|(token, _)| {
                let wrong = usize::from(chance.strikes(Fault::MisplaceToken));
                (token + wrong) % input.nrows()
            })
            .collect();
        self.rows = input.select(Axis(0), &from);
        self.results = Array2::from_elem(self.rows.dim(), f32::NAN);
        self.order = order;
    }

    /// Rows of an expert.
    pub(super) fn of(&self, expert: usize) -> Range<usize> {
        let start = self.order.partition_point(|(_, own)| *own < expert);
        start..self.order.partition_point(|(_, own)| *own <= expert)
    }

    /// Results summed token by token, `[tokens, hidden]`, in the order in which they lie.
    pub(super) fn combine(&self, chance: &mut Chance) -> Array2<f32> {
        let mut output = Array2::zeros((self.routes.len(), self.results.ncols()));
        for (result, (token, expert)) in self.results.rows().into_iter().zip(&self.order) {
            let chosen = self.routes[*token].iter().find(|(own, _)| own == expert);
            let weight = chosen.map_or(0.0, |(_, weight)| *weight);
            if !chance.strikes(Fault::LoseExpert) {
                output.row_mut(*token).scaled_add(weight, &result);
            }
        }
        output
    }
}
