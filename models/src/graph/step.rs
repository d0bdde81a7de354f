//! What every operator of a step is sized from, and the row-wise and weighted operators that
//! are all sized alike.

use petgraph::Direction;
use petgraph::graph::NodeIndex;

use super::OperatorGraph;
use super::operator::{Operator, OperatorKind, TensorBytes};
use super::sequence::Sequence;
use super::shape::Shape;
use crate::arithmetic::product;
use crate::model::Model;

/// A checked batch on one device: `degree` divides what is split.
pub(super) struct Step<'a> {
    pub(super) model: &'a Model,
    pub(super) sequences: &'a [Sequence],
    /// Devices that share each layer.
    pub(super) degree: u64,
    /// New tokens of the whole batch.
    pub(super) tokens: u64,
}

impl<'a> Step<'a> {
    pub(super) fn new(model: &'a Model, degree: u64, sequences: &'a [Sequence]) -> Self {
        let tokens = sequences.iter().fold(0, |all: u64, sequence| {
            all.saturating_add(sequence.new_tokens)
        });
        Self {
            model,
            sequences,
            degree,
            tokens,
        }
    }

    /// Query channels on this device.
    pub(super) fn query_width(&self) -> u64 {
        product(&[self.model.heads / self.degree, self.model.head_dim])
    }

    /// Channels of the keys (or of the values) on this device.
    pub(super) fn kv_width(&self) -> u64 {
        product(&[self.model.kv_heads / self.degree, self.model.head_dim])
    }

    /// Bytes of `rows` rows of `width` elements.
    pub(super) fn bytes(&self, rows: u64, width: u64) -> u64 {
        product(&[rows, width, self.model.dtype.bytes()])
    }

    pub(super) fn operator(
        &self,
        name: &'static str,
        kind: OperatorKind,
        shape: Shape,
        bytes: TensorBytes,
    ) -> Operator {
        Operator {
            name,
            kind,
            shape,
            dtype: self.model.dtype,
            bytes,
        }
    }

    /// A product of `m` rows with a `[k, n]` matrix and its bias.
    pub(super) fn gemm(
        &self,
        name: &'static str,
        kind: OperatorKind,
        (m, k, n): (u64, u64, u64),
        bias: bool,
    ) -> Operator {
        let bias = if bias { self.bytes(1, n) } else { 0 };
        let bytes = TensorBytes {
            weights: self.bytes(k, n).saturating_add(bias),
            input: self.bytes(m, k),
            output: self.bytes(m, n),
            ..TensorBytes::default()
        };
        self.operator(name, kind, Shape::Gemm { m, k, n }, bytes)
    }

    /// Row-wise work on all new tokens, reading `operands` rows of the result's width for
    /// each row of the result.
    pub(super) fn rows(
        &self,
        name: &'static str,
        kind: OperatorKind,
        width: u64,
        operands: u64,
    ) -> Operator {
        self.rows_of(name, kind, (self.tokens, width), operands)
    }

    /// The same on any number of rows.
    pub(super) fn rows_of(
        &self,
        name: &'static str,
        kind: OperatorKind,
        (rows, width): (u64, u64),
        operands: u64,
    ) -> Operator {
        let output = self.bytes(rows, width);
        let input = product(&[operands, output]);
        let bytes = TensorBytes {
            input,
            output,
            ..TensorBytes::default()
        };
        self.operator(name, kind, Shape::Rows { rows, width }, bytes)
    }

    /// A norm of all new tokens. Its weights are replicated on every device.
    pub(super) fn norm(&self, name: &'static str) -> Operator {
        let mut norm = self.rows(name, OperatorKind::Norm, self.model.hidden, 1);
        norm.bytes.weights = self.bytes(1, self.model.norm_weights());
        norm
    }
}

/// A graph that grows by operators that each consume the one before.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) graph: OperatorGraph,
    last: Option<NodeIndex>,
}

impl Chain {
    /// Adds `operator` behind the last one.
    pub(super) fn then(&mut self, operator: Operator) -> NodeIndex {
        let node = self.graph.add_node(operator);
        if let Some(last) = self.last {
            self.graph.add_edge(last, node, ());
        }
        self.last = Some(node);
        node
    }

    /// The operators that `node` consumes.
    pub(super) fn before(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let before = self.graph.neighbors_directed(node, Direction::Incoming);
        before.collect()
    }
}
