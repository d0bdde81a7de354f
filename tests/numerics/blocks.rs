//! Mixtures of experts and latent attention against transformers on PyTorch, block by block:
//! no configuration leads to them yet, so they are put together here.

use super::apart;
use crate::support::root;
use memwall_models::reference::{
    FeedForward, Function, GroupLimit, GroupScore, Latent, LatentHeads, Linear, Mixture,
    NormWeights, Pairing, Rotary, Router, Scaling, Score, Shared, Tensors, causal, parse,
};
use ndarray::{Array2, ArrayD, Axis, Ix2, Slice};

const TOLERANCE: f64 = 1e-5;

struct Recorded(Tensors);

impl Recorded {
    fn of(block: &str) -> Self {
        let file = format!("tests/numerics/witness/blocks/{block}.safetensors");
        let bytes = std::fs::read(root().join(&file)).expect("recorded");
        Self(parse(&file, &bytes).expect("safetensors"))
    }

    fn matrix(&self, name: &str) -> Array2<f64> {
        two_axes(self.0[name].mapv(f64::from))
    }

    /// A published `[out, in]` matrix.
    fn linear(&self, name: &str) -> Linear<f64> {
        Linear::dense(self.matrix(name).reversed_axes())
    }

    fn norm(&self, name: &str) -> NormWeights<f64> {
        NormWeights {
            scale: self.0[name].iter().copied().map(f64::from).collect(),
            shift: None,
            epsilon: 1e-6,
        }
    }

    fn experts(&self) -> Vec<FeedForward<f64>> {
        let parts = |name: &str| -> Vec<Array2<f64>> {
            let stacked = self.0[name].mapv(f64::from);
            let parts = stacked.axis_iter(Axis(0));
            parts.map(|part| two_axes(part.to_owned())).collect()
        };
        let pairs = parts("experts.gate_up_proj")
            .into_iter()
            .zip(parts("experts.down_proj"));
        pairs.map(|(up, down)| gated(up, down)).collect()
    }

    fn shared(&self, name: &str) -> FeedForward<f64> {
        let part = |part: &str| self.matrix(&format!("{name}.{part}_proj.weight"));
        let up = ndarray::concatenate![Axis(0), part("gate"), part("up")];
        gated(up, part("down"))
    }

    fn mixture(&self, router: Router, shared: Option<Shared<f64>>) -> Mixture<f64> {
        Mixture {
            gate: self.linear("gate.weight"),
            router,
            experts: self.experts(),
            shared,
        }
    }

    /// How far `output` is from what was recorded.
    fn error(&self, output: &Array2<f64>) -> f64 {
        apart(output.view(), self.matrix("output").view())
    }
}

fn two_axes(tensor: ArrayD<f64>) -> Array2<f64> {
    tensor.into_dimensionality::<Ix2>().expect("two axes")
}

/// Both matrices as published, `[out, in]`, the gate's rows first.
fn gated(up: Array2<f64>, down: Array2<f64>) -> FeedForward<f64> {
    FeedForward {
        up: Linear::dense(up.reversed_axes()),
        down: Linear::dense(down.reversed_axes()),
        function: Function::Silu,
        gated: true,
    }
}

fn columns(matrix: &Array2<f64>, from: usize, to: usize) -> Array2<f64> {
    let range = Slice::from(from..to);
    matrix.slice_axis(Axis(1), range).to_owned()
}

/// The error of both forms of a mixture; they must be close to each other too.
fn mixture_error(recorded: &Recorded, mixture: &Mixture<f64>) -> f64 {
    let input = recorded.matrix("input");
    let order: Vec<usize> = (0..mixture.experts.len()).collect();
    let grouped = mixture.grouped(input.view(), &order);
    let per_token = mixture.per_token(input.view());
    assert!(apart(grouped.view(), per_token.view()) < 1e-12);
    recorded.error(&grouped)
}

/// The right router meets the record, and each wrong one is far from it.
fn judge(recorded: &Recorded, right: &Mixture<f64>, wrong: &[(&str, Router)]) {
    let error = mixture_error(recorded, right);
    println!("{error:.1e}");
    assert!(error <= TOLERANCE, "{error:e}");
    for (defect, router) in wrong {
        let defective = Mixture {
            router: router.clone(),
            ..right.clone()
        };
        let error = mixture_error(recorded, &defective);
        assert!(error > 1e3 * TOLERANCE, "{defect}: {error:e}");
    }
}

#[test]
fn mixtral() {
    let recorded = Recorded::of("mixtral");
    let router = Router::mixtral(2);
    let unscaled = Router {
        renormalise: false,
        ..router.clone()
    };
    let wrong = [
        ("bare weights", unscaled),
        ("three experts", Router::mixtral(3)),
    ];
    judge(&recorded, &recorded.mixture(router, None), &wrong);
}

