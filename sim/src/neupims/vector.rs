//! Vector operators on rows, as the artifact runs them: a row's addresses are given away before the
//! row's length is taken from them, so that an operator works on no elements.

use super::address::ELEMENT_BYTES;
use super::core::BLOCK;
use super::product::HALF_BYTES;
use super::tile::{Compute, Load, Place, Store, Tile, Unit};
use crate::npu::vector::{VectorOp, VectorUnit};

/// Vector unit of the artifact: pipes are counted in the core.
pub(super) const UNIT: VectorUnit = VectorUnit::plain(8, 128);

/// Operators on rows of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rowwise {
    /// Layer norm, with gamma and beta.
    LayerNorm,
    /// Sum of two tensors.
    Add,
    /// GELU.
    Gelu,
}

impl Rowwise {
    /// Tensors read, and rows of parameters.
    fn inputs(self) -> (u64, u64) {
        match self {
            Rowwise::LayerNorm => (1, 2),
            Rowwise::Add => (2, 0),
            Rowwise::Gelu => (1, 0),
        }
    }

    fn cycles(self) -> u64 {
        let op = match self {
            Rowwise::LayerNorm => VectorOp::LayerNorm,
            Rowwise::Add => VectorOp::Add,
            Rowwise::Gelu => VectorOp::Gelu,
        };
        UNIT.row(op, 0)
    }

    /// Rows held for each row worked on: those read, the result, and a norm's squares.
    fn rows_held(self) -> u64 {
        match self {
            Rowwise::LayerNorm | Rowwise::Add => 3,
            Rowwise::Gelu => 2,
        }
    }
}

/// Tiles of an operator on `rows` rows of `width` elements.
pub(super) fn tiles(op: Rowwise, rows: u64, width: u64) -> Vec<Tile> {
    let (inputs, parameters) = op.inputs();
    let (mut inner, mut outer) = (rows, 1);
    let row_bytes = width.next_multiple_of(BLOCK) * ELEMENT_BYTES;
    while row_bytes * (inner * op.rows_held() + parameters) > HALF_BYTES && inner > 1 {
        inner = inner.div_ceil(2);
        outer *= 2;
    }
    let tile = || {
        let mut tile = Tile::default();
        let load = |operand: u64| Load::Lines {
            elements: width,
            into: Place::Operand(operand as u32),
        };
        tile.loads.extend((0..parameters).map(load));
        for row in 0..inner {
            let first = parameters + row * inputs;
            tile.loads.extend((first..first + inputs).map(load));
            let last = first + inputs - 1;
            let needs = match op {
                Rowwise::LayerNorm => [first, 0, 1],
                Rowwise::Add | Rowwise::Gelu => [first, last, last],
            };
            tile.computes.push(Compute {
                unit: Unit::Vector(op.cycles()),
                needs: needs.map(|operand| operand as u32),
                result: row as u32,
            });
            tile.stores.push(Store {
                elements: width,
                result: row as u32,
            });
        }
        tile
    };
    (0..outer).map(|_| tile()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_on_no_elements_cost_their_fixed_part() {
        assert_eq!(Rowwise::LayerNorm.cycles(), 5);
        assert_eq!(Rowwise::Add.cycles(), 0);
        assert_eq!(Rowwise::Gelu.cycles(), 0);
    }

    #[test]
    fn every_row_is_read_and_written() {
        let tiles = tiles(Rowwise::LayerNorm, 32, 4096);
        assert_eq!(tiles.len(), 1);
        assert_eq!(tiles[0].loads.len(), 2 + 32);
        assert_eq!(tiles[0].stores.len(), 32);
        assert_eq!(tiles[0].operands(), 34);
    }
}
