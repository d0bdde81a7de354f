//! The weights of a model as its operators read them: matrices `[in, out]`, Q, K and V fused,
//! gate and up fused.

use ndarray::{Array1, Array2, ArrayD, Axis, Ix2, concatenate};

use super::checkpoint::{CheckpointError, Tensors, check};
use super::experts::{FeedForward, Mixture};
use super::linear::{Linear, Matrix};
use super::naming::{HEAD, Names, names};
use super::norm::NormWeights;
use super::quantised::Format;
use super::recipe::Recipe;
use super::router::Router;
use super::scalar::Scalar;
use super::storage::Storage;
use crate::model::{Norm, Positions};

/// One decoder layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer<S> {
    /// Before the attention block.
    pub attention_norm: NormWeights<S>,
    /// `[hidden, query + 2 * kv]`: queries, keys, values.
    pub qkv: Linear<S>,
    /// `[query, hidden]`.
    pub projection: Linear<S>,
    /// Before the feed-forward block.
    pub ffn_norm: NormWeights<S>,
    /// The feed-forward block, or several.
    pub ffn: Ffn<S>,
}

/// What stands between the second norm and the second residual.
#[derive(Debug, Clone, PartialEq)]
pub enum Ffn<S> {
    /// One block for all tokens.
    Dense(Box<FeedForward<S>>),
    /// A router and its experts.
    Mixture(Box<Mixture<S>>),
}

/// A whole decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights<S> {
    /// Token table, `[vocab, hidden]`.
    pub tokens: Array2<S>,
    /// Position table, `[rows, hidden]`, where positions are learned.
    pub positions: Option<Array2<S>>,
    /// The layers in order.
    pub layers: Vec<Layer<S>>,
    /// Before the head.
    pub final_norm: NormWeights<S>,
    /// `[hidden, vocab]`; a copy of the token table where the two are tied.
    pub head: Linear<S>,
}

impl<S: Scalar> Weights<S> {
    /// Lays out the tensors of a checkpoint or of [`super::synthetic()`], rounded to `storage`.
    ///
    /// # Errors
    /// A tensor is missing, too many or of another shape than `recipe`'s model has. `origin`
    /// names the tensors in the message.
    pub fn new(
        recipe: &Recipe,
        origin: &str,
        tensors: &Tensors,
        storage: Storage,
    ) -> Result<Self, CheckpointError> {
        let tensors = check(&recipe.model, origin, tensors)?;
        let reader = Reader {
            recipe,
            names: names(recipe.model.architecture),
            tensors: &tensors,
            storage,
        };
        Ok(reader.weights())
    }

    /// The same weights with every matrix of the layers in `format`. Tables, norms, biases and
    /// the head keep their elements, as the published quantised checkpoints do.
    #[must_use]
    pub fn quantise(mut self, format: Format) -> Self {
        let each = |blocks: Vec<FeedForward<S>>, format| {
            let all = blocks.into_iter();
            all.map(|block| block.quantise(format)).collect()
        };
        let quantise = |layer: Layer<S>| Layer {
            qkv: layer.qkv.quantise(format),
            projection: layer.projection.quantise(format),
            ffn: match layer.ffn {
                Ffn::Dense(block) => Ffn::Dense(Box::new(block.quantise(format))),
                // The router keeps its elements, as the published quantised mixtures do.
                Ffn::Mixture(mut mixture) => {
                    mixture.experts = each(mixture.experts, format);
                    Ffn::Mixture(mixture)
                }
            },
            ..layer
        };
        self.layers = self.layers.into_iter().map(quantise).collect();
        self
    }
}

/// Looks tensors up by what they are for. [`check`] has made sure that all are there.
struct Reader<'a> {
    recipe: &'a Recipe,
    names: Names,
    tensors: &'a Tensors,
    storage: Storage,
}

