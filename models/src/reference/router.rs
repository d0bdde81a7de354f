//! Routers: which experts a token goes to, and with which weights.
//!
//! The published mixtures differ in four choices: the score (softmax or sigmoid), whether
//! whole groups of experts are dropped first, whether the chosen weights are made to sum to
//! one, and a constant factor. Named after the configuration fields of Mixtral, Qwen-MoE and
//! DeepSeek-V2 and -V3 (their `modeling_*.py` in transformers).

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::scalar::Scalar;
use super::softmax::softmax;

/// How a logit becomes a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// Softmax over all experts.
    Softmax,
    /// Sigmoid of each logit: DeepSeek-V3.
    Sigmoid,
}

/// What stands for a group when groups compete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupScore {
    /// Its best expert: DeepSeek-V2.
    Best,
    /// The sum of its two best experts: DeepSeek-V3.
    TwoBest,
}

/// Only experts of the best groups may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLimit {
    /// Groups of equal size, of consecutive experts.
    pub groups: usize,
    /// Groups that stay.
    pub kept: usize,
    /// How groups are compared.
    pub score: GroupScore,
}

/// One router's choices.
#[derive(Debug, Clone, PartialEq)]
pub struct Router {
    /// How a logit becomes a score.
    pub score: Score,
    /// Experts a token goes to.
    pub top_k: usize,
    /// The limit to groups, if any.
    pub limit: Option<GroupLimit>,
    /// Whether chosen weights are divided by their sum.
    pub renormalise: bool,
    /// Multiplies the weights at the end.
    pub factor: f64,
    /// Added to the scores of the experts for the choice alone, never to the weights
    /// (`e_score_correction_bias`); empty for none.
    pub correction: Vec<f64>,
}

impl Router {
    /// Mixtral's: softmax over the chosen ones, which equals softmax over all, renormalised.
    #[must_use]
    pub fn mixtral(top_k: usize) -> Self {
        Self {
            score: Score::Softmax,
            top_k,
            limit: None,
            renormalise: true,
            factor: 1.0,
            correction: Vec::new(),
        }
    }

    /// Experts and weights of each row of `logits`, `[tokens, experts]`, the best expert first;
    /// of equal scores the lower index.
    #[must_use]
    pub fn route<S: Scalar>(&self, logits: ArrayView2<'_, S>) -> Vec<Vec<(usize, S)>> {
        self.choices(self.scores(logits).view())
    }

    /// Scores of each row of `logits`, in its shape.
    #[must_use]
    pub fn scores<S: Scalar>(&self, logits: ArrayView2<'_, S>) -> Array2<S> {
        match self.score {
            Score::Softmax => softmax(logits),
            Score::Sigmoid => logits.mapv(|logit| (S::one() + (-logit).exp()).recip()),
        }
    }

    /// Experts and weights of each row of `scores`, as [`Router::route`] returns them.
    #[must_use]
    pub fn choices<S: Scalar>(&self, scores: ArrayView2<'_, S>) -> Vec<Vec<(usize, S)>> {
        let rows = scores.axis_iter(Axis(0));
        rows.map(|row| self.choose(row)).collect()
    }

    fn choose<S: Scalar>(&self, scores: ArrayView1<'_, S>) -> Vec<(usize, S)> {
        let correction = |expert: usize| self.correction.get(expert).copied().unwrap_or(0.0);
        let ranked: Vec<S> = scores
            .iter()
            .enumerate()
            .map(|(expert, score)| *score + S::of(correction(expert)))
            .collect();
        let mut allowed = self.allowed(&ranked);
        sort_by_score(&mut allowed, &ranked);
        allowed.truncate(self.top_k);
        let sum = allowed
            .iter()
            .fold(S::zero(), |sum, expert| sum + scores[*expert]);
        let divisor = if self.renormalise && sum > S::zero() {
            sum
        } else {
            S::one()
        };
        let weight = |expert: usize| scores[expert] / divisor * S::of(self.factor);
        allowed
            .into_iter()
            .map(|expert| (expert, weight(expert)))
            .collect()
    }

