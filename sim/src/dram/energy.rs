//! What commands and time cost. All of it is integers in femtojoules, worked out when the part is
//! loaded, so that a run only counts.
#![deny(clippy::float_arithmetic)]

use super::command::{COMMANDS, Command};
use super::request::Outcome;
use crate::time::Tick;

/// Energy of a part. A figure that its source does not give is absent, not zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Energy {
    /// How the figures were obtained.
    pub basis: Basis,
    /// Opening and closing one row.
    pub activate_fj: u64,
    /// One burst read, background excluded.
    pub read_fj: u64,
    /// One burst written.
    pub write_fj: u64,
    /// One refresh of all banks.
    pub refresh_fj: Option<u64>,
    /// One refresh of one bank.
    pub refresh_bank_fj: Option<u64>,
    /// One rank for one tick.
    pub background: Option<Background>,
}

/// Where the figures come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// Supply currents of a data sheet.
    Currents,
    /// Energy per bit by part of the path; femtojoules a bit.
    PerBit(PerBit),
}

/// Femtojoules that one bit costs on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerBit {
    /// Cell array, sense amplifiers, local data lines.
    pub cell_fj: u64,
    /// From the column decoder to the multiplexer of the bank group.
    pub mux_fj: u64,
    /// From there over the global data lines.
    pub global_fj: u64,
    /// Vias through the stack.
    pub tsv_fj: u64,
    /// Interface to the host.
    pub io_fj: u64,
}

impl PerBit {
    /// Of the whole way.
    pub fn total_fj(&self) -> u64 {
        self.cell_fj + self.mux_fj + self.global_fj + self.tsv_fj + self.io_fj
    }
}

/// Standby energy of a rank for one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Background {
    /// With at least one row open.
    pub active_fj: u64,
    /// With all banks closed.
    pub idle_fj: u64,
}

/// What a run came to. Femtojoules; absent where the part has no figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Activations with their precharges.
    pub activate_fj: u128,
    /// Bursts.
    pub read_write_fj: u128,
    /// Refreshes.
    pub refresh_fj: Option<u128>,
    /// Standby.
    pub standby_fj: Option<u128>,
}

impl Spent {
    /// Sum of what is known.
    pub fn total_fj(&self) -> u128 {
        self.activate_fj
            + self.read_write_fj
            + self.refresh_fj.unwrap_or(0)
            + self.standby_fj.unwrap_or(0)
    }

    /// Whether every part of the sum is known.
    pub fn is_complete(&self) -> bool {
        self.refresh_fj.is_some() && self.standby_fj.is_some()
    }
}

impl Energy {
    /// Energy of command counts and of rank ticks with and without an open row.
    pub fn spent(&self, commands: &[u64; COMMANDS], active: Tick, idle: Tick) -> Spent {
        let of = |command: Command| u128::from(commands[command as usize]);
        let times = |count: u128, fj: u64| count * u128::from(fj);
        let reads = of(Command::Rd) + of(Command::RdA);
        let writes = of(Command::Wr) + of(Command::WrA);
        let single = of(Command::RefBank) + of(Command::RefSame);
        let refresh_fj = match (self.refresh_fj, self.refresh_bank_fj) {
            (Some(all), Some(one)) => Some(times(of(Command::Ref), all) + times(single, one)),
            (Some(all), None) if single == 0 => Some(times(of(Command::Ref), all)),
            _ => None,
        };
        Spent {
            activate_fj: times(of(Command::Act), self.activate_fj),
            read_write_fj: times(reads, self.read_fj) + times(writes, self.write_fj),
            refresh_fj,
            standby_fj: self.background.map(|background| {
                times(u128::from(active), background.active_fj)
                    + times(u128::from(idle), background.idle_fj)
            }),
        }
    }

    /// Energy of a run of requests.
    pub fn of(&self, outcome: &Outcome) -> Spent {
        self.spent(&outcome.commands, outcome.active_ticks, outcome.idle_ticks)
    }
}
