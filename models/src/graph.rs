//! The operators of one step of a model, as graphs.
//!
//! A step runs every sequence of a batch through the model once: some decode (one new token),
//! some prefill (many). Where layers are identical the graph of one is kept once with a count; a
//! simulator may run one layer and multiply.
//!
//! Sizes are those of one device of a tensor-parallel group: heads and feed-forward width are
//! split, activations between the blocks and norms are replicated (Shoeybi et al.,
//! "Megatron-LM", 2019, section 3).

mod attention;
mod ends;
mod error;
mod experts;
mod layer;
mod operator;
mod order;
mod routing;
mod sequence;
mod shape;
mod split;
mod step;

use petgraph::graph::DiGraph;
use serde::Serialize;

use crate::arithmetic::{product, sum};
use crate::model::Model;
use step::Step;

pub use error::GraphError;
pub use operator::{Operator, OperatorKind, TensorBytes};
pub use order::topological_order;
pub use routing::{ExpertLoad, Routing};
pub use sequence::Sequence;
pub use shape::{AttentionShape, Shape};

/// Operators joined by data dependencies: an edge runs from producer to consumer.
pub type OperatorGraph = DiGraph<Operator, ()>;

/// Layers that are alike.
#[derive(Debug, Clone)]
pub struct Layers {
    /// One of them.
    pub graph: OperatorGraph,
    /// How many follow one another, each on the output of the one before.
    pub count: u64,
}

/// One step of a batch on one device of a tensor-parallel group.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StepGraph {
    /// Before the layers: the embedding.
    pub prologue: OperatorGraph,
    /// The layers in order, those that follow one another and are alike together.
    pub layers: Vec<Layers>,
    /// After the layers: final norm and head.
    pub epilogue: OperatorGraph,
    /// The batch, in the order that attention shapes refer to.
    pub sequences: Vec<Sequence>,
    /// Devices that share each layer.
    pub tensor_parallel: u64,
}

/// Work and traffic of a whole step on one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Totals {
    macs: u64,
    bytes: TensorBytes,
}

impl StepGraph {
    /// Lays out one step of `model` over `sequences`, for one of `tensor_parallel` devices. Where
    /// the model has experts, their loads are [`Routing::Even`].
    ///
    /// # Errors
    /// Those of [`StepGraph::routed`].
    pub fn build(
        model: &Model,
        tensor_parallel: u64,
        sequences: &[Sequence],
    ) -> Result<Self, GraphError> {
        StepGraph::routed(model, tensor_parallel, sequences, Routing::Even)
    }

    /// The same with tokens sent to experts as `routing` says; a model without experts ignores it.
    ///
    /// Sequences longer than [`Model::max_positions`] are laid out like any other: whether a
    /// model is run beyond its training length is the caller's choice.
    ///
    /// # Errors
    /// The batch is empty, a sequence has no new tokens, heads or feed-forward width do not
    /// divide by `tensor_parallel`, loads are not those of `k` experts a token in every layer, or a
    /// sum over the step does not fit 64 bits.
    pub fn routed(
        model: &Model,
        tensor_parallel: u64,
        sequences: &[Sequence],
        routing: Routing<'_>,
    ) -> Result<Self, GraphError> {
        if sequences.is_empty() {
            return Err(GraphError::EmptyBatch);
        }
        if let Some(sequence) = sequences
            .iter()
            .position(|sequence| sequence.new_tokens == 0)
        {
            return Err(GraphError::NoNewTokens { sequence });
        }
        split::check(model, tensor_parallel)?;
        let step = Step::new(model, tensor_parallel, sequences);
        let graph = Self {
            prologue: ends::prologue(&step),
            layers: layers(&step, routing)?,
            epilogue: ends::epilogue(&step),
            sequences: sequences.to_vec(),
            tensor_parallel,
        };
        // Sums stick at the maximum, so the sums over all devices speak for every part.
        let Totals { macs, bytes } = graph.totals();
        let fits = |amount| product(&[amount, tensor_parallel]) < u64::MAX;
        if fits(macs) && fits(bytes.total()) {
            Ok(graph)
        } else {
            Err(GraphError::TooLarge)
        }
    }

    /// Multiply-accumulates of the whole step on one device; see [`Operator::macs`].
    #[must_use]
    pub fn total_macs(&self) -> u64 {
        self.totals().macs
    }

    /// Bytes of the whole step on one device, by class.
    #[must_use]
    pub fn total_bytes(&self) -> TensorBytes {
        self.totals().bytes
    }

    fn totals(&self) -> Totals {
        let layers = self.layers.iter().map(|part| (&part.graph, part.count));
        let ends = [(&self.prologue, 1), (&self.epilogue, 1)];
        let mut totals = Totals {
            macs: 0,
            bytes: TensorBytes::default(),
        };
        for (graph, times) in layers.chain(ends) {
            for operator in graph.node_weights() {
                let macs = product(&[operator.macs(), times]);
                totals.macs = totals.macs.saturating_add(macs);
                totals.bytes = totals.bytes.plus(&operator.bytes, times);
            }
        }
        totals
    }
}

/// The layers; with given loads each stands for itself.
fn layers(step: &Step, routing: Routing<'_>) -> Result<Vec<Layers>, GraphError> {
    let model = step.model;
    let alike = |loads: &[ExpertLoad]| {
        vec![Layers {
            graph: layer::layer(step, loads),
            count: model.layers,
        }]
    };
    match (model.experts, routing) {
        (None, _) => Ok(alike(&[])),
        (Some(experts), Routing::Even) => Ok(alike(&routing::even(experts, step.tokens))),
        (Some(experts), Routing::Loads(loads)) => {
            let due = product(&[step.tokens, experts.per_token]);
            let fits = |loads: &Vec<u64>| {
                loads.len() as u64 == experts.count
                    && loads.iter().all(|tokens| *tokens <= step.tokens)
                    && sum(loads) == due
            };
            if loads.len() as u64 != model.layers || !loads.iter().all(fits) {
                return Err(GraphError::Loads {
                    layers: model.layers,
                    experts: experts.count,
                    tokens: step.tokens,
                    per_token: experts.per_token,
                });
            }
            let each = loads.iter().map(|loads| Layers {
                graph: layer::layer(step, &routing::loaded(loads)),
                count: 1,
            });
            Ok(each.collect())
        }
    }
}
