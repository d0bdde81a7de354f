//! The vector unit: pipes of lanes that work on one row each. With one cycle a primitive, the
//! default, norms, softmax and element-wise operators take the cycles of the NeuPIMs artifact with
//! the element counts it meant: a cycle for each step of all lanes, a binary tree for sums and
//! maxima.

mod primitive;
mod program;

pub use primitive::{Cost, Costs, Primitive};
pub use program::{Gate, VectorOp};

use crate::time::Tick;
use program::Stage;

/// Resolved vector unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorUnit {
    /// Pipes; each works on another row.
    pub pipes: u64,
    /// Lanes of a pipe.
    pub lanes: u64,
    /// What a step costs.
    pub costs: Costs,
    /// Softmax of the arrays' attention begins with the first scores.
    pub online_softmax: bool,
    /// Element-wise operators run on results as they leave the arrays.
    pub fused: bool,
}

impl VectorUnit {
    /// A unit whose primitives take a cycle each, with softmax in three passes and nothing fused.
    pub const fn plain(pipes: u64, lanes: u64) -> VectorUnit {
        VectorUnit {
            pipes,
            lanes,
            costs: Costs::ONE,
            online_softmax: false,
            fused: false,
        }
    }

    /// Softmax as this unit runs it.
    pub fn softmax(&self) -> VectorOp {
        if self.online_softmax {
            VectorOp::OnlineSoftmax
        } else {
            VectorOp::Softmax
        }
    }

    /// Steps of a tree over `width` elements, and its levels.
    fn tree(&self, width: u64) -> (u64, u64) {
        if self.lanes == 1 {
            // One lane adds element after element.
            return (width, width);
        }
        let (mut steps, mut levels) = (1, 1);
        let mut rest = width;
        while rest > self.lanes {
            rest = rest.div_ceil(self.lanes);
            steps += rest;
            levels += 1;
        }
        (steps, levels)
    }

    /// Cycles that `stages` occupy a pipe with one row, and the further cycles until their result
    /// is there: each stage needs the whole result of the one before.
    fn stages(&self, stages: &[Stage], width: u64) -> (Tick, Tick) {
        let (mut occupied, mut waiting) = (0, 0);
        for &stage in stages {
            let (primitive, (steps, levels)) = match stage {
                Stage::Map(primitive) => (primitive, (width.div_ceil(self.lanes), 1)),
                Stage::Reduce(primitive) => (primitive, self.tree(width)),
                Stage::Lanes(primitive) => (primitive, self.tree(self.lanes.min(width))),
                Stage::Scalar(primitive) => (primitive, (1, 1)),
            };
            let cost = self.costs.of(primitive);
            occupied += steps * u64::from(cost.issue);
            waiting += levels * u64::from(cost.latency.saturating_sub(cost.issue));
        }
        (occupied, waiting)
    }

    /// Cycles of one row on one pipe that has nothing else to do.
    pub fn row(&self, op: VectorOp, width: u64) -> Tick {
        let (stages, repeats) = op.program();
        let (occupied, waiting) = self.stages(stages, width);
        repeats * (occupied + waiting)
    }

    /// Cycles that one row occupies a pipe: other rows fill the waits between its stages.
    pub fn occupancy(&self, op: VectorOp, width: u64) -> Tick {
        let (stages, repeats) = op.program();
        repeats * self.stages(stages, width).0
    }

    /// Cycles of one row once its last element is known.
    pub fn tail(&self, op: VectorOp, width: u64) -> Tick {
        self.tails(op, 1, width)
    }

    /// Cycles of `rows` rows, spread evenly over the pipes, once the last element of each is known.
    pub fn tails(&self, op: VectorOp, rows: u64, width: u64) -> Tick {
        let (occupied, waiting) = self.stages(op.tail(), width);
        match rows {
            0 => 0,
            _ => rows.div_ceil(self.pipes) * occupied + waiting,
        }
    }

    /// Cycles of `rows` equal rows on one pipe: it is occupied by all of them and ends with the
    /// waits of the last.
    pub fn pipe(&self, op: VectorOp, rows: u64, width: u64) -> Tick {
        match rows {
            0 => 0,
            _ => (rows - 1) * self.occupancy(op, width) + self.row(op, width),
        }
    }

    /// Cycles of `rows` equal rows, spread evenly over the pipes.
    pub fn rows(&self, op: VectorOp, rows: u64, width: u64) -> Tick {
        self.pipe(op, rows.div_ceil(self.pipes), width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_follows_the_published_formulas() {
        let unit = VectorUnit::plain(8, 128);
        // n = 1,024: 8 steps; tree = 8 + tree(8) = 9.
        assert_eq!(unit.row(VectorOp::Softmax, 1024), 2 * 9 + 3 * 8);
        assert_eq!(unit.row(VectorOp::LayerNorm, 4096), 2 * 33 + 3 + 5 * 32);
        assert_eq!(unit.row(VectorOp::RmsNorm, 4096), 33 + 2 + 3 * 32);
        assert_eq!(unit.rows(VectorOp::Add, 256, 4096), 32 * 32);
        let scalar = VectorUnit::plain(1, 1);
        assert_eq!(scalar.row(VectorOp::Softmax, 100), 2 * 100 + 3 * 100);
    }

    #[test]
    fn a_slow_exponential_is_paid_by_every_element() {
        let mut unit = VectorUnit::plain(1, 128);
        unit.costs.set(
            Primitive::Exp,
            Cost {
                issue: 4,
                latency: 10,
            },
        );
        // One exponential a step, and one wait of six cycles a row.
        assert_eq!(unit.row(VectorOp::Softmax, 1024), 2 * 9 + (2 + 4) * 8 + 6);
        // The waits of all rows but the last are filled by others.
        assert_eq!(
            unit.rows(VectorOp::Softmax, 10, 1024),
            10 * (2 * 9 + 6 * 8) + 6
        );
        // Three exponentials an element and one a row; 8 cycles of maps a step besides.
        assert_eq!(
            unit.occupancy(VectorOp::OnlineSoftmax, 1024),
            (3 * 4 + 6) * 8 + 4 + 4
        );
        assert!(unit.tail(VectorOp::OnlineSoftmax, 1024) < unit.row(VectorOp::OnlineSoftmax, 1024));
    }

    #[test]
    fn a_router_searches_its_experts_k_times() {
        let unit = VectorUnit::plain(8, 128);
        // 256 experts: 2 steps, tree 1 + 2.
        assert_eq!(unit.row(VectorOp::TopK { k: 8 }, 256), 8 * (3 + 2));
        assert!(!VectorOp::TopK { k: 8 }.is_elementwise());
        assert!(VectorOp::Dequantise.is_elementwise());
    }

    proptest! {
        #[test]
        fn rows_are_bounded_by_one_pipe_and_by_perfect_sharing(
            pipes in 1u64..9, lanes in 1u64..300, rows in 1u64..100, width in 1u64..5000, issue in 1u32..5, wait in 0u32..20,
        ) {
            let mut unit = VectorUnit::plain(pipes, lanes);
            unit.costs.set(Primitive::Exp, Cost { issue, latency: issue + wait });
            for op in [VectorOp::Softmax, VectorOp::OnlineSoftmax, VectorOp::LayerNorm, VectorOp::QuantiseDynamic] {
                let all = unit.rows(op, rows, width);
                prop_assert!(all >= unit.row(op, width));
                prop_assert!(all * pipes >= rows * unit.occupancy(op, width));
                prop_assert!(all <= rows * unit.row(op, width));
            }
        }
    }
}