#[test]
fn qwen2_moe() {
    let recorded = Recorded::of("qwen2-moe");
    let router = Router {
        renormalise: false,
        ..Router::mixtral(3)
    };
    let shared = Shared {
        block: recorded.shared("shared_expert"),
        gate: Some(recorded.linear("shared_expert_gate.weight")),
    };
    let right = recorded.mixture(router, Some(shared));
    judge(
        &recorded,
        &right,
        &[("weights that sum to one", Router::mixtral(3))],
    );
    let mut ungated = right;
    if let Some(shared) = &mut ungated.shared {
        shared.gate = None;
    }
    assert!(mixture_error(&recorded, &ungated) > 1e3 * TOLERANCE);
}

fn limited(score: GroupScore) -> GroupLimit {
    GroupLimit {
        groups: 4,
        kept: 2,
        score,
    }
}

fn ungated(recorded: &Recorded) -> Shared<f64> {
    Shared {
        block: recorded.shared("shared_experts"),
        gate: None,
    }
}

#[test]
fn deepseek_v2_moe() {
    let recorded = Recorded::of("deepseek-v2-moe");
    let router = Router {
        limit: Some(limited(GroupScore::Best)),
        renormalise: false,
        factor: 2.5,
        ..Router::mixtral(3)
    };
    let with = |limit| Router {
        limit,
        ..router.clone()
    };
    let wrong = [
        (
            "groups by their two best",
            with(Some(limited(GroupScore::TwoBest))),
        ),
        ("no groups", with(None)),
    ];
    let right = recorded.mixture(router.clone(), Some(ungated(&recorded)));
    judge(&recorded, &right, &wrong);
}

#[test]
fn deepseek_v3_moe() {
    let recorded = Recorded::of("deepseek-v3-moe");
    let correction = recorded.0["gate.e_score_correction_bias"].iter();
    let router = Router {
        score: Score::Sigmoid,
        limit: Some(limited(GroupScore::TwoBest)),
        factor: 2.5,
        correction: correction.copied().map(f64::from).collect(),
        ..Router::mixtral(3)
    };
    let wrong = [
        (
            "groups by their best",
            Router {
                limit: Some(limited(GroupScore::Best)),
                ..router.clone()
            },
        ),
        (
            "no correction",
            Router {
                correction: Vec::new(),
                ..router.clone()
            },
        ),
        (
            "softmax",
            Router {
                score: Score::Softmax,
                ..router.clone()
            },
        ),
    ];
    let right = recorded.mixture(router, Some(ungated(&recorded)));
    judge(&recorded, &right, &wrong);
}

const HEADS: LatentHeads = LatentHeads {
    count: 4,
    plain: 6,
    rotated: 4,
    value: 5,
};

/// Channels of a compressed row of the cache.
const RANK: usize = 10;

/// Outputs of a whole attention block, keys and values unfolded and folded.
fn attention(recorded: &Recorded, pairing: Pairing) -> [Array2<f64>; 2] {
    let input = recorded.matrix("input");
    let tokens = input.nrows();
    let compressed = recorded.linear("q_a_proj.weight").apply(input.view());
    let compressed = recorded
        .norm("q_a_layernorm.weight")
        .apply(compressed.view());
    let queries = recorded.linear("q_b_proj.weight").apply(compressed.view());
    // A head's plain channels lie before its rotated ones.
    let width = HEADS.plain + HEADS.rotated;
    let pick = |from: usize, count: usize| {
        Array2::from_shape_fn((tokens, HEADS.count * count), |(token, channel)| {
            queries[[token, channel / count * width + from + channel % count]]
        })
    };
    let cached = recorded
        .linear("kv_a_proj_with_mqa.weight")
        .apply(input.view());
    let latent = recorded
        .norm("kv_a_layernorm.weight")
        .apply(columns(&cached, 0, RANK).view());
    let rotary = Rotary::new(HEADS.rotated, 10_000.0, Scaling::None, pairing);
    let positions: Vec<u64> = (0..tokens as u64).collect();
    let turn = |rows: Array2<f64>| rotary.apply(rows.view(), &positions);
    let plain_queries = pick(0, HEADS.plain);
    let rotated_queries = turn(pick(HEADS.plain, HEADS.rotated));
    let rotated_keys = turn(columns(&cached, RANK, RANK + HEADS.rotated));
    let unfold = recorded.matrix("kv_b_proj.weight").reversed_axes();
    let latent = Latent {
        plain_queries: plain_queries.view(),
        rotated_queries: rotated_queries.view(),
        latent: latent.view(),
        rotated_keys: rotated_keys.view(),
        unfold: unfold.view(),
    };
    let sees = |query, key| causal(query, key, None);
    [latent.expanded(HEADS, sees), latent.absorbed(HEADS, sees)]
        .map(|attended| recorded.linear("o_proj.weight").apply(attended.view()))
}

#[test]
fn deepseek_attention() {
    for block in ["deepseek-v2-attention", "deepseek-v3-attention"] {
        let recorded = Recorded::of(block);
        for output in attention(&recorded, Pairing::Interleaved) {
            let error = recorded.error(&output);
            println!("{block}: {error:.1e}");
            assert!(error <= TOLERANCE, "{block}: {error:e}");
        }
        for output in attention(&recorded, Pairing::HalfSplit) {
            let error = recorded.error(&output);
            assert!(error > 1e3 * TOLERANCE, "{block}, halves: {error:e}");
        }
    }
}
