//! Settings of an HBM-PIM channel that are no distances, and what a part must have.
#![deny(clippy::float_arithmetic)]

use super::access::REGISTERS;
use crate::dram::{Command, Standard};
use thiserror::Error;

/// Departures of Samsung's PIMSimulator (b464dde) from what a die could do. All off by default; each
/// is independent of the others.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Quirks {
    /// The controller keeps banks 0 and 1 for the two sides and knows no all-bank commands: each
    /// obeys the distances of the single-bank command to that bank, and rows left open in other banks
    /// stay open beside it.
    pub two_bank_view: bool,
    /// No activation is entered in the four-activate window, all-bank ones included.
    pub no_activation_window: bool,
    /// A refresh starts beside a precharge of the tick before.
    pub refresh_beside_precharge: bool,
    /// Rows are opened while a refresh waits for closed ones, so a stream can hold it up for long;
    /// when the other rank's falls due meanwhile, it is lost.
    pub refresh_yields: bool,
}

/// Settings of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Bursts that the command queue holds.
    pub queue: usize,
    /// Departures.
    pub quirks: Quirks,
}

impl Default for Parameters {
    /// A queue of 64, as in `system_hbm_64ch.ini`, and a possible die.
    fn default() -> Parameters {
        Parameters {
            queue: 64,
            quirks: Quirks::default(),
        }
    }
}

impl Parameters {
    /// The published simulator.
    pub fn pimsimulator() -> Parameters {
        Parameters {
            quirks: Quirks {
                two_bank_view: true,
                no_activation_window: true,
                refresh_beside_precharge: true,
                refresh_yields: true,
            },
            ..Parameters::default()
        }
    }
}

/// Why a kernel cannot run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HbmPimError {
    /// The part is no HBM-PIM.
    #[error("{part} is no HBM-PIM: {rule}")]
    Part {
        /// Name of the part.
        part: String,
        /// What it lacks.
        rule: String,
    },
    /// A dimension is zero.
    #[error("{what} is zero: there is nothing to compute")]
    Empty {
        /// The dimension.
        what: &'static str,
    },
    /// The operands do not fit.
    #[error("{what}: at most {most}, needs {needed}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// What there is.
        most: u64,
        /// What it would take.
        needed: u64,
    },
    /// Operands of different lengths.
    #[error("{what}: {found} values do not go with {expected}")]
    Shape {
        /// The operand.
        what: &'static str,
        /// Values that the other operand asks for, or a multiple of them.
        expected: u64,
        /// Values there are.
        found: u64,
    },
    /// A queue without room cannot serve anything.
    #[error("the command queue holds at least one burst")]
    NoQueue,
}

/// Bytes of a register of the units, and of a burst: 16 fp16.
pub const BURST_BYTES: u64 = 32;
/// Values of a burst.
pub const LANES: u64 = 16;
/// Registers of GRF_A, and of GRF_B.
pub const REGISTERS_PER_FILE: u64 = 8;

/// Units of a channel: one to two banks of the first rank.
pub fn units(standard: &Standard) -> u64 {
    banks(standard) as u64 / 2
}

/// Banks of a rank.
pub(super) fn banks(standard: &Standard) -> usize {
    standard.organisation.bank_groups * standard.organisation.banks_per_group
}

/// Whether the part has what the programs need.
pub fn check(standard: &Standard, parameters: &Parameters) -> Result<(), HbmPimError> {
    let fault = |rule: String| {
        Err(HbmPimError::Part {
            part: standard.name.clone(),
            rule,
        })
    };
    let commands = [Command::ActAb, Command::PreAb, Command::RdAb, Command::WrAb];
    for command in commands {
        if standard.interface.form(command).is_none() {
            return fault(format!("it has no command {}", command.mnemonic()));
        }
    }
    let organisation = &standard.organisation;
    if organisation.pseudo_channels != 1 {
        return fault("its pseudo-channels are to be channels of their own".into());
    }
    let banks = banks(standard);
    if banks < 4 || !banks.is_multiple_of(4) {
        return fault(format!("a rank has a multiple of 4 banks; found {banks}"));
    }
    if organisation.burst_bytes != BURST_BYTES {
        let found = organisation.burst_bytes;
        return fault(format!("a burst is {BURST_BYTES} bytes; found {found}"));
    }
    // The mode and register rows are addressed with columns up to 0x1f.
    if !organisation.columns().is_multiple_of(32) {
        let found = organisation.columns();
        return fault(format!("a row is a multiple of 32 bursts; found {found}"));
    }
    if organisation.rows <= u64::from(REGISTERS) {
        let found = organisation.rows;
        return fault(format!(
            "row {REGISTERS} holds the registers; there are {found} rows"
        ));
    }
    if parameters.queue == 0 {
        return Err(HbmPimError::NoQueue);
    }
    Ok(())
}
