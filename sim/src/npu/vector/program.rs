//! Row-wise operators as programs of stages. Each stage needs the whole result of the one before it.

use super::primitive::Primitive::{self, Add, Convert, Div, Exp, Gelu, Mac, Max, Mul, Silu, Sqrt};

/// Operations on rows of `width` elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VectorOp {
    /// Layer norm: mean, variance, then scale and shift.
    LayerNorm,
    /// RMS norm: mean square, then scale.
    RmsNorm,
    /// Softmax in three passes: maximum; subtract, exponential and sum; divide.
    Softmax,
    /// Softmax with a running maximum and sum (Milakov and Gimelshein, arXiv:1805.02867): it can
    /// begin with the first scores, for three exponentials an element instead of one.
    OnlineSoftmax,
    /// Residual addition.
    Add,
    /// ReLU.
    Relu,
    /// GELU by a function unit.
    Gelu,
    /// SiLU by a function unit.
    Silu,
    /// An activation of the gate (by its function unit), multiplied by the up projection.
    Gated(Gate),
    /// Rotary embedding: two multiplications and one addition.
    Rotary,
    /// The `k` largest of a row, found one after another: router, sampling, sparse attention.
    TopK {
        /// Elements to find.
        k: u64,
    },
    /// Rows copied to other places: tokens sorted by expert.
    Move,
    /// Rows multiplied by a weight each and summed, `k` for one: the results of a token's experts.
    Combine {
        /// Rows of a sum.
        k: u64,
    },
    /// To integers by a scale that is known.
    Quantise,
    /// To integers by the largest absolute value of the row.
    QuantiseDynamic,
    /// From integers by a scale.
    Dequantise,
}

/// Function of a gated feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// ReGLU.
    Relu,
    /// GeGLU.
    Gelu,
    /// SwiGLU.
    Silu,
}

/// A part of a row's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// One step a group of lanes.
    Map(Primitive),
    /// A tree over the row.
    Reduce(Primitive),
    /// A tree over the lanes of one step.
    Lanes(Primitive),
    /// One operation on a figure of the row.
    Scalar(Primitive),
}

use Stage::{Lanes, Map, Reduce, Scalar};

const LAYER_NORM: &[Stage] = &[
    Reduce(Add),
    Scalar(Mul),
    Map(Add),
    Map(Mul),
    Reduce(Add),
    Scalar(Mul),
    Scalar(Sqrt),
    Map(Div),
    Map(Mul),
    Map(Add),
];
const RMS_NORM: &[Stage] = &[
    Map(Mul),
    Reduce(Add),
    Scalar(Mul),
    Scalar(Sqrt),
    Map(Div),
    Map(Mul),
];
const SOFTMAX: &[Stage] = &[Reduce(Max), Map(Add), Map(Exp), Reduce(Add), Map(Div)];
/// Each lane keeps a maximum and a sum of its own; they are joined once a row.
const ONLINE_SOFTMAX: &[Stage] = &[
    Map(Max),
    Map(Add),
    Map(Exp),
    Map(Add),
    Map(Exp),
    Map(Mac),
    Lanes(Max),
    Scalar(Add),
    Scalar(Exp),
    Scalar(Mul),
    Lanes(Add),
    Map(Add),
    Map(Exp),
    Map(Div),
];

impl VectorOp {
    /// Stages of a row, and how often they are repeated.
    pub(super) fn program(self) -> (&'static [Stage], u64) {
        match self {
            VectorOp::LayerNorm => (LAYER_NORM, 1),
            VectorOp::RmsNorm => (RMS_NORM, 1),
            VectorOp::Softmax => (SOFTMAX, 1),
            VectorOp::OnlineSoftmax => (ONLINE_SOFTMAX, 1),
            VectorOp::Add => (&[Map(Add)], 1),
            VectorOp::Relu | VectorOp::Move => (&[Map(Max)], 1),
            VectorOp::Gelu => (&[Map(Gelu)], 1),
            VectorOp::Silu => (&[Map(Silu)], 1),
            VectorOp::Gated(Gate::Relu) => (&[Map(Max), Map(Mul)], 1),
            VectorOp::Gated(Gate::Gelu) => (&[Map(Gelu), Map(Mul)], 1),
            VectorOp::Gated(Gate::Silu) => (&[Map(Silu), Map(Mul)], 1),
            VectorOp::Rotary => (&[Map(Mul), Map(Mul), Map(Add)], 1),
            // Find the largest, and strike it out.
            VectorOp::TopK { k } => (&[Reduce(Max), Map(Max)], k),
            VectorOp::Combine { k } => (&[Map(Mac)], k),
            VectorOp::Quantise => (&[Map(Mul), Map(Convert)], 1),
            VectorOp::QuantiseDynamic => (
                &[Map(Max), Reduce(Max), Scalar(Div), Map(Mul), Map(Convert)],
                1,
            ),
            VectorOp::Dequantise => (&[Map(Convert), Map(Mul)], 1),
        }
    }

    /// Whether elements are independent of one another, so that the operator can run on results
    /// as they leave the arrays.
    pub fn is_elementwise(self) -> bool {
        if matches!(self, VectorOp::Move | VectorOp::Combine { .. }) {
            return false;
        }
        let (stages, _) = self.program();
        stages.iter().all(|stage| matches!(stage, Map(_)))
    }

    /// Work on each element after the last of a row is known: what is left of an online softmax
    /// when the last scores arrive.
    pub(super) fn tail(self) -> &'static [Stage] {
        match self {
            VectorOp::OnlineSoftmax => &ONLINE_SOFTMAX[6..],
            _ => self.program().0,
        }
    }
}
