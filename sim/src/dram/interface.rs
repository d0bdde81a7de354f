//! How commands reach the DRAM: what each acts on, which slot it takes and for how long, and the
//! rules of a command interface that no distance between two commands expresses.
#![deny(clippy::float_arithmetic)]

use super::command::{COMMANDS, Command};
use super::constraint::Scope;
use crate::time::Tick;

/// Commands that a channel takes in one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slots {
    /// One of any kind.
    One,
    /// One row command and one column command: HBM has a bus for each.
    RowAndColumn,
}

/// The bus a command takes where there are two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Activations, precharges, refreshes.
    Row,
    /// Reads and writes.
    Column,
}

/// What a command moves over the data bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Data {
    /// Nothing.
    None,
    /// A burst to the host.
    Read,
    /// A burst from the host.
    Write,
}

/// A command of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Form {
    /// Banks it acts on: one bank, or all of a rank, pseudo-channel or channel.
    pub acts: Scope,
    /// Acts on the bank of one index in every group of `acts`, not on all its banks.
    pub same_index: bool,
    /// Bus it takes.
    pub slot: Slot,
    /// Ticks it takes on that bus.
    pub cycles: Tick,
    /// Data it moves.
    pub data: Data,
    /// May start on even ticks only: the rising edges where a tick is half a clock (HBM3).
    pub rising_edge: bool,
}

/// The command interface of a standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Commands a tick.
    pub slots: Slots,
    /// Two-phase activation: ticks from ACT within which ACT2 must follow (LPDDR5 tAAD).
    pub activation_deadline: Option<Tick>,
    /// Data clock that must run before a column command (LPDDR5 WCK), if there is one.
    pub data_clock: Option<DataClock>,
    /// Row commands at a rising edge bar precharges of the same pseudo-channel at the falling edge
    /// that pairs with them (HBM3).
    pub paired_edges: bool,
    forms: [Option<Form>; COMMANDS],
}

/// How long a data clock goes on after a burst, and what starting it anew takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DataClock {
    /// Ticks from the end of the shortest burst to the clock's end (tWCKPST).
    pub postamble: Tick,
    /// Ticks from CAS to its column command.
    pub cas: Tick,
}

impl Interface {
    /// An interface without commands.
    pub fn new(slots: Slots) -> Interface {
        Interface {
            slots,
            activation_deadline: None,
            data_clock: None,
            paired_edges: false,
            forms: [None; COMMANDS],
        }
    }

    /// Enters a command.
    pub fn set(&mut self, command: Command, form: Form) {
        self.forms[command as usize] = Some(form);
    }

    /// A command, where the standard has it.
    pub fn form(&self, command: Command) -> Option<Form> {
        self.forms[command as usize]
    }

    /// Ticks a command takes on its bus; one for commands the standard does not name.
    pub fn cycles(&self, command: Command) -> Tick {
        self.form(command).map_or(1, |form| form.cycles)
    }

    /// The commands the standard has, in numbering order.
    pub fn commands(&self) -> impl Iterator<Item = (Command, Form)> + '_ {
        Command::all().filter_map(|command| Some((command, self.form(command)?)))
    }
}
