//! The units of one channel on values: banks, register files, and what a column command does to them
//! in each mode.

use super::access::{
    Access, CONTROL_COLUMN, GRF_A_COLUMN, GRF_B_COLUMN, LEAVE_ALL_BANK, MODE_COLUMN,
    PROGRAM_COLUMN, Payload, REGISTERS, RESERVED, SRF_COLUMN,
};
use super::instruction::{Arithmetic, Instruction, Operand, Place};
use super::mode::{Mode, ModeLatch};
use super::parameters::banks;
use super::program::{MOST_INSTRUCTIONS, Program, Sequencer};
use super::values::{Burst, ZERO, compute, relu};
use crate::dram::Standard;
use std::collections::BTreeMap;

/// Registers of a file.
const FILE: usize = 8;

/// Registers of a unit.
#[derive(Debug, Clone)]
struct Registers {
    grf_a: [Burst; FILE],
    grf_b: [Burst; FILE],
    srf: Burst,
    adder_out: Burst,
    multiplier_out: Burst,
}

const CLEAR: Registers = Registers {
    grf_a: [ZERO; FILE],
    grf_b: [ZERO; FILE],
    srf: ZERO,
    adder_out: ZERO,
    multiplier_out: ZERO,
};

/// The banks and units of a channel.
#[derive(Debug, Clone)]
pub(super) struct Units {
    /// Rows that were written, by bank and row; others hold zeros.
    rows: BTreeMap<(u8, u32), Vec<Burst>>,
    registers: Vec<Registers>,
    latch: ModeLatch,
    program: Vec<Instruction>,
    sequencer: Sequencer,
    columns: u64,
}

/// The address of a column command as a unit sees it.
#[derive(Clone, Copy)]
struct Address {
    row: u32,
    column: u16,
    /// Burst of the bank, counted through the rows.
    burst: u64,
}

impl Address {
    /// Register that the low column bits name.
    fn low(self) -> usize {
        usize::from(self.column) % FILE
    }

    /// Register that the bits above them name: the input burst of a weight.
    fn high(self) -> usize {
        (self.burst / FILE as u64) as usize % FILE
    }
}

impl Units {
    pub(super) fn new(standard: &Standard) -> Units {
        let banks = banks(standard);
        Units {
            rows: BTreeMap::new(),
            registers: vec![CLEAR; banks / 2],
            latch: ModeLatch::new(banks),
            program: Vec::new(),
            sequencer: Sequencer::default(),
            columns: standard.organisation.columns(),
        }
    }

    /// A burst of a bank.
    pub(super) fn load(&self, bank: u8, row: u32, column: u16) -> Burst {
        let row = self.rows.get(&(bank, row));
        row.map_or(ZERO, |row| row[usize::from(column)])
    }

    /// Replaces a burst of a bank.
    pub(super) fn store(&mut self, bank: u8, row: u32, column: u16, burst: Burst) {
        let columns = self.columns as usize;
        let row = self.rows.entry((bank, row));
        row.or_insert_with(|| vec![ZERO; columns])[usize::from(column)] = burst;
    }

    /// A column command. `vector` gives the bursts that the host writes, `program` what it loads.
    pub(super) fn column(
        &mut self,
        access: &Access,
        program: &Program,
        vector: impl Fn(u64) -> Burst,
    ) {
        let bank = usize::from(access.bank);
        // The mode rows act when they are opened and closed; here their accesses tell.
        self.latch.activated(bank, access.row, access.column);
        match self.latch.mode() {
            Mode::SingleBank => {}
            Mode::AllBank | Mode::Pim if access.row & RESERVED != 0 => {
                self.reserved(access, program, vector);
            }
            Mode::AllBank => self.move_registers(access),
            Mode::Pim => match self.sequencer.step(&self.program) {
                Some(instruction) => self.execute(access, instruction),
                None => self.move_registers(access),
            },
        }
    }

