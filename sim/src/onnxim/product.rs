//! Tiles of a matrix product with stationary weights (`GemmWS.cc`): all weights of a tile are asked
//! for before its first block is computed, a strip of one array's width over the whole reduction of
//! the tile at a time.

use super::instruction::{Compute, Instruction, Piece, Work};
use super::lines::Lines;
use super::machine::Machine;
use super::tile::Header;
use crate::npu::gemmini::{Extents, Tiles, map};

/// A product and where its tensors lie. Weights are stored by output, reduction innermost.
#[derive(Debug, Clone)]
pub(super) struct Product {
    pub(super) extents: Extents,
    pub(super) input: u64,
    pub(super) weights: u64,
    pub(super) bias: Option<u64>,
    pub(super) output: u64,
    mapping: Tiles,
    array: u64,
    element_bytes: u64,
    line_bytes: u64,
    cores: usize,
}

/// Blocks of one array within a tile: offset and length of each.
fn blocks(from: u64, tile: u64, total: u64, array: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    (0..tile)
        .step_by(array.max(1) as usize)
        .map_while(move |at| {
            let start = from + at;
            (start < total).then(|| (at, start, array.min(total - start)))
        })
}

impl Product {
    pub(super) fn new(
        machine: &Machine,
        extents: Extents,
        [input, weights, output]: [u64; 3],
        bias: Option<u64>,
    ) -> Product {
        Product {
            extents,
            input,
            weights,
            bias,
            output,
            mapping: map(&machine.limits(), extents),
            array: machine.core.array,
            element_bytes: machine.element_bytes,
            line_bytes: machine.line_bytes(),
            cores: machine.cores,
        }
    }

    /// Lines of operands, as often as tiles load them, and of outputs; and blocks of the arrays.
    pub(super) fn work(&self) -> u64 {
        let (total, outer) = (&self.extents, &self.mapping.outer);
        let elements = (self.line_bytes / self.element_bytes).max(1);
        let lines = |rows: u64, width: u64, times: u64| {
            let lines = rows.saturating_mul(width.div_ceil(elements));
            lines.saturating_mul(times)
        };
        let blocks = [total.m, total.k, total.n]
            .iter()
            .fold(1, |blocks: u64, extent| {
                blocks.saturating_mul(extent.div_ceil(self.array))
            });
        [
            lines(total.m, total.k, outer.n),
            lines(total.n, total.k, outer.m),
            lines(total.m, total.n, 1),
        ]
        .into_iter()
        .fold(blocks, u64::saturating_add)
    }

    pub(super) fn tiles(&self) -> usize {
        let outer = &self.mapping.outer;
        (outer.m * outer.n * outer.k) as usize
    }

    /// Position of a tile: reduction fastest, then outputs, then rows.
    fn position(&self, tile: usize) -> Extents {
        let (tile, outer) = (tile as u64, &self.mapping.outer);
        Extents {
            k: tile % outer.k,
            n: tile / outer.k % outer.n,
            m: tile / outer.k / outer.n,
        }
    }

    /// Tiles of one output follow each other on one core.
    pub(super) fn header(&self, tile: usize) -> Header {
        let at = self.position(tile);
        let turn = at.m * self.mapping.outer.n + at.n;
        Header {
            core: Some(turn as usize % self.cores),
            accumulates: at.k != 0,
            fused: 0,
            skipped: false,
        }
    }

    /// Lines of `rows` rows of a matrix of `width` columns, `bytes` from column `from` on.
    fn matrix(&self, base: u64, width: u64, rows: (u64, u64), columns: (u64, u64)) -> Lines {
        let (first, count) = rows;
        let (from, columns) = columns;
        let place = |row: u64| base + (row * width + from) * self.element_bytes;
        let bytes = columns * self.element_bytes;
        Lines::rows((first..first + count).map(place), bytes, self.line_bytes)
    }

    pub(super) fn instructions(&self, tile: usize) -> Vec<Instruction> {
        let at = self.position(tile);
        let (total, inner) = (self.extents, self.mapping.inner);
        let (k, k_length) = (at.k * inner.k, inner.k.min(total.k - at.k * inner.k));
        let weights_at = inner.m * inner.k * self.element_bytes;
        let outputs = || blocks(at.n * inner.n, inner.n, total.n, self.array);
        let rows = || blocks(at.m * inner.m, inner.m, total.m, self.array);
        let activation = |row: u64| Piece::operand(row * inner.k * self.element_bytes);
        let weight = |n: u64| Piece::operand(weights_at + n * inner.k * self.element_bytes);
        let result =
            |row: u64, n: u64| Piece::accumulator((row * inner.n + n) * self.element_bytes);
        let mut list = Vec::new();
        for (n, start, length) in outputs() {
            if let (Some(bias), 0) = (self.bias, at.k) {
                let lines = self.matrix(bias, 0, (0, 1), (start, length));
                let to = Piece::accumulator(n * self.element_bytes);
                list.push(Instruction::Load { to, lines });
            }
            let lines = self.matrix(self.weights, total.k, (start, length), (k, k_length));
            let to = weight(n);
            list.push(Instruction::Load { to, lines });
            for (row, start, length) in rows().filter(|_| n == 0) {
                let lines = self.matrix(self.input, total.k, (start, length), (k, k_length));
                let to = activation(row);
                list.push(Instruction::Load { to, lines });
            }
        }
        for (n, ..) in outputs() {
            for (row, _, length) in rows() {
                for _ in 0..k_length.div_ceil(self.array) {
                    list.push(Instruction::Compute(Compute {
                        work: Work::Product {
                            rows: length,
                            preload: true,
                        },
                        to: result(row, n),
                        lines: length,
                        from: [Some(activation(row)), Some(weight(n))],
                    }));
                }
            }
        }
        if (at.k + 1) * inner.k >= total.k {
            for (n, start, columns) in outputs() {
                for (row, first, length) in rows() {
                    let lines =
                        self.matrix(self.output, total.n, (first, length), (start, columns));
                    let from = result(row, n);
                    list.push(Instruction::Store { from, lines });
                }
            }
        }
        list
    }
}
