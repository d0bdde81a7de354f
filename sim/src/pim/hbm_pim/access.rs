//! What the host asks of an HBM-PIM channel: bursts with an address, some of them to rows that no
//! bank has, where the mode and the register files of the units live.
#![deny(clippy::float_arithmetic)]

/// First row that is not the host's: rows with this bit are kept for modes and registers, and a
/// column command to them drives no instruction.
pub const RESERVED: u32 = 1 << 12;
/// Opening it in four banks ([`super::mode::ModeLatch`]) leads from single-bank to all-bank mode.
pub const ENTER_ALL_BANK: u32 = 0x17ff;
/// Closing it on both sides leads back.
pub const LEAVE_ALL_BANK: u32 = 0x1fff;
/// Registers of the units, for all units of the channel at once.
pub const REGISTERS: u32 = 0x3fff;
/// Column that the mode rows are addressed with.
pub const MODE_COLUMN: u16 = 0x1f;
/// Column of [`REGISTERS`] that starts and ends PIM mode.
pub const CONTROL_COLUMN: u16 = 0x00;
/// First of four columns that hold the program.
pub const PROGRAM_COLUMN: u16 = 0x04;
/// First of eight columns that hold GRF_A.
pub const GRF_A_COLUMN: u16 = 0x08;
/// Column that holds the scalar registers.
pub const SRF_COLUMN: u16 = 0x01;
/// First of eight columns that hold GRF_B.
pub const GRF_B_COLUMN: u16 = 0x18;

/// Payload of the control column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Control {
    /// Column commands drive the program from here on, which starts anew.
    pub pim: bool,
    /// Clears GRF_A.
    pub clear_a: bool,
    /// Clears GRF_B.
    pub clear_b: bool,
}

/// What a written burst carries, where that matters to a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Payload {
    /// Nothing: a read, a write whose data the units supply, or a mode row.
    None,
    /// To the control column.
    Control(Control),
    /// Eight instructions of the program, by index of the burst.
    Program(u8),
    /// A burst of the input vector, by index.
    Vector(u64),
}

/// One burst asked of the first rank of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// From the host.
    pub write: bool,
    /// Bank of the rank; in all-bank mode 0 or 1 stand for the even and the odd banks.
    pub bank: u8,
    /// Row.
    pub row: u32,
    /// Burst of the row.
    pub column: u16,
    /// Nothing behind it is taken before it, nor it before anything ahead of it.
    pub barrier: bool,
    /// What it carries.
    pub payload: Payload,
}

impl Access {
    /// A read without barrier.
    pub fn read(bank: u8, row: u32, column: u16) -> Access {
        Access {
            write: false,
            bank,
            row,
            column,
            barrier: false,
            payload: Payload::None,
        }
    }

    /// A write without barrier.
    pub fn write(bank: u8, row: u32, column: u16, payload: Payload) -> Access {
        Access {
            write: true,
            payload,
            ..Access::read(bank, row, column)
        }
    }
}

/// Closes a group of accesses: those after it wait for all of it.
pub fn fence(group: &mut [Access]) {
    if let Some(last) = group.last_mut() {
        last.barrier = true;
    }
}