    /// Experts of the groups that stay, ascending.
    fn allowed<S: Scalar>(&self, ranked: &[S]) -> Vec<usize> {
        let Some(limit) = self.limit else {
            return (0..ranked.len()).collect();
        };
        let size = ranked.len().div_ceil(limit.groups.max(1)).max(1);
        let score = |group: &[S]| {
            let mut sorted = group.to_vec();
            sorted.sort_by(|one, other| other.wide().total_cmp(&one.wide()));
            let counted = match limit.score {
                GroupScore::Best => 1,
                GroupScore::TwoBest => 2,
            };
            sorted
                .into_iter()
                .take(counted)
                .fold(S::zero(), |sum, score| sum + score)
        };
        let groups: Vec<S> = ranked.chunks(size).map(score).collect();
        let mut order: Vec<usize> = (0..groups.len()).collect();
        sort_by_score(&mut order, &groups);
        order.truncate(limit.kept);
        (0..ranked.len())
            .filter(|expert| order.contains(&(expert / size)))
            .collect()
    }
}

/// Best first; a stable sort, so that equal scores keep their order.
fn sort_by_score<S: Scalar>(indices: &mut [usize], scores: &[S]) {
    indices.sort_by(|one, other| scores[*other].wide().total_cmp(&scores[*one].wide()));
}

#[cfg(test)]
mod tests {
    use super::{GroupLimit, GroupScore, Router, Score};
    use ndarray::arr2;

    fn experts(router: &Router, logits: [f64; 4]) -> Vec<usize> {
        let routes = router.route(arr2(&[logits]).view());
        routes[0].iter().map(|(expert, _)| *expert).collect()
    }

    #[test]
    fn mixtral_weights_are_a_softmax_over_the_chosen() {
        let routes = Router::mixtral(2).route(arr2(&[[0.0_f64, 3.0, 1.0, 2.0]]).view());
        let odds = 1.0_f64.exp();
        assert_eq!((routes[0][0].0, routes[0][1].0), (1, 3));
        assert!((routes[0][0].1 - odds / (1.0 + odds)).abs() < 1e-15);
        let plain = Router {
            renormalise: false,
            ..Router::mixtral(2)
        };
        let sum: f64 = plain.route(arr2(&[[0.0, 3.0, 1.0, 2.0]]).view())[0]
            .iter()
            .map(|(_, weight)| weight)
            .sum();
        assert!(sum < 0.9);
    }

    #[test]
    fn a_group_may_win_by_its_best_or_by_its_two_best() {
        let limited = |score| Router {
            score: Score::Sigmoid,
            limit: Some(GroupLimit {
                groups: 2,
                kept: 1,
                score,
            }),
            ..Router::mixtral(2)
        };
        let logits = [2.0, -9.0, 1.0, 1.0];
        assert_eq!(experts(&limited(GroupScore::Best), logits), [0, 1]);
        assert_eq!(experts(&limited(GroupScore::TwoBest), logits), [2, 3]);
    }

    #[test]
    fn a_correction_moves_the_choice_and_not_the_weight() {
        let router = Router {
            score: Score::Sigmoid,
            renormalise: false,
            factor: 2.5,
            correction: vec![0.0, 0.0, 0.0, 1.0],
            ..Router::mixtral(1)
        };
        let routes = router.route(arr2(&[[4.0_f64, 0.0, 0.0, 0.0]]).view());
        assert_eq!(routes[0][0].0, 3);
        assert!((routes[0][0].1 - 1.25).abs() < 1e-15);
    }

    #[test]
    fn equal_scores_go_to_the_lower_index() {
        assert_eq!(experts(&Router::mixtral(3), [1.0; 4]), [0, 1, 2]);
    }
}
