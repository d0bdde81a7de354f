//! Matrix-vector products of any shape on HBM-PIM: where weights, partial sums and input bursts go,
//! and what the host sends.
//!
//! An output tile is eight outputs of every unit, one a register of GRF_B; an input tile is eight
//! bursts of the vector, one a register of GRF_A. The weights of a unit's output tile and input tile
//! are 64 consecutive bursts of one bank, which MAC reads in order: the low three bits of the burst
//! number the output, the next three the input burst. Even input tiles lie in even banks. Each lane
//! keeps a partial sum of its own; the host adds the sixteen. What the shape leaves over is zero.
#![deny(clippy::float_arithmetic)]

use super::access::{Access, Control, GRF_A_COLUMN, Payload, REGISTERS, RESERVED, fence};
use super::instruction::{Arithmetic, Instruction, Operand, Place};
use super::parameters::{BURST_BYTES, HbmPimError, LANES, REGISTERS_PER_FILE, units};
use super::program::Program;
use super::script;
use crate::dram::Standard;

/// Weight bursts of one unit for one output tile and one input tile.
const TILE: u64 = REGISTERS_PER_FILE * REGISTERS_PER_FILE;

/// One burst in a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Channel.
    pub channel: u64,
    /// Bank of the first rank.
    pub bank: u8,
    /// Row.
    pub row: u32,
    /// Burst of the row.
    pub column: u16,
}

/// Layout of an `m x k` product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gemv {
    m: u64,
    k: u64,
    /// Outputs of a tile: eight a unit of every channel.
    outputs_per_tile: u64,
    outputs_per_channel: u64,
    output_tiles: u64,
    input_tiles: u64,
    columns: u64,
}

impl Gemv {
    /// Places an `m x k` matrix of fp16.
    pub fn new(standard: &Standard, m: u64, k: u64) -> Result<Gemv, HbmPimError> {
        for (what, value) in [("M", m), ("K", k)] {
            if value == 0 {
                return Err(HbmPimError::Empty { what });
            }
        }
        let outputs_per_channel = units(standard) * REGISTERS_PER_FILE;
        let outputs_per_tile = outputs_per_channel * standard.organisation.channels as u64;
        let gemv = Gemv {
            m,
            k,
            outputs_per_tile,
            outputs_per_channel,
            output_tiles: m.div_ceil(outputs_per_tile),
            input_tiles: k.div_ceil(LANES).div_ceil(REGISTERS_PER_FILE),
            columns: standard.organisation.columns(),
        };
        // Both the rows and the count of the jumps bound the shape; the first bound of K keeps the
        // products below from overflowing.
        let loops = gemv.passes(0);
        let most = u64::from(Instruction::MOST_JUMPS) + 1;
        if loops > most {
            return Err(HbmPimError::TooLarge {
                what: "passes of a loop",
                most,
                needed: loops,
            });
        }
        let needed = gemv
            .results_at(0)
            .saturating_add(gemv.output_tiles.saturating_mul(REGISTERS_PER_FILE))
            .div_ceil(gemv.columns);
        let most = u64::from(RESERVED).min(standard.organisation.rows);
        if needed > most {
            return Err(HbmPimError::TooLarge {
                what: "rows of a bank",
                most,
                needed,
            });
        }
        Ok(gemv)
    }

    /// Rows of the matrix, outputs.
    pub fn m(&self) -> u64 {
        self.m
    }

    /// Columns of the matrix, inputs.
    pub fn k(&self) -> u64 {
        self.k
    }

    /// Bytes of the weights, without padding.
    pub fn weight_bytes(&self) -> u64 {
        2 * self.m * self.k
    }

    /// Multiply-accumulates that the tiles have room for, padding included.
    pub fn room(&self) -> u64 {
        let outputs = self.output_tiles * self.outputs_per_tile;
        outputs * self.input_tiles * REGISTERS_PER_FILE * LANES
    }

    /// Bytes that each channel is sent: control, program and, for every output tile, the vector.
    pub fn upload_bytes(&self) -> u64 {
        let tiles = self.output_tiles * (2 + self.input_tiles * REGISTERS_PER_FILE);
        BURST_BYTES * (u64::from(self.program().bursts()) + tiles)
    }

    /// Bursts of the input vector.
    pub fn input_bursts(&self) -> u64 {
        self.k.div_ceil(LANES)
    }

    /// Bursts of partial sums that the host reads: one an output.
    pub fn result_bursts(&self) -> u64 {
        self.m
    }

    /// Input tiles in the banks of one side, 0 even and 1 odd.
    fn tiles_of(&self, side: u64) -> u64 {
        (self.input_tiles + 1 - side) / 2
    }

    /// Times that the repeated MAC of a side is driven, a register file each.
    fn passes(&self, side: u64) -> u64 {
        self.tiles_of(side) * REGISTERS_PER_FILE
    }

    /// First weight burst of an output and an input tile within each bank.
    fn weights_at(&self, output_tile: u64, input_tile: u64) -> u64 {
        TILE * (input_tile / 2 + output_tile * self.tiles_of(0))
    }

    /// First burst of the partial sums of an output tile within each odd bank.
    fn results_at(&self, output_tile: u64) -> u64 {
        let weights = self.output_tiles.saturating_mul(self.tiles_of(0));
        weights
            .saturating_mul(TILE)
            .saturating_add(output_tile * REGISTERS_PER_FILE)
    }

