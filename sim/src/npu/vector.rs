//! The vector unit: pipes of lanes that work on one row each. Cycle counts are those of the NeuPIMs
//! artifact with the element counts it meant: one cycle for each 128-lane step of an element-wise
//! operation, a binary-tree reduction for sums and maxima.

use crate::time::Tick;

/// Operations on rows of `width` elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VectorOp {
    /// Layer norm: mean and variance reductions, then five element-wise steps.
    LayerNorm,
    /// RMS norm: one reduction, then two element-wise steps.
    RmsNorm,
    /// Softmax: maximum and sum reductions, then subtract, exponential, divide.
    Softmax,
    /// One element-wise step: residual addition.
    Add,
    /// One element-wise step: GELU or ReLU.
    Activation,
    /// SiLU of the gate, multiplied by the up projection.
    GatedActivation,
    /// Rotary embedding: two multiplications and one addition.
    Rotary,
}

/// Resolved vector unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorUnit {
    /// Pipes; each works on another row.
    pub pipes: u64,
    /// Lanes of a pipe.
    pub lanes: u64,
}

impl VectorUnit {
    /// Cycles of an adder tree over `width` elements.
    fn tree(&self, width: u64) -> Tick {
        if self.lanes == 1 {
            // One lane adds element after element.
            return width;
        }
        let mut cycles = 1;
        let mut rest = width;
        while rest > self.lanes {
            rest = rest.div_ceil(self.lanes);
            cycles += rest;
        }
        cycles
    }

    /// Cycles of one row on one pipe.
    pub fn row(&self, op: VectorOp, width: u64) -> Tick {
        let steps = width.div_ceil(self.lanes);
        match op {
            VectorOp::LayerNorm => 2 * self.tree(width) + 3 + 5 * steps,
            VectorOp::RmsNorm => self.tree(width) + 2 + 2 * steps,
            VectorOp::Softmax => 2 * self.tree(width) + 3 * steps,
            VectorOp::Add | VectorOp::Activation => steps,
            VectorOp::GatedActivation => 2 * steps,
            VectorOp::Rotary => 3 * steps,
        }
    }

    /// Cycles of `rows` equal rows, spread evenly over the pipes.
    pub fn rows(&self, op: VectorOp, rows: u64, width: u64) -> Tick {
        rows.div_ceil(self.pipes) * self.row(op, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_follows_the_published_formulas() {
        let unit = VectorUnit {
            pipes: 8,
            lanes: 128,
        };
        // n = 1,024: 8 steps; tree = 8 + tree(8) = 9.
        assert_eq!(unit.row(VectorOp::Softmax, 1024), 2 * 9 + 3 * 8);
        assert_eq!(unit.row(VectorOp::LayerNorm, 4096), 2 * 33 + 3 + 5 * 32);
        assert_eq!(unit.rows(VectorOp::Add, 256, 4096), 32 * 32);
        let scalar = VectorUnit { pipes: 1, lanes: 1 };
        assert_eq!(scalar.row(VectorOp::Softmax, 100), 2 * 100 + 3 * 100);
    }
}
