//! The few facts of a standard's command interface that no distance between commands expresses.

use super::parameters::WindowError;
use crate::dram::command::Command;
use crate::dram::constraint::Scope;
use crate::dram::interface::Slots;
use crate::dram::standard::Standard;
use crate::time::Tick;

/// Two-phase activation (LPDDR5): the second half must follow the first in time. One activation is
/// under way in a channel at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TwoPhase {
    /// Ticks after ACT by which ACT2 must be issued (tAAD).
    pub deadline: Tick,
}

/// A data clock that stops when no burst needs it (LPDDR5 WCK): a column command that finds it
/// stopped is preceded by a CAS one tick earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DataClock {
    /// Ticks for which a read keeps it running.
    pub read: Tick,
    /// Ticks for which a write keeps it running.
    pub write: Tick,
}

/// Command interface of a channel, as far as a controller must know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Protocol {
    /// One row and one column command a tick (HBM) instead of one of either.
    pub two_slots: bool,
    /// Column commands, activations and refreshes on even ticks only, precharges also between
    /// them, not next to a row command that bars them (HBM3: a tick is half a clock).
    pub rising_edges: bool,
    /// Two-phase activation.
    pub two_phase: Option<TwoPhase>,
    /// Data clock.
    pub data_clock: Option<DataClock>,
    /// Ticks from a read command to the return of its data.
    pub read_latency: Tick,
    /// Ticks between two refreshes of a unit (tREFI).
    pub refresh_interval: Tick,
    /// What all-bank commands reach: a rank or a pseudo-channel.
    pub all_bank: Scope,
}

impl Protocol {
    /// What a standard says of its interface.
    pub fn of(standard: &Standard) -> Result<Protocol, WindowError> {
        let interface = &standard.interface;
        let on_edges = |command| interface.form(command).is_some_and(|f| f.rising_edge);
        let rising_edges = on_edges(Command::Rd) && on_edges(Command::Act);
        if rising_edges != interface.paired_edges || on_edges(Command::Pre) {
            return Err(WindowError::Edges);
        }
        let data_clock = match interface.data_clock {
            None => None,
            // CAS takes the tick before its column command.
            Some(clock) if clock.cas > 1 => return Err(WindowError::TwoPhase),
            Some(clock) => {
                let timing = &standard.timing;
                let runs = |latency| latency + timing.burst + clock.postamble;
                Some(DataClock {
                    read: runs(timing.cl),
                    write: runs(timing.cwl),
                })
            }
        };
        Ok(Protocol {
            two_slots: interface.slots == Slots::RowAndColumn,
            rising_edges,
            two_phase: interface
                .activation_deadline
                .map(|deadline| TwoPhase { deadline }),
            data_clock,
            read_latency: standard.read_latency(),
            refresh_interval: standard.refreshes.interval,
            all_bank: interface
                .form(Command::Ref)
                .map_or(Scope::Rank, |form| form.acts),
        })
    }

    /// Refuses what the controller does not know how to do.
    pub(super) fn check(&self, active_buffer: bool) -> Result<(), WindowError> {
        if self.read_latency == 0 {
            return Err(WindowError::Latency);
        }
        let phases = self.two_phase.is_some() || self.data_clock.is_some();
        if phases && (self.two_slots || !active_buffer) {
            return Err(WindowError::TwoPhase);
        }
        if self.rising_edges && !self.two_slots {
            return Err(WindowError::Edges);
        }
        let wide = matches!(self.all_bank, Scope::Rank | Scope::PseudoChannel);
        if wide {
            Ok(())
        } else {
            Err(WindowError::Reach)
        }
    }
}