    fn reserved(&mut self, access: &Access, program: &Program, vector: impl Fn(u64) -> Burst) {
        if access.row == LEAVE_ALL_BANK && access.column == MODE_COLUMN {
            self.latch.precharged(usize::from(access.bank), access.row);
        }
        if access.row != REGISTERS || !access.write {
            return;
        }
        match access.payload {
            Payload::Control(control) if access.column == CONTROL_COLUMN => {
                for registers in &mut self.registers {
                    if control.clear_a {
                        registers.grf_a = [ZERO; FILE];
                    }
                    if control.clear_b {
                        registers.grf_b = [ZERO; FILE];
                    }
                }
                if control.pim {
                    self.sequencer = Sequencer::default();
                }
                self.latch.control(control.pim);
            }
            Payload::Program(burst) if access.column == PROGRAM_COLUMN + u16::from(burst) => {
                self.load_program(program.words(burst), burst);
            }
            Payload::Vector(burst) => self.broadcast(access.column, vector(burst)),
            Payload::None | Payload::Control(_) | Payload::Program(_) => {}
        }
    }

    fn load_program(&mut self, words: [u32; FILE], burst: u8) {
        let nop = Instruction::Nop { more: 0 };
        self.program.resize(MOST_INSTRUCTIONS, nop);
        let first = usize::from(burst) * FILE;
        for (slot, word) in self.program.iter_mut().skip(first).zip(words) {
            *slot = Instruction::decode(word).unwrap_or(Instruction::Exit);
        }
    }

    /// A register of every unit.
    fn broadcast(&mut self, column: u16, burst: Burst) {
        for registers in &mut self.registers {
            let file = |first: u16| column.checked_sub(first).map(usize::from);
            if column == SRF_COLUMN {
                registers.srf = burst;
            } else if let Some(index) = file(GRF_B_COLUMN).filter(|index| *index < FILE) {
                registers.grf_b[index] = burst;
            } else if let Some(index) = file(GRF_A_COLUMN).filter(|index| *index < FILE) {
                registers.grf_a[index] = burst;
            }
        }
    }

    fn address(&self, access: &Access) -> Address {
        Address {
            row: access.row,
            column: access.column,
            burst: u64::from(access.row) * self.columns + u64::from(access.column),
        }
    }

    /// A command that drives no instruction: writes store a register, GRF_A to even and GRF_B to odd
    /// banks; reads load GRF_B.
    fn move_registers(&mut self, access: &Access) {
        if access.write {
            self.store_registers(access);
            return;
        }
        let at = self.address(access);
        for unit in 0..self.registers.len() {
            let burst = self.load(bank_of(unit, access.bank % 2), at.row, at.column);
            self.registers[unit].grf_b[at.low()] = burst;
        }
    }

    fn store_registers(&mut self, access: &Access) {
        let at = self.address(access);
        let side = access.bank % 2;
        for unit in 0..self.registers.len() {
            let registers = &self.registers[unit];
            let burst = if side == 0 {
                registers.grf_a[at.low()]
            } else {
                registers.grf_b[at.low()]
            };
            self.store(bank_of(unit, side), at.row, at.column, burst);
        }
    }

    fn execute(&mut self, access: &Access, instruction: Instruction) {
        let at = self.address(access);
        match instruction {
            Instruction::Nop { .. } if access.write => self.store_registers(access),
            Instruction::Nop { .. } | Instruction::Jump { .. } | Instruction::Exit => {}
            Instruction::Mov { to, from, relu } => self.copy(at, to, from, relu, false),
            Instruction::Fill { to, from, relu } => self.copy(at, to, from, relu, true),
            Instruction::Compute {
                arithmetic,
                to,
                a,
                b,
                auto,
            } => {
                let mac = arithmetic == Arithmetic::Mac;
                for unit in 0..self.registers.len() {
                    let read = |place| self.read(unit, place, at, auto, mac);
                    let c = match arithmetic {
                        Arithmetic::Add | Arithmetic::Mul => ZERO,
                        Arithmetic::Mac => read(to),
                        Arithmetic::Mad(operand) => read(Place { operand, ..b }),
                    };
                    let result = compute(arithmetic, &read(a), &read(b), &c);
                    self.write(unit, to, at, auto, mac, result);
                }
            }
        }
    }

    fn copy(&mut self, at: Address, to: Place, from: Place, cut: bool, auto: bool) {
        for unit in 0..self.registers.len() {
            let burst = self.read(unit, from, at, auto, false);
            let burst = if cut { relu(&burst) } else { burst };
            self.write(unit, to, at, auto, false, burst);
        }
    }

    /// The register that a place names: where the instruction repeats itself, the column address
    /// does, and of a MAC's GRF_A its higher bits.
    fn index(place: Place, at: Address, auto: bool, mac: bool) -> usize {
        match (auto, place.operand) {
            (true, Operand::GrfA) if mac => at.high(),
            (true, Operand::GrfA | Operand::GrfB) => at.low(),
            _ => usize::from(place.index) % FILE,
        }
    }