    fn spot(&self, channel: u64, bank: u64, burst: u64) -> Spot {
        Spot {
            channel,
            bank: bank as u8,
            row: (burst / self.columns) as u32,
            column: (burst % self.columns) as u16,
        }
    }

    /// Channel, unit, register of GRF_B and tile of an output.
    fn output(&self, output: u64) -> (u64, u64, u64, u64) {
        let within = output % self.outputs_per_tile;
        (
            within / self.outputs_per_channel,
            within % self.outputs_per_channel / REGISTERS_PER_FILE,
            within % REGISTERS_PER_FILE,
            output / self.outputs_per_tile,
        )
    }

    /// Where the weights of an output lie that meet a burst of the input.
    pub fn weight(&self, output: u64, input_burst: u64) -> Spot {
        let (channel, unit, register, tile) = self.output(output);
        let (input_tile, input) = (
            input_burst / REGISTERS_PER_FILE,
            input_burst % REGISTERS_PER_FILE,
        );
        let burst = self.weights_at(tile, input_tile) + input * REGISTERS_PER_FILE + register;
        self.spot(channel, 2 * unit + input_tile % 2, burst)
    }

    /// Where the sixteen partial sums of an output are left.
    pub fn result(&self, output: u64) -> Spot {
        let (channel, unit, register, tile) = self.output(output);
        self.spot(channel, 2 * unit + 1, self.results_at(tile) + register)
    }

    /// The program: MAC over the even banks, over the odd ones, then eight commands that let GRF_B
    /// be stored.
    pub fn program(&self) -> Program {
        let mut instructions = Vec::new();
        for (side, bank) in [(0, Operand::EvenBank), (1, Operand::OddBank)] {
            let passes = self.passes(side);
            if passes == 0 {
                continue;
            }
            instructions.push(Instruction::Compute {
                arithmetic: Arithmetic::Mac,
                to: Place::of(Operand::GrfB),
                a: Place::of(Operand::GrfA),
                b: Place::of(bank),
                auto: true,
            });
            instructions.push(Instruction::Jump {
                times: (passes - 1) as u32,
                back: 2,
            });
        }
        instructions.push(Instruction::Nop {
            more: REGISTERS_PER_FILE as u16 - 1,
        });
        instructions.push(Instruction::Exit);
        Program::checked(instructions)
    }

    /// What the host sends to every channel, in order. It is the same for all of them: the weights
    /// differ, the commands do not.
    pub fn accesses(&self, standard: &Standard) -> impl Iterator<Item = Access> + use<> {
        let this = self.clone();
        let tiles = (0..this.output_tiles).flat_map(move |tile| {
            let start = script::control(Control {
                pim: true,
                clear_a: false,
                clear_b: true,
            });
            let (even, odd) = (this.clone(), this.clone());
            let stored = this.stored(tile);
            let evens = (0..this.input_tiles).step_by(2);
            let odds = (1..this.input_tiles).step_by(2);
            std::iter::once(start)
                .chain(evens.flat_map(move |input| even.tile(tile, input)))
                .chain(odds.flat_map(move |input| odd.tile(tile, input)))
                .chain(stored)
                .chain(std::iter::once(script::stop()))
        });
        script::prologue(standard, &self.program())
            .into_iter()
            .chain(tiles)
            .chain(script::epilogue(standard))
    }

    /// Eight bursts of the vector into GRF_A, then the columns that drive 64 MACs.
    fn tile(&self, output_tile: u64, input_tile: u64) -> Vec<Access> {
        let mut accesses = Vec::with_capacity((REGISTERS_PER_FILE + TILE) as usize);
        for register in 0..REGISTERS_PER_FILE {
            let payload = Payload::Vector(input_tile * REGISTERS_PER_FILE + register);
            let column = GRF_A_COLUMN + register as u16;
            accesses.push(Access::write(1, REGISTERS, column, payload));
        }
        fence(&mut accesses);
        let first = self.weights_at(output_tile, input_tile);
        for register in 0..REGISTERS_PER_FILE {
            for burst in 0..REGISTERS_PER_FILE {
                let burst = first + register * REGISTERS_PER_FILE + burst;
                let spot = self.spot(0, input_tile % 2, burst);
                accesses.push(Access::read(spot.bank, spot.row, spot.column));
            }
            fence(&mut accesses);
        }
        accesses
    }

    /// GRF_B into the odd banks.
    fn stored(&self, output_tile: u64) -> Vec<Access> {
        let first = self.results_at(output_tile);
        let mut accesses: Vec<Access> = (first..first + REGISTERS_PER_FILE)
            .map(|burst| {
                let spot = self.spot(0, 1, burst);
                Access::write(spot.bank, spot.row, spot.column, Payload::None)
            })
            .collect();
        fence(&mut accesses);
        accesses
    }

    /// The partial sums that channel 0, which has most of them, sends to the host.
    pub fn read_out(&self) -> impl Iterator<Item = Access> + use<> {
        let this = self.clone();
        (0..this.m).filter_map(move |output| {
            let spot = this.result(output);
            (spot.channel == 0).then(|| Access::read(spot.bank, spot.row, spot.column))
        })
    }
}
