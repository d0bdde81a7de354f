//! The reservation table of a channel: for every command the earliest tick at which a bank, a bank
//! group, a rank and the channel allow it. `ready` is the maximum of the four.
#![deny(clippy::float_arithmetic)]

use super::command::{COMMANDS, Command};
use super::organisation::Organisation;
use super::rules::{Rule, Scope};
use crate::time::Tick;

type Row = [Tick; COMMANDS];

/// Where a bank sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Bank index within the channel.
    pub bank: usize,
    /// Bank group index within the channel.
    pub group: usize,
    /// Index of the rank within the channel, over all pseudo-channels.
    pub rank: usize,
    /// Pseudo-channel of the rank.
    pub pseudo_channel: usize,
}

/// Earliest legal ticks, by scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gates {
    bank: Vec<Row>,
    group: Vec<Row>,
    rank: Vec<Row>,
    channel: Row,
    /// The last four activations of each rank, oldest first.
    window: Vec<[Tick; 4]>,
    /// Activations per rank so far, saturating at four: an empty window constrains nothing.
    opened: Vec<u8>,
    faw: Tick,
}

impl Gates {
    /// Everything allowed at tick zero.
    pub fn new(organisation: &Organisation, faw: Tick) -> Gates {
        Gates {
            bank: vec![[0; COMMANDS]; organisation.banks()],
            group: vec![[0; COMMANDS]; organisation.groups()],
            rank: vec![[0; COMMANDS]; organisation.units()],
            channel: [0; COMMANDS],
            window: vec![[0; 4]; organisation.units()],
            opened: vec![0; organisation.units()],
            faw,
        }
    }

    /// Earliest tick at which `command` is legal at `place`; the activation window is apart.
    pub fn ready(&self, command: Command, place: Place) -> Tick {
        self.bank_ready(command, place, self.rank_ready(command, place.rank))
    }

    /// The part of `ready` that all banks of a rank share.
    #[inline]
    pub fn rank_ready(&self, command: Command, rank: usize) -> Tick {
        let c = command as usize;
        self.rank[rank][c].max(self.channel[c])
    }

    /// `ready`, given the rank's part.
    #[inline]
    pub fn bank_ready(&self, command: Command, place: Place, rank_ready: Tick) -> Tick {
        let c = command as usize;
        self.bank[place.bank][c]
            .max(self.group[place.group][c])
            .max(rank_ready)
    }

    /// Earliest tick at which every rank allows a command that acts on all banks.
    pub fn ready_everywhere(&self, command: Command) -> Tick {
        let c = command as usize;
        self.rank
            .iter()
            .map(|rank| rank[c])
            .fold(self.channel[c], Tick::max)
    }

    /// Earliest tick at which the four-activate window lets a rank open `rows` (1 or 4) more rows.
    pub fn window(&self, rank: usize, rows: usize) -> Tick {
        // With `n` activations in the ring, the entry that must have left the window is the one
        // `4 - rows` younger than the oldest; unused entries are zero and `opened` guards them.
        let index = rows - 1;
        if usize::from(self.opened[rank]) + rows <= 4 {
            return 0;
        }
        self.window[rank][index] + self.faw
    }

    /// Enters `rows` activations at tick `at` into the rank's window.
    pub fn activate(&mut self, rank: usize, rows: usize, at: Tick) {
        let ring = &mut self.window[rank];
        ring.rotate_left(rows);
        for entry in &mut ring[4 - rows..] {
            *entry = at;
        }
        self.opened[rank] = (self.opened[rank] + rows as u8).min(4);
    }

    /// Applies the rules of a command of `comps` multiply-accumulate steps issued at `at`.
    pub fn issued(&mut self, rules: &[Rule], place: Place, at: Tick, comps: Tick) {
        for rule in rules {
            let until = at + rule.base + rule.per_comp * comps;
            let c = rule.then as usize;
            match rule.scope {
                Scope::Bank => raise(&mut self.bank[place.bank][c], until),
                Scope::Group => raise(&mut self.group[place.group][c], until),
                Scope::Rank => raise(&mut self.rank[place.rank][c], until),
                Scope::OtherRanks => {
                    for (index, rank) in self.rank.iter_mut().enumerate() {
                        if index != place.rank {
                            raise(&mut rank[c], until);
                        }
                    }
                }
                Scope::Channel => raise(&mut self.channel[c], until),
            }
        }
    }

    /// Forgets what can no longer matter at `at`, so that equal futures compare equal.
    pub fn clip(&mut self, at: Tick) {
        for row in self
            .bank
            .iter_mut()
            .chain(&mut self.group)
            .chain(&mut self.rank)
            .chain(std::iter::once(&mut self.channel))
        {
            for gate in row {
                *gate = (*gate).max(at);
            }
        }
        let Some(horizon) = at.checked_sub(self.faw) else {
            return;
        };
        for ring in &mut self.window {
            for entry in ring {
                *entry = (*entry).max(horizon);
            }
        }
        // An entry at the horizon constrains nothing at `at` or later, nor does an unused one.
        self.opened.fill(4);
    }
}

fn raise(gate: &mut Tick, until: Tick) {
    if *gate < until {
        *gate = until;
    }
}