    fn read(&self, unit: usize, place: Place, at: Address, auto: bool, mac: bool) -> Burst {
        let registers = &self.registers[unit];
        let index = Self::index(place, at, auto, mac);
        match place.operand {
            Operand::AdderOut => registers.adder_out,
            Operand::MultiplierOut => registers.multiplier_out,
            Operand::EvenBank => self.load(bank_of(unit, 0), at.row, at.column),
            Operand::OddBank => self.load(bank_of(unit, 1), at.row, at.column),
            Operand::GrfA => registers.grf_a[index],
            Operand::GrfB => registers.grf_b[index],
            Operand::SrfM => [registers.srf[index]; 16],
            Operand::SrfA => [registers.srf[index + FILE]; 16],
        }
    }

    fn write(
        &mut self,
        unit: usize,
        place: Place,
        at: Address,
        auto: bool,
        mac: bool,
        burst: Burst,
    ) {
        let index = Self::index(place, at, auto, mac);
        let registers = &mut self.registers[unit];
        match place.operand {
            Operand::AdderOut => registers.adder_out = burst,
            Operand::MultiplierOut => registers.multiplier_out = burst,
            Operand::EvenBank => self.store(bank_of(unit, 0), at.row, at.column, burst),
            Operand::OddBank => self.store(bank_of(unit, 1), at.row, at.column, burst),
            Operand::GrfA => registers.grf_a[index] = burst,
            Operand::GrfB => registers.grf_b[index] = burst,
            Operand::SrfM | Operand::SrfA => registers.srf = burst,
        }
    }
}

/// Bank of a unit on a side.
fn bank_of(unit: usize, side: u8) -> u8 {
    (2 * unit) as u8 + side
}

#[cfg(test)]
mod tests {
    use super::super::access::{Control, ENTER_ALL_BANK};
    use super::super::values::f16;
    use super::*;
    use crate::pim::testing::standard;

    fn of(value: i8) -> f16 {
        f16::from(value)
    }

    fn all(value: i8) -> Burst {
        [of(value); 16]
    }

    /// Units in PIM mode with a program loaded; the host's bursts are their index in all lanes.
    struct Bench {
        units: Units,
        program: Program,
    }

    impl Bench {
        fn new(instructions: Vec<Instruction>) -> Bench {
            let program = Program::new(instructions).expect("a program");
            let units = Units::new(&standard());
            let mut bench = Bench { units, program };
            for bank in [0, 1, 8, 9] {
                bench.write(bank, ENTER_ALL_BANK, MODE_COLUMN, Payload::None);
            }
            for burst in 0..bench.program.bursts() {
                let column = PROGRAM_COLUMN + u16::from(burst);
                bench.write(1, REGISTERS, column, Payload::Program(burst));
            }
            bench
        }

        fn access(&mut self, access: &Access) {
            let host = |burst| all(burst as i8);
            self.units.column(access, &self.program, host);
        }

        fn write(&mut self, bank: u8, row: u32, column: u16, payload: Payload) {
            self.access(&Access::write(bank, row, column, payload));
        }

        fn read(&mut self, bank: u8, row: u32, column: u16) {
            self.access(&Access::read(bank, row, column));
        }

        fn control(&mut self, pim: bool, clear: bool) {
            let control = Control {
                pim,
                clear_a: clear,
                clear_b: clear,
            };
            self.write(0, REGISTERS, CONTROL_COLUMN, Payload::Control(control));
        }
    }

    fn register(operand: Operand, index: u8) -> Place {
        Place { operand, index }
    }

