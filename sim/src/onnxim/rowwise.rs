//! Operators that go over rows: residual with layer norm (`SkipLayerNorm.cc`), bias with activation
//! (`BiasAct.cc`). As many tiles as fill the cores twice.

use super::instruction::{Instruction, Piece};
use super::lines::Lines;
use super::machine::Machine;
use super::tile::Header;

/// Activation function of a feed-forward network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Rectifier: one step.
    Relu,
    /// Gaussian error unit.
    Gelu,
    /// Timed as the Gaussian error unit.
    Swish,
}

/// Which operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sum of two inputs, normalised. The result is written over the first input.
    Norm,
    /// Bias and activation; gated ones multiply the halves of their input.
    Activation { function: Activation, gated: bool },
}

/// An operator over rows.
#[derive(Debug, Clone)]
pub(super) struct Rowwise {
    kind: Kind,
    /// Rows.
    tokens: u64,
    /// Bytes of a row of the input.
    row_bytes: u64,
    tokens_per_tile: u64,
    input: u64,
    /// The other input, or the bias.
    second: u64,
    output: u64,
    machine: Machine,
}

impl Rowwise {
    /// `width` elements a row.
    pub(super) fn new(
        machine: &Machine,
        kind: Kind,
        (tokens, width): (u64, u64),
        [input, second, output]: [u64; 3],
    ) -> Rowwise {
        let row_bytes = width * machine.element_bytes;
        let half = machine.core.scratchpad_bytes / 2;
        let fit = match kind {
            Kind::Norm => half / (2 * row_bytes),
            // One row is left for the bias.
            Kind::Activation { .. } => (half / row_bytes).saturating_sub(1),
        };
        let mut tokens_per_tile = fit.clamp(1, tokens);
        let least = machine.cores as u64 * 2;
        if tokens.div_ceil(tokens_per_tile) < least {
            tokens_per_tile = tokens.div_ceil(least);
        }
        Rowwise {
            kind,
            tokens,
            row_bytes,
            tokens_per_tile,
            input,
            second,
            output,
            machine: machine.clone(),
        }
    }

    /// Lines of both inputs and of the output.
    pub(super) fn work(&self) -> u64 {
        let lines = self.row_bytes.div_ceil(self.machine.line_bytes());
        lines.saturating_mul(self.tokens).saturating_mul(3)
    }

    pub(super) fn tiles(&self) -> usize {
        self.tokens.div_ceil(self.tokens_per_tile) as usize
    }

    pub(super) fn header() -> Header {
        Header {
            core: None,
            accumulates: false,
            fused: 0,
            skipped: false,
        }
    }

    pub(super) fn instructions(&self, tile: usize) -> Vec<Instruction> {
        let first = tile as u64 * self.tokens_per_tile;
        let tokens = self.tokens_per_tile.min(self.tokens - first);
        let (offset, bytes) = (first * self.row_bytes, tokens * self.row_bytes);
        let line = self.machine.line_bytes();
        let input = Lines::range(self.input + offset, bytes, line);
        let core = &self.machine.core;
        let rows = Piece::operand(0);
        let other = Piece::operand(bytes);
        let vector = |cycles, lines, from: &[Piece]| Instruction::vector(cycles, rows, lines, from);
        match self.kind {
            Kind::Norm => vec![
                Instruction::Load {
                    to: rows,
                    lines: input.clone(),
                },
                Instruction::Load {
                    to: other,
                    lines: Lines::range(self.second + offset, bytes, line),
                },
                vector(core.layer_norm(), 0, &[rows]),
                // No bytes are set for the sum either.
                vector(0, 0, &[rows, other]),
                // The lines of the input, not of the output.
                Instruction::Store {
                    from: rows,
                    lines: input,
                },
            ],
            Kind::Activation { function, gated } => {
                let latency = match function {
                    Activation::Relu => 1,
                    Activation::Gelu | Activation::Swish => core.latencies.gelu,
                };
                let kept = if gated { bytes / 2 } else { bytes };
                // The bias is read behind as many bytes as the input has.
                let bias = self.second + self.tokens * self.row_bytes;
                let mut list = vec![
                    Instruction::Load {
                        to: rows,
                        lines: input,
                    },
                    Instruction::Load {
                        to: other,
                        lines: Lines::range(bias, self.row_bytes, line),
                    },
                    vector(core.steps(bytes) * core.latencies.add, 0, &[rows, other]),
                    vector(core.steps(kept) * latency, 0, &[rows]),
                ];
                if gated {
                    list.push(vector(core.steps(kept) * core.latencies.mul, 0, &[rows]));
                }
                list.push(Instruction::Store {
                    from: rows,
                    lines: Lines::range(self.output + offset, bytes, line),
                });
                list
            }
        }
    }
}
