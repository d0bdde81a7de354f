//! Instructions of the units, and their 32-bit form.
//!
//! Fields, by bit: operation 28..32; destination 25..28; sources 22..25, 19..22 and 16..19;
//! repetition 15; ReLU 12; register numbers of destination 8..12, first source 4..8 and second
//! source 0..4 (a third source shares the last). NOP has its further repetitions in 0..11, JUMP its
//! count in 11..28 and how far back it leads in 0..11 (SAITPublic/PIMSimulator, b464dde).
#![deny(clippy::float_arithmetic)]

use thiserror::Error;

/// What an instruction reads or writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Operand {
    /// Output register of the adders.
    AdderOut,
    /// Output register of the multipliers.
    MultiplierOut,
    /// The burst of the even bank that the column command addresses.
    EvenBank,
    /// The burst of the odd bank.
    OddBank,
    /// Vector register file A, 8 x 256 bit.
    GrfA,
    /// Vector register file B, 8 x 256 bit.
    GrfB,
    /// Scalar register for multiplications, broadcast to all lanes.
    SrfM,
    /// Scalar register for additions, broadcast to all lanes.
    SrfA,
}

impl Operand {
    const ALL: [Operand; 8] = [
        Operand::AdderOut,
        Operand::MultiplierOut,
        Operand::EvenBank,
        Operand::OddBank,
        Operand::GrfA,
        Operand::GrfB,
        Operand::SrfM,
        Operand::SrfA,
    ];

    fn decode(bits: u32) -> Operand {
        Operand::ALL[(bits & 0b111) as usize]
    }
}

/// An operand and the number of its register, 0 to 15; ignored where the column address supplies it
/// or there is one register only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Register file or bank.
    pub operand: Operand,
    /// Number.
    pub index: u8,
}

impl Place {
    /// Register 0, or a number that the address supplies.
    pub fn of(operand: Operand) -> Place {
        Place { operand, index: 0 }
    }
}

/// Arithmetic of the 16 lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// `a + b`
    Add,
    /// `a * b`
    Mul,
    /// `a * b + destination`
    Mac,
    /// `a * b + c`; `c` has the register number of `b`.
    Mad(Operand),
}

/// An instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Instruction {
    /// Nothing for `1 + more` column commands; a write meanwhile stores a register to the bank.
    Nop {
        /// Further repetitions, up to 2047.
        more: u16,
    },
    /// Back `times` times, by `back` instructions counted from the next one: 2 repeats the
    /// instruction before. Takes no column command.
    Jump {
        /// Up to 131,071.
        times: u32,
        /// Up to 2047.
        back: u16,
    },
    /// End of the program.
    Exit,
    /// Copies one burst.
    Mov {
        /// Destination.
        to: Place,
        /// Source.
        from: Place,
        /// Negative lanes become zero.
        relu: bool,
    },
    /// Copies eight bursts in eight column commands, register numbers from the column address.
    Fill {
        /// Destination.
        to: Place,
        /// Source.
        from: Place,
        /// Negative lanes become zero.
        relu: bool,
    },
    /// Computes on one burst, or on eight.
    Compute {
        /// Operation.
        arithmetic: Arithmetic,
        /// Destination.
        to: Place,
        /// First source.
        a: Place,
        /// Second source.
        b: Place,
        /// Eight column commands, register numbers from the column address.
        auto: bool,
    },
}

/// A word that is no instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{word:#010x} is no instruction: operation {operation} is reserved")]
pub struct Reserved {
    /// The word.
    pub word: u32,
    /// Its operation field.
    pub operation: u8,
}

const NOP: u32 = 0;
const ADD: u32 = 1;
const MUL: u32 = 2;
const MAC: u32 = 3;
const MAD: u32 = 4;
const MOV: u32 = 8;
const FILL: u32 = 9;
const JUMP: u32 = 14;
const EXIT: u32 = 15;

/// Column commands of an instruction that repeats itself: one for each register of a file.
const REPETITIONS: u32 = 8;

/// Field of `bits` bits at `at`.
fn put(value: u32, bits: u32, at: u32) -> u32 {
    (value & ((1 << bits) - 1)) << at
}

fn get(word: u32, bits: u32, at: u32) -> u32 {
    word >> at & ((1 << bits) - 1)
}

impl Instruction {
    /// Largest count of a JUMP.
    pub const MOST_JUMPS: u32 = (1 << 17) - 1;

    /// Column commands that the instruction takes.
    pub fn column_commands(self) -> u32 {
        match self {
            Instruction::Nop { more } => 1 + u32::from(more),
            Instruction::Jump { .. } | Instruction::Exit => 0,
            Instruction::Fill { .. } | Instruction::Compute { auto: true, .. } => REPETITIONS,
            Instruction::Mov { .. } | Instruction::Compute { auto: false, .. } => 1,
        }
    }

