//! The parts that every kernel shares: parking, the way into PIM mode and back, the program.
#![deny(clippy::float_arithmetic)]

use super::access::{
    Access, CONTROL_COLUMN, Control, ENTER_ALL_BANK, LEAVE_ALL_BANK, MODE_COLUMN, PROGRAM_COLUMN,
    Payload, REGISTERS, RESERVED, fence,
};
use super::mode::ModeLatch;
use super::parameters::banks;
use super::program::Program;
use crate::dram::Standard;

/// From single-bank mode to all-bank mode with the program loaded: a read in every bank first, which
/// leaves no row of the host's open, then the mode row, then the program.
pub(super) fn prologue(standard: &Standard, program: &Program) -> Vec<Access> {
    let mut accesses = park(standard);
    for bank in ModeLatch::new(banks(standard)).entries() {
        let access = Access::write(bank as u8, ENTER_ALL_BANK, MODE_COLUMN, Payload::None);
        accesses.push(access);
    }
    fence(&mut accesses);
    for burst in 0..program.bursts() {
        let column = PROGRAM_COLUMN + u16::from(burst);
        accesses.push(Access::write(1, REGISTERS, column, Payload::Program(burst)));
    }
    fence(&mut accesses);
    accesses
}

/// From all-bank to PIM mode or back.
pub(super) fn control(control: Control) -> Access {
    Access {
        barrier: true,
        ..Access::write(0, REGISTERS, CONTROL_COLUMN, Payload::Control(control))
    }
}

/// From PIM to all-bank mode.
pub(super) fn stop() -> Access {
    control(Control {
        pim: false,
        clear_a: false,
        clear_b: false,
    })
}

/// From all-bank to single-bank mode, and parked again.
pub(super) fn epilogue(standard: &Standard) -> Vec<Access> {
    let leave = |bank| Access::write(bank, LEAVE_ALL_BANK, MODE_COLUMN, Payload::None);
    let mut accesses = vec![leave(0), leave(1)];
    fence(&mut accesses);
    accesses.extend(park(standard));
    accesses
}

/// A read of a reserved row in every bank, the bank groups in turn.
fn park(standard: &Standard) -> Vec<Access> {
    let organisation = &standard.organisation;
    let mut accesses = Vec::with_capacity(banks(standard));
    for bank in 0..organisation.banks_per_group {
        for group in 0..organisation.bank_groups {
            let bank = (group * organisation.banks_per_group + bank) as u8;
            accesses.push(Access::read(bank, RESERVED, 0));
        }
    }
    fence(&mut accesses);
    accesses
}
