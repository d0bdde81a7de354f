//! Observers watch the commands of a channel; they never change them. Counters that every run
//! needs are fields of the channel; an observer is for traces and checks.

use super::command::Command;
use crate::time::Tick;

/// A command as it went over the command bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued {
    /// Tick of its slot.
    pub at: Tick,
    /// The command.
    pub command: Command,
    /// Bank; the first bank of the group or rank for commands of wider scope.
    pub bank: usize,
    /// Row opened or accessed, where the command has one.
    pub row: u32,
    /// Multiply-accumulate steps of a COMPS_READRES.
    pub comps: Tick,
}

/// Sees every command in issue order.
pub trait Observer {
    /// Whether it needs no command: a run may then pass over stretches that repeat earlier ones.
    const IDLE: bool = false;

    /// Called once for each command.
    fn command(&mut self, issued: Issued);
}

/// Watches nothing, at no cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    const IDLE: bool = true;

    #[inline]
    fn command(&mut self, _issued: Issued) {}
}

/// Keeps every command: for tests and timelines of short runs.
#[derive(Debug, Clone, Default)]
pub struct CommandLog(pub Vec<Issued>);

impl Observer for CommandLog {
    fn command(&mut self, issued: Issued) {
        self.0.push(issued);
    }
}