    /// The 32-bit form. Numbers beyond their fields lose their upper bits.
    pub fn encode(self) -> u32 {
        let places = |to: Place, a: Place, b: Option<Place>| {
            let b_bits = b.map_or(0, |b| {
                put(b.operand as u32, 3, 19) | put(u32::from(b.index), 4, 0)
            });
            put(to.operand as u32, 3, 25)
                | put(a.operand as u32, 3, 22)
                | put(u32::from(to.index), 4, 8)
                | put(u32::from(a.index), 4, 4)
                | b_bits
        };
        let copy = |operation, to, from, relu: bool| {
            put(operation, 4, 28) | places(to, from, None) | put(u32::from(relu), 1, 12)
        };
        match self {
            Instruction::Nop { more } => put(NOP, 4, 28) | put(u32::from(more), 11, 0),
            Instruction::Jump { times, back } => {
                put(JUMP, 4, 28) | put(times, 17, 11) | put(u32::from(back), 11, 0)
            }
            Instruction::Exit => put(EXIT, 4, 28),
            Instruction::Mov { to, from, relu } => copy(MOV, to, from, relu),
            Instruction::Fill { to, from, relu } => copy(FILL, to, from, relu),
            Instruction::Compute {
                arithmetic,
                to,
                a,
                b,
                auto,
            } => {
                let (operation, c) = match arithmetic {
                    Arithmetic::Add => (ADD, 0),
                    Arithmetic::Mul => (MUL, 0),
                    Arithmetic::Mac => (MAC, 0),
                    Arithmetic::Mad(c) => (MAD, c as u32),
                };
                put(operation, 4, 28)
                    | places(to, a, Some(b))
                    | put(c, 3, 16)
                    | put(u32::from(auto), 1, 15)
            }
        }
    }

    /// The instruction of a word.
    pub fn decode(word: u32) -> Result<Instruction, Reserved> {
        let place = |operand_at, index_at| Place {
            operand: Operand::decode(get(word, 3, operand_at)),
            index: get(word, 4, index_at) as u8,
        };
        let (to, a, b) = (place(25, 8), place(22, 4), place(19, 0));
        let relu = get(word, 1, 12) == 1;
        let compute = |arithmetic| Instruction::Compute {
            arithmetic,
            to,
            a,
            b,
            auto: get(word, 1, 15) == 1,
        };
        Ok(match get(word, 4, 28) {
            NOP => Instruction::Nop {
                more: get(word, 11, 0) as u16,
            },
            ADD => compute(Arithmetic::Add),
            MUL => compute(Arithmetic::Mul),
            MAC => compute(Arithmetic::Mac),
            MAD => compute(Arithmetic::Mad(Operand::decode(get(word, 3, 16)))),
            MOV => Instruction::Mov { to, from: a, relu },
            FILL => Instruction::Fill { to, from: a, relu },
            JUMP => Instruction::Jump {
                times: get(word, 17, 11),
                back: get(word, 11, 0) as u16,
            },
            EXIT => Instruction::Exit,
            operation => {
                return Err(Reserved {
                    word,
                    operation: operation as u8,
                });
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> impl Strategy<Value = Place> {
        (0..8usize, 0..16u8).prop_map(|(operand, index)| Place {
            operand: Operand::ALL[operand],
            index,
        })
    }

    fn instruction() -> impl Strategy<Value = Instruction> {
        let arithmetic = prop_oneof![
            Just(Arithmetic::Add),
            Just(Arithmetic::Mul),
            Just(Arithmetic::Mac),
            (0..8usize).prop_map(|c| Arithmetic::Mad(Operand::ALL[c])),
        ];
        let compute = (arithmetic, place(), place(), place(), any::<bool>());
        let copy = (place(), place(), any::<bool>(), any::<bool>());
        prop_oneof![
            (0..2048u16).prop_map(|more| Instruction::Nop { more }),
            (0..=Instruction::MOST_JUMPS, 0..2048u16)
                .prop_map(|(times, back)| Instruction::Jump { times, back }),
            Just(Instruction::Exit),
            copy.prop_map(|(to, from, relu, fill)| if fill {
                Instruction::Fill { to, from, relu }
            } else {
                Instruction::Mov { to, from, relu }
            }),
            compute.prop_map(|(arithmetic, to, a, b, auto)| Instruction::Compute {
                arithmetic,
                to,
                a,
                b,
                auto
            }),
        ]
    }

    proptest! {
        #[test]
        fn words_decode_to_what_they_encode(instruction in instruction()) {
            prop_assert_eq!(Instruction::decode(instruction.encode()), Ok(instruction));
        }

        #[test]
        fn words_are_instructions_or_reserved(word in any::<u32>()) {
            match Instruction::decode(word) {
                // Unused bits are dropped; what remains is stable.
                Ok(instruction) => {
                    prop_assert_eq!(Instruction::decode(instruction.encode()), Ok(instruction));
                }
                Err(reserved) => {
                    prop_assert!([5, 6, 7, 10, 11, 12, 13].contains(&reserved.operation));
                }
            }
        }
    }

    #[test]
    fn words_have_the_published_fields() {
        // MAC GRF_B, GRF_A, EVEN_BANK, repeated.
        let mac = Instruction::Compute {
            arithmetic: Arithmetic::Mac,
            to: Place::of(Operand::GrfB),
            a: Place::of(Operand::GrfA),
            b: Place::of(Operand::EvenBank),
            auto: true,
        };
        assert_eq!(
            mac.encode(),
            3 << 28 | 5 << 25 | 4 << 22 | 2 << 19 | 1 << 15
        );
        let jump = Instruction::Jump {
            times: 127,
            back: 2,
        };
        assert_eq!(jump.encode(), 14 << 28 | 127 << 11 | 2);
        assert_eq!(Instruction::Exit.encode(), 0xf000_0000);
        assert_eq!(Instruction::Nop { more: 7 }.encode(), 7);
    }
}
