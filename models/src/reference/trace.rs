//! Every intermediate tensor of a step, by layer and operator, for whoever computes the same
//! step another way and must find the first operator that differs.

use std::collections::BTreeMap;

use ndarray::{Array2, ArrayView2};

/// Where a tensor was made: layer, operator, and the sequence for the two operators that have
/// a result for each (`logit` and `softmax`) or the expert for those that experts run (`expert_up`,
/// `activation` of a mixture and `expert_down`); 0 for all others.
pub type Origin = (Option<usize>, &'static str, usize);

/// Results of operators, named as in [`crate::StepGraph`].
///
/// Rows are the new tokens of the batch, sequence by sequence, except for `logit` and
/// `softmax`: there they are the tokens of each query head in turn, and columns are attended
/// tokens. `kv_append` is what the cache received: keys, then values. `top_k` holds the experts of
/// each token, the best first, and then their weights; rows of `dispatch` are sorted by expert.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace<S> {
    tensors: BTreeMap<Origin, Array2<S>>,
    on: bool,
}

impl<S: Clone> Trace<S> {
    /// A trace that keeps everything, or nothing.
    pub(super) fn new(on: bool) -> Self {
        Self {
            tensors: BTreeMap::new(),
            on,
        }
    }

    pub(super) fn record(&mut self, origin: Origin, tensor: &Array2<S>) {
        if self.on {
            self.tensors.insert(origin, tensor.clone());
        }
    }

    /// The result of an operator, if it ran and was kept.
    #[must_use]
    pub fn get(
        &self,
        layer: Option<usize>,
        operator: &'static str,
        sequence: usize,
    ) -> Option<ArrayView2<'_, S>> {
        let found = self.tensors.get(&(layer, operator, sequence));
        found.map(|tensor| tensor.view())
    }

    /// Everything kept, by layer, operator and sequence.
    pub fn iter(&self) -> impl Iterator<Item = (Origin, ArrayView2<'_, S>)> {
        let all = self.tensors.iter();
        all.map(|(origin, tensor)| (*origin, tensor.view()))
    }
}