    #[test]
    fn single_instructions_name_their_registers() {
        let (even, odd) = (Place::of(Operand::EvenBank), Place::of(Operand::OddBank));
        let compute = |arithmetic, to, a, b| Instruction::Compute {
            arithmetic,
            to,
            a,
            b,
            auto: false,
        };
        let (a2, b1) = (register(Operand::GrfA, 2), register(Operand::GrfB, 1));
        let mut bench = Bench::new(vec![
            Instruction::Mov {
                to: a2,
                from: even,
                relu: true,
            },
            // The third source shares the number of the second: SRF_M 3 and SRF_A 3.
            compute(
                Arithmetic::Mad(Operand::SrfA),
                b1,
                a2,
                register(Operand::SrfM, 3),
            ),
            compute(Arithmetic::Add, register(Operand::AdderOut, 0), b1, odd),
            compute(Arithmetic::Mul, register(Operand::MultiplierOut, 0), b1, b1),
            Instruction::Mov {
                to: odd,
                from: register(Operand::AdderOut, 0),
                relu: false,
            },
            Instruction::Mov {
                to: even,
                from: register(Operand::MultiplierOut, 0),
                relu: false,
            },
            Instruction::Exit,
        ]);
        // Lanes -8 to 7 in bank 2, unit 1; every odd bank holds ones.
        let ramp: Burst = std::array::from_fn(|lane| of(lane as i8 - 8));
        bench.units.store(2, 7, 5, ramp);
        bench.units.store(3, 7, 5, all(1));
        bench.write(1, REGISTERS, SRF_COLUMN, Payload::Vector(3));
        bench.control(true, false);
        for bank in [0, 0, 1, 0, 1, 0] {
            bench.read(bank, 7, 5);
        }
        let cut = |lane: usize| (lane as i8 - 8).max(0);
        let scaled: Burst = std::array::from_fn(|lane| of(cut(lane) * 3 + 3));
        let plus_one: Burst = std::array::from_fn(|lane| of(cut(lane) * 3 + 4));
        assert_eq!(bench.units.load(3, 7, 5), plus_one);
        assert_eq!(bench.units.load(2, 7, 5), compute_squares(&scaled));
        // Unit 0 saw zeros.
        assert_eq!(bench.units.load(1, 7, 5), all(3));
        assert_eq!(bench.units.load(0, 7, 5), all(9));
        // After EXIT reads load GRF_B and writes store a register.
        bench.read(1, 7, 5);
        bench.write(1, 8, 5, Payload::None);
        assert_eq!(bench.units.load(3, 8, 5), plus_one);
    }

    fn compute_squares(burst: &Burst) -> Burst {
        compute(Arithmetic::Mul, burst, burst, &ZERO)
    }

    #[test]
    fn registers_are_broadcast_stored_and_cleared() {
        let mut bench = Bench::new(vec![Instruction::Exit]);
        for index in 0..8 {
            bench.write(
                1,
                REGISTERS,
                GRF_A_COLUMN + index,
                Payload::Vector(u64::from(index)),
            );
            bench.write(
                1,
                REGISTERS,
                GRF_B_COLUMN + index,
                Payload::Vector(u64::from(index) + 20),
            );
        }
        for column in 0..8 {
            bench.write(0, 4, column, Payload::None);
            bench.write(1, 4, column, Payload::None);
        }
        for unit in 0..8 {
            for column in 0..8 {
                let (even, odd) = (2 * unit, 2 * unit + 1);
                assert_eq!(bench.units.load(even, 4, column), all(column as i8));
                assert_eq!(bench.units.load(odd, 4, column), all(column as i8 + 20));
            }
        }
        bench.control(false, true);
        bench.write(0, 5, 3, Payload::None);
        assert_eq!(bench.units.load(6, 5, 3), ZERO);
    }

    #[test]
    fn nothing_happens_outside_all_bank_mode() {
        let nop = Instruction::Nop { more: 0 };
        let mut bench = Bench::new(vec![nop, Instruction::Exit]);
        bench.write(1, REGISTERS, GRF_A_COLUMN, Payload::Vector(9));
        for bank in [0, 1] {
            bench.write(bank, LEAVE_ALL_BANK, MODE_COLUMN, Payload::None);
        }
        bench.control(true, true);
        bench.write(0, 6, 0, Payload::None);
        assert_eq!(bench.units.load(0, 6, 0), ZERO);
        assert_eq!(bench.units.registers[0].grf_a[0], all(9));
    }

    #[test]
    fn a_write_during_nop_stores_and_a_read_does_not() {
        let nop = Instruction::Nop { more: 1 };
        let mut bench = Bench::new(vec![nop, Instruction::Exit]);
        bench.write(1, REGISTERS, GRF_B_COLUMN + 2, Payload::Vector(5));
        bench.control(true, false);
        bench.units.store(1, 3, 2, all(7));
        bench.read(1, 3, 2);
        assert_eq!(bench.units.registers[0].grf_b[2], all(5));
        bench.write(1, 3, 2, Payload::None);
        assert_eq!(bench.units.load(1, 3, 2), all(5));
        assert_eq!(bench.units.load(15, 3, 2), all(5));
    }
}