impl Reader<'_> {
    fn weights<S: Scalar>(&self) -> Weights<S> {
        let model = &self.recipe.model;
        let tokens = self.matrix(&self.name(self.names.tokens, "weight"));
        let head = if model.tied_embeddings {
            tokens.clone()
        } else {
            self.matrix(HEAD)
        };
        Weights {
            positions: match model.positions {
                Positions::Rotary => None,
                Positions::Learned { .. } => {
                    Some(self.matrix(&self.name(self.names.positions, "weight")))
                }
            },
            layers: (0..model.layers).map(|layer| self.layer(layer)).collect(),
            final_norm: self.norm(self.names.final_norm),
            head: Linear::dense(head.reversed_axes()),
            tokens,
        }
    }

    fn layer<S: Scalar>(&self, layer: u64) -> Layer<S> {
        let names = &self.names;
        let name = |part: &str| format!("{}.{layer}.{part}", names.layer);
        let all = |parts: &[&str]| -> Vec<String> { parts.iter().map(|part| name(part)).collect() };
        let model = &self.recipe.model;
        Layer {
            attention_norm: self.norm(&name(names.attention_norm)),
            qkv: self.linear(&all(names.qkv), model.qkv_bias),
            projection: self.linear(&all(&[names.projection]), model.out_bias),
            ffn_norm: self.norm(&name(names.ffn_norm)),
            ffn: match model.experts {
                None => Ffn::Dense(Box::new(self.block(&format!("{}.{layer}", names.layer)))),
                Some(experts) => Ffn::Mixture(Box::new(Mixture {
                    gate: self.linear(&all(&[names.router]), false),
                    router: Router::mixtral(experts.per_token as usize),
                    experts: (0..experts.count)
                        .map(|expert| self.block(&name(&format!("{}.{expert}", names.experts))))
                        .collect(),
                    shared: None,
                })),
            },
        }
    }

    /// The feed-forward block whose tensors are named from `place` on.
    fn block<S: Scalar>(&self, place: &str) -> FeedForward<S> {
        let (names, model) = (&self.names, &self.recipe.model);
        let up: Vec<String> = names
            .up
            .iter()
            .map(|part| format!("{place}.{part}"))
            .collect();
        let down = format!("{place}.{}", names.down);
        FeedForward {
            up: self.linear(&up, model.ffn_bias),
            down: self.linear(&[down], model.ffn_bias),
            function: self.recipe.function,
            gated: model.gated,
        }
    }

    fn name(&self, part: &str, ending: &str) -> String {
        format!("{}{part}.{ending}", self.names.prefix)
    }

    fn elements<S: Scalar>(&self, name: &str) -> ArrayD<S> {
        let convert = |value: f32| self.storage.round(S::of(f64::from(value)));
        let found = self.tensors.get(name);
        found.map_or_else(|| ArrayD::zeros(vec![0, 0]), |tensor| tensor.mapv(convert))
    }

    fn matrix<S: Scalar>(&self, name: &str) -> Array2<S> {
        let elements = self.elements(name).into_dimensionality::<Ix2>();
        elements.unwrap_or_default()
    }

    fn vector<S: Scalar>(&self, name: &str) -> Array1<S> {
        self.elements(name).into_iter().collect()
    }

    fn norm<S: Scalar>(&self, part: &str) -> NormWeights<S> {
        let shift = || self.vector(&self.name(part, "bias"));
        NormWeights {
            scale: self.vector(&self.name(part, "weight")),
            shift: (self.recipe.model.norm == Norm::Layer).then(shift),
            epsilon: self.recipe.epsilon,
        }
    }

    /// Several published matrices side by side as one.
    fn linear<S: Scalar>(&self, parts: &[String], bias: bool) -> Linear<S> {
        let mut matrix: Option<Array2<S>> = None;
        for part in parts {
            let published = self.matrix(&self.name(part, "weight"));
            let next = if self.names.inputs_first {
                published
            } else {
                published.reversed_axes()
            };
            matrix = Some(match matrix {
                Some(matrix) => concatenate![Axis(1), matrix, next],
                None => next,
            });
        }
        let bias = bias.then(|| {
            let all = parts.iter().map(|part| self.name(part, "bias"));
            all.flat_map(|name| self.vector(&name)).collect()
        });
        let matrix = matrix.unwrap_or_default();
        Linear {
            matrix: Matrix::Dense(matrix.as_standard_layout().into_owned()),
            bias,
        }
    }
}
