//! Element-wise kernels: sum and product of two vectors, ReLU of one. A tile is eight bursts of every
//! bank; the units take them into a register file, combine them and store them, the even banks
//! before the odd ones.
#![deny(clippy::float_arithmetic)]

use super::access::{Access, Control, Payload, RESERVED, fence};
use super::gemv::Spot;
use super::instruction::{Arithmetic, Instruction, Operand, Place};
use super::parameters::{HbmPimError, LANES, REGISTERS_PER_FILE, banks};
use super::program::Program;
use super::script;
use crate::dram::Standard;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Sum of two vectors.
    Add,
    /// Product of two vectors.
    Mul,
    /// One vector with its negative values replaced by zero.
    Relu,
}

impl Operation {
    /// Vectors that go in.
    pub fn inputs(self) -> u64 {
        match self {
            Operation::Add | Operation::Mul => 2,
            Operation::Relu => 1,
        }
    }
}

/// A vector of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vector {
    /// First input.
    A,
    /// Second input; none for ReLU.
    B,
    /// Output.
    Result,
}

/// Layout of a kernel over `elements` values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elementwise {
    operation: Operation,
    elements: u64,
    channels: u64,
    banks: u64,
    columns: u64,
    tiles: u64,
    /// First rows of the three vectors.
    rows: [u32; 3],
}

/// Rows that the published kernels keep for each vector.
const ROWS_PER_VECTOR: u64 = 128;

impl Elementwise {
    /// Places the vectors: consecutive bursts go round the channels, then the banks.
    pub fn new(
        standard: &Standard,
        operation: Operation,
        elements: u64,
    ) -> Result<Elementwise, HbmPimError> {
        if elements == 0 {
            return Err(HbmPimError::Empty { what: "the vector" });
        }
        let organisation = &standard.organisation;
        let (channels, banks) = (organisation.channels as u64, banks(standard) as u64);
        let tiles = elements
            .div_ceil(LANES)
            .div_ceil(channels * banks * REGISTERS_PER_FILE);
        let rows_each = (tiles * REGISTERS_PER_FILE)
            .div_ceil(organisation.columns())
            .max(ROWS_PER_VECTOR);
        let (needed, most) = (3 * rows_each, u64::from(RESERVED));
        if needed > most {
            return Err(HbmPimError::TooLarge {
                what: "rows of a bank",
                most,
                needed,
            });
        }
        Ok(Elementwise {
            operation,
            elements,
            channels,
            banks,
            columns: organisation.columns(),
            tiles,
            rows: [0, 1, 2].map(|vector| vector * rows_each as u32),
        })
    }

    /// Values of each vector.
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// Bytes of one vector, without padding.
    pub fn vector_bytes(&self) -> u64 {
        2 * self.elements
    }

    /// What is computed.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Where a burst of a vector lies.
    pub fn spot(&self, vector: Vector, burst: u64) -> Spot {
        let (channel, rest) = (burst % self.channels, burst / self.channels);
        let (bank, index) = (rest % self.banks, rest / self.banks);
        let (row, column) = self.address(vector, index);
        Spot {
            channel,
            bank: bank as u8,
            row,
            column,
        }
    }

    /// Row and column of a burst of a vector within each bank.
    fn address(&self, vector: Vector, index: u64) -> (u32, u16) {
        let first = self.rows[vector as usize];
        let row = first + (index / self.columns) as u32;
        (row, (index % self.columns) as u16)
    }

    /// The program: once for the even and once for the odd banks, and round again for every tile.
    pub fn program(&self) -> Program {
        let mut instructions = Vec::new();
        let sides = [
            (Operand::GrfA, Operand::EvenBank),
            (Operand::GrfB, Operand::OddBank),
        ];
        for (file, bank) in sides {
            let (file, bank) = (Place::of(file), Place::of(bank));
            instructions.push(Instruction::Fill {
                to: file,
                from: bank,
                relu: self.operation == Operation::Relu,
            });
            let arithmetic = match self.operation {
                Operation::Add => Some(Arithmetic::Add),
                Operation::Mul => Some(Arithmetic::Mul),
                Operation::Relu => None,
            };
            instructions.extend(arithmetic.map(|arithmetic| Instruction::Compute {
                arithmetic,
                to: file,
                a: file,
                b: bank,
                auto: true,
            }));
            instructions.push(Instruction::Nop {
                more: REGISTERS_PER_FILE as u16 - 1,
            });
        }
        if self.tiles > 1 {
            let back = instructions.len() as u16 + 1;
            instructions.push(Instruction::Jump {
                times: self.tiles as u32 - 1,
                back,
            });
        }
        instructions.push(Instruction::Exit);
        Program::checked(instructions)
    }

    /// What the host sends to every channel, in order.
    pub fn accesses(&self, standard: &Standard) -> impl Iterator<Item = Access> + use<> {
        let this = self.clone();
        let start = script::control(Control {
            pim: true,
            clear_a: false,
            clear_b: false,
        });
        script::prologue(standard, &self.program())
            .into_iter()
            .chain(std::iter::once(start))
            .chain((0..this.tiles).flat_map(move |tile| this.tile(tile)))
            .chain(std::iter::once(script::stop()))
            .chain(script::epilogue(standard))
    }

    fn tile(&self, tile: u64) -> Vec<Access> {
        let first = tile * REGISTERS_PER_FILE;
        let bursts = first..first + REGISTERS_PER_FILE;
        let mut accesses = Vec::new();
        let store = |side, index| {
            let (row, column) = self.address(Vector::Result, index);
            Access::write(side, row, column, Payload::None)
        };
        for side in [0, 1] {
            let inputs = [Vector::A, Vector::B];
            for vector in &inputs[..self.operation.inputs() as usize] {
                accesses.extend(bursts.clone().map(|index| {
                    let (row, column) = self.address(*vector, index);
                    Access::read(side, row, column)
                }));
                fence(&mut accesses);
            }
            accesses.extend(bursts.clone().map(|index| store(side, index)));
            fence(&mut accesses);
        }
        accesses
    }
}
