//! The distances of a part as earliest ticks: for every unit of every scope, when each command may
//! next be issued there.
#![deny(clippy::float_arithmetic)]

use super::activations::Activations;
use super::{Level, Parameters};
use crate::dram::Standard;
use crate::dram::command::{COMMANDS, Command};
use crate::dram::constraint::Scope;
use crate::time::Tick;

const SCOPES: usize = 5;

/// What a command leaves behind at one scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    scope: Scope,
    then: u8,
    distance: Tick,
}

/// Earliest ticks of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gates {
    /// `[unit][command]`; units are the channel, then pseudo-channels, ranks, groups, banks.
    at: Vec<[Tick; COMMANDS]>,
    marks: Vec<Vec<Mark>>,
    /// Scopes at which something may hold a command back, by bit.
    checked: [u8; COMMANDS],
    /// Unit of every scope of every bank.
    units: Vec<[u16; SCOPES]>,
    pseudo_channels: usize,
    /// Commands of this device count in all pseudo-channels, not in that of their address alone.
    everywhere: bool,
    /// Where a per-bank step is noted besides, by bank.
    astray: Option<Vec<u16>>,
    act: Command,
    window: Option<Activations>,
}

fn is_step(command: Command) -> bool {
    matches!(command, Command::MacAb | Command::MacSb | Command::MacPb)
}

fn is_move(command: Command) -> bool {
    use Command::{MvGb, MvSb, Rd, Sfm, Wr, WrGb};
    matches!(command, WrGb | MvSb | MvGb | Sfm | Rd | Wr)
}

fn names_no_bank(command: Command) -> bool {
    matches!(command, Command::Ref | Command::PreAb | Command::Sfm)
}

impl Gates {
    pub(crate) fn new(standard: &Standard, parameters: &Parameters) -> Gates {
        let quirks = parameters.quirks;
        let o = &standard.organisation;
        let pseudo = 1;
        let ranks = pseudo + o.pseudo_channels;
        let groups = ranks + o.units();
        let banks = groups + o.groups();
        let units = standard.places.iter().map(|place| {
            [
                (banks + place.bank) as u16,
                (groups + place.group) as u16,
                (ranks + place.rank) as u16,
                (pseudo + place.pseudo_channel) as u16,
                0,
            ]
        });
        let mut marks = vec![Vec::new(); COMMANDS];
        let mut checked = [0; COMMANDS];
        for first in Command::all() {
            for then in Command::all() {
                let apart = is_step(first) && is_move(then) || is_move(first) && is_step(then);
                if apart && quirks.macs_beside_moves {
                    continue;
                }
                for (_, scope) in Scope::NAMES {
                    let distance = standard.distances.get(first, then, scope);
                    if distance == 0 {
                        continue;
                    }
                    if quirks.checked_on_one_path && names_no_bank(then) && scope != Scope::Channel
                    {
                        continue;
                    }
                    checked[then as usize] |= 1 << scope as u8;
                    marks[first as usize].push(Mark {
                        scope,
                        then: then as u8,
                        distance,
                    });
                }
            }
        }
        Gates {
            at: vec![[0; COMMANDS]; banks + o.banks()],
            marks,
            checked,
            units: units.collect(),
            pseudo_channels: o.pseudo_channels,
            everywhere: !quirks.checked_on_one_path,
            astray: quirks.per_bank_marks_astray.then(|| {
                let of_group = o.banks_per_group;
                let other = |bank: usize| {
                    let rank = standard.places[bank].rank / o.pseudo_channels;
                    let group = rank.min(o.bank_groups - 1);
                    (banks + group * of_group + bank % of_group) as u16
                };
                (0..o.banks()).map(other).collect()
            }),
            act: parameters.level.act(),
            window: (!quirks.all_bank_act_outside_window)
                .then(|| Activations::new(standard, parameters.level)),
        }
    }

    fn all_pseudo(&self, command: Command, scope: Scope) -> bool {
        self.everywhere && scope == Scope::PseudoChannel && command != Command::Ref
    }

    /// The first tick at which nothing holds `command` on `bank` back.
    #[inline]
    pub(crate) fn ready(&self, command: Command, bank: usize) -> Tick {
        let mut ready = 0;
        let mut scopes = self.checked[command as usize];
        while scopes != 0 {
            let scope = scopes.trailing_zeros() as usize;
            scopes &= scopes - 1;
            if scope == Scope::PseudoChannel as usize
                && self.all_pseudo(command, Scope::PseudoChannel)
            {
                for unit in 1..=self.pseudo_channels {
                    ready = ready.max(self.at[unit][command as usize]);
                }
            } else {
                let unit = usize::from(self.units[bank][scope]);
                ready = ready.max(self.at[unit][command as usize]);
            }
        }
        match &self.window {
            Some(window) if command == self.act => ready.max(window.ready(bank)),
            _ => ready,
        }
    }

    /// The first tick at which the channel's own distances let `command` go.
    #[inline]
    pub(crate) fn of_channel(&self, command: Command) -> Tick {
        self.at[0][command as usize]
    }

    /// Enters a command. An activation whose banks open one after the other counts from the last
    /// of them; until then it holds the row bus.
    pub(crate) fn issued(&mut self, command: Command, bank: usize, at: Tick) {
        let from = match &mut self.window {
            Some(window) if command == self.act => window.issued(bank, at),
            _ => at,
        };
        if let (Some(astray), Command::MacPb) = (&self.astray, command) {
            for mark in &self.marks[command as usize] {
                if mark.scope == Scope::Bank {
                    let gate = &mut self.at[usize::from(astray[bank])][usize::from(mark.then)];
                    *gate = (*gate).max(from + mark.distance);
                }
            }
        }
        let everywhere = self.all_pseudo(command, Scope::PseudoChannel);
        for mark in &self.marks[command as usize] {
            let units = if everywhere && mark.scope == Scope::PseudoChannel {
                1..self.pseudo_channels + 1
            } else {
                let unit = usize::from(self.units[bank][mark.scope as usize]);
                unit..unit + 1
            };
            for unit in units {
                let gate = &mut self.at[unit][usize::from(mark.then)];
                *gate = (*gate).max(from + mark.distance);
            }
        }
    }
}

/// The set of banks that share an open row with `bank` at a level, by number.
pub(crate) fn row_unit(level: Level, bank: usize, of_group: usize) -> usize {
    match level {
        Level::Bank => 0,
        Level::BankGroup => bank % of_group,
        Level::Buffer => bank,
    }
}
