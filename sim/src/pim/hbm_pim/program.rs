//! Programs of at most 32 instructions and the order in which column commands drive them.
#![deny(clippy::float_arithmetic)]

use super::instruction::Instruction;
use thiserror::Error;

/// Instructions that the CRF holds.
pub const MOST_INSTRUCTIONS: usize = 32;
/// Instructions that one written burst carries.
const PER_BURST: usize = 8;

/// A checked program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    instructions: Vec<Instruction>,
}

/// Why a list of instructions is no program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProgramError {
    /// Too many.
    #[error("a program has at most {MOST_INSTRUCTIONS} instructions; found {found}")]
    TooLong {
        /// Instructions.
        found: usize,
    },
    /// It would run off its end.
    #[error("a program ends with EXIT")]
    NoExit,
    /// A jump to before the first instruction, or to itself.
    #[error("JUMP at {at} leads to no instruction before it: {back} back")]
    Target {
        /// Position of the JUMP.
        at: usize,
        /// How far back it leads.
        back: u16,
    },
    /// A loop that no column command ever leaves.
    #[error("JUMP at {at} goes round without an instruction that takes a column command")]
    EmptyLoop {
        /// Position of the JUMP.
        at: usize,
    },
    /// A count beyond its field.
    #[error("the instruction at {at} has a number beyond its field")]
    Field {
        /// Position.
        at: usize,
    },
}

impl Program {
    /// Checks a list of instructions.
    pub fn new(instructions: Vec<Instruction>) -> Result<Program, ProgramError> {
        let found = instructions.len();
        if found > MOST_INSTRUCTIONS {
            return Err(ProgramError::TooLong { found });
        }
        if instructions.last() != Some(&Instruction::Exit) {
            return Err(ProgramError::NoExit);
        }
        for (at, &instruction) in instructions.iter().enumerate() {
            if Instruction::decode(instruction.encode()) != Ok(instruction) {
                return Err(ProgramError::Field { at });
            }
            let Instruction::Jump { back, .. } = instruction else {
                continue;
            };
            let Some(target) = (at + 1).checked_sub(usize::from(back)).filter(|t| *t < at) else {
                return Err(ProgramError::Target { at, back });
            };
            let inside = &instructions[target..at];
            if inside.iter().all(|i| i.column_commands() == 0) {
                return Err(ProgramError::EmptyLoop { at });
            }
        }
        Ok(Program { instructions })
    }

    /// A program of this crate's own kernels, whose form their tests check.
    pub(super) fn checked(instructions: Vec<Instruction>) -> Program {
        debug_assert!(Program::new(instructions.clone()).is_ok());
        Program { instructions }
    }

    /// The instructions.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// Bursts that load the program.
    pub fn bursts(&self) -> u8 {
        self.instructions.len().div_ceil(PER_BURST) as u8
    }

    /// The eight words of a burst; unused ones are NOP.
    pub fn words(&self, burst: u8) -> [u32; PER_BURST] {
        let first = usize::from(burst) * PER_BURST;
        std::array::from_fn(|index| {
            let instruction = self.instructions.get(first + index);
            instruction.map_or(0, |instruction| instruction.encode())
        })
    }
}

/// The instruction counter of the units of a channel: all of them run in step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequencer {
    at: usize,
    /// Column commands that the current instruction has had.
    had: u32,
    /// Jumps left of each JUMP that is under way.
    left: [Option<u32>; MOST_INSTRUCTIONS],
}

impl Default for Sequencer {
    fn default() -> Sequencer {
        Sequencer {
            at: 0,
            had: 0,
            left: [None; MOST_INSTRUCTIONS],
        }
    }
}

impl Sequencer {
    /// The instruction that the next column command drives; `None` once the program has ended. JUMP
    /// takes no command, so it is never among them.
    pub fn step(&mut self, words: &[Instruction]) -> Option<Instruction> {
        loop {
            let instruction = *words.get(self.at)?;
            match instruction {
                Instruction::Exit => return None,
                Instruction::Jump { times, back } => {
                    let left = self.left[self.at].unwrap_or(times);
                    if left > 0 {
                        self.left[self.at] = Some(left - 1);
                        self.at = (self.at + 1).checked_sub(usize::from(back))?;
                    } else {
                        self.left[self.at] = None;
                        self.at += 1;
                    }
                }
                _ => {
                    self.had += 1;
                    if self.had == instruction.column_commands() {
                        self.had = 0;
                        self.at += 1;
                    }
                    return Some(instruction);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::hbm_pim::instruction::{Operand, Place};

    const FILL: Instruction = Instruction::Fill {
        to: Place {
            operand: Operand::GrfA,
            index: 0,
        },
        from: Place {
            operand: Operand::EvenBank,
            index: 0,
        },
        relu: false,
    };

    fn steps(instructions: &[Instruction]) -> Vec<Instruction> {
        let program = Program::new(instructions.to_vec()).expect("a program");
        let mut sequencer = Sequencer::default();
        std::iter::from_fn(|| sequencer.step(program.instructions())).collect()
    }

    #[test]
    fn loops_repeat_and_nest() {
        let nop = Instruction::Nop { more: 1 };
        let inner = Instruction::Jump { times: 2, back: 2 };
        let outer = Instruction::Jump { times: 1, back: 4 };
        let found = steps(&[FILL, nop, inner, outer, Instruction::Exit]);
        // Twice: eight fills and three times two NOPs.
        let round = [vec![FILL; 8], vec![nop; 6]].concat();
        assert_eq!(found, [round.clone(), round].concat());
    }

    #[test]
    fn programs_are_checked() {
        let nop = Instruction::Nop { more: 0 };
        let jump = |back| Instruction::Jump { times: 1, back };
        let exit = Instruction::Exit;
        let error = |list: &[Instruction]| Program::new(list.to_vec()).unwrap_err();
        assert_eq!(error(&[nop; 33]), ProgramError::TooLong { found: 33 });
        assert_eq!(error(&[nop]), ProgramError::NoExit);
        assert_eq!(error(&[]), ProgramError::NoExit);
        let target = |at, back| ProgramError::Target { at, back };
        assert_eq!(error(&[nop, jump(3), exit]), target(1, 3));
        assert_eq!(error(&[nop, jump(1), exit]), target(1, 1));
        let empty = [nop, jump(2), jump(2), exit];
        assert_eq!(error(&empty), ProgramError::EmptyLoop { at: 2 });
        let long = Instruction::Jump {
            times: 1 << 17,
            back: 2,
        };
        assert_eq!(error(&[nop, long, exit]), ProgramError::Field { at: 1 });
        assert!(Program::new([vec![nop; 31], vec![exit]].concat()).is_ok());
    }

    #[test]
    fn words_of_a_program_fill_bursts_of_eight() {
        let program = Program::new([vec![FILL; 8], vec![Instruction::Exit]].concat());
        let program = program.expect("a program");
        assert_eq!(program.bursts(), 2);
        assert_eq!(program.words(1)[0], Instruction::Exit.encode());
        assert_eq!(program.words(1)[1..], [0; 7]);
    }
}
