//! The reservation table of a channel: for every command the earliest tick at which a bank, a bank
//! group, a rank and the channel allow it. `ready` is the maximum of the four.
#![deny(clippy::float_arithmetic)]

use super::command::{COMMANDS, Command};
use super::constraint::Scope;
use super::distances::Window;
use super::organisation::Organisation;
use super::rules::{Reach, Rule};
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
    pseudo_channels: usize,
    groups_per_rank: usize,
    banks_per_group: usize,
    /// The last four activations that count for each rank, oldest first: its own, or those of its
    /// pseudo-channel.
    window: Vec<[Tick; 4]>,
    /// Activations in each ring so far, saturating at four: an empty window constrains nothing.
    opened: Vec<u8>,
    /// Ranks that share a window; `None` where each has its own.
    sharing: Option<Vec<usize>>,
    faw: Tick,
    /// Windows of another length (GDDR: 32 activations).
    others: Vec<OtherWindow>,
}

/// A window over more or fewer activations than four.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OtherWindow {
    distance: Tick,
    /// The last activations of each rank or pseudo-channel, oldest first.
    rings: Vec<Vec<Tick>>,
    opened: Vec<usize>,
    ring_of: Vec<usize>,
}

/// Rings of a window, and the ring of each rank.
fn rings(organisation: &Organisation, scope: Scope) -> (usize, Vec<usize>) {
    let ranks = 0..organisation.units();
    match scope {
        Scope::Bank | Scope::Group | Scope::Rank => (organisation.units(), ranks.collect()),
        Scope::PseudoChannel => {
            let of = ranks.map(|rank| rank % organisation.pseudo_channels);
            (organisation.pseudo_channels, of.collect())
        }
        Scope::Channel => (1, ranks.map(|_| 0).collect()),
    }
}

impl Gates {
    /// Everything allowed at tick zero.
    pub fn new(organisation: &Organisation, windows: &[Window]) -> Gates {
        let of_act = || windows.iter().filter(|w| w.command == Command::Act);
        let four = of_act().find(|window| window.count == 4);
        let ranks = organisation.units();
        let shared = four.map(|window| rings(organisation, window.scope));
        let sharing = shared.and_then(|(rings, of)| (rings < ranks).then_some(of));
        let others = of_act().filter(|window| window.count != 4);
        Gates {
            bank: vec![[0; COMMANDS]; organisation.banks()],
            group: vec![[0; COMMANDS]; organisation.groups()],
            rank: vec![[0; COMMANDS]; organisation.units()],
            channel: [0; COMMANDS],
            pseudo_channels: organisation.pseudo_channels,
            groups_per_rank: organisation.bank_groups,
            banks_per_group: organisation.banks_per_group,
            window: vec![[0; 4]; ranks],
            opened: vec![0; ranks],
            sharing,
            faw: four.map_or(0, |window| window.distance),
            others: others
                .map(|window| {
                    let (count, ring_of) = rings(organisation, window.scope);
                    OtherWindow {
                        distance: window.distance,
                        rings: vec![vec![0; usize::from(window.count)]; count],
                        opened: vec![0; count],
                        ring_of,
                    }
                })
                .collect(),
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

    /// Earliest tick at which the activation windows let a rank open `rows` (1 or 4) more rows.
    #[inline]
    pub fn window(&self, rank: usize, rows: usize) -> Tick {
        // With `n` activations in the ring, the entry that must have left the window is the one
        // `4 - rows` younger than the oldest; unused entries are zero and `opened` guards them.
        let index = rows - 1;
        let four = if usize::from(self.opened[rank]) + rows <= 4 {
            0
        } else {
            self.window[rank][index] + self.faw
        };
        self.others
            .iter()
            .fold(four, |at, other| at.max(other.earliest(rank, rows)))
    }

    /// Enters `rows` activations at tick `at` into the rank's windows.
    pub fn activate(&mut self, rank: usize, rows: usize, at: Tick) {
        match &self.sharing {
            None => enter(&mut self.window[rank], &mut self.opened[rank], rows, at),
            Some(of) => {
                let rings = self.window.iter_mut().zip(&mut self.opened);
                for ((ring, opened), shared) in rings.zip(of) {
                    if *shared == of[rank] {
                        enter(ring, opened, rows, at);
                    }
                }
            }
        }
        for other in &mut self.others {
            other.activate(rank, rows, at);
        }
    }

    /// Applies the rules of a command of `comps` multiply-accumulate steps issued at `at`.
    pub fn issued(&mut self, rules: &[Rule], place: Place, at: Tick, comps: Tick) {
        for rule in rules {
            let until = at + rule.base + rule.per_comp * comps;
            let c = rule.then as usize;
            match rule.reach {
                Reach::Bank => raise(&mut self.bank[place.bank][c], until),
                Reach::Group => raise(&mut self.group[place.group][c], until),
                Reach::Rank => raise(&mut self.rank[place.rank][c], until),
                Reach::Channel => raise(&mut self.channel[c], until),
                Reach::OtherRanks => {
                    self.raise_ranks(c, until, place.pseudo_channel, place.rank);
                }
                Reach::PseudoChannel => {
                    self.raise_ranks(c, until, place.pseudo_channel, usize::MAX);
                }
                Reach::OtherPseudoChannels => {
                    for other in 0..self.pseudo_channels {
                        if other != place.pseudo_channel {
                            self.raise_ranks(c, until, other, usize::MAX);
                        }
                    }
                }
                Reach::OtherGroups => {
                    let first = place.rank * self.groups_per_rank;
                    for index in first..first + self.groups_per_rank {
                        if index != place.group {
                            raise(&mut self.group[index][c], until);
                        }
                    }
                }
                Reach::OtherBanks => {
                    let first = place.group * self.banks_per_group;
                    for index in first..first + self.banks_per_group {
                        if index != place.bank {
                            raise(&mut self.bank[index][c], until);
                        }
                    }
                }
            }
        }
    }

    /// Raises the gate of a command in the ranks of a pseudo-channel but one.
    #[inline]
    fn raise_ranks(&mut self, command: usize, until: Tick, pseudo_channel: usize, but: usize) {
        // Ranks are numbered with the pseudo-channel in the low digit.
        let mut index = pseudo_channel;
        while let Some(rank) = self.rank.get_mut(index) {
            if index != but {
                raise(&mut rank[command], until);
            }
            index += self.pseudo_channels;
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
        for other in &mut self.others {
            other.clip(at);
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

fn enter(ring: &mut [Tick; 4], opened: &mut u8, rows: usize, at: Tick) {
    ring.rotate_left(rows);
    ring[4 - rows..].fill(at);
    *opened = (*opened + rows as u8).min(4);
}

impl OtherWindow {
    fn earliest(&self, rank: usize, rows: usize) -> Tick {
        let ring = self.ring_of[rank];
        let entries = &self.rings[ring];
        if self.opened[ring] + rows <= entries.len() {
            return 0;
        }
        let index = (rows - 1).min(entries.len() - 1);
        entries[index] + self.distance
    }

    fn activate(&mut self, rank: usize, rows: usize, at: Tick) {
        let ring = self.ring_of[rank];
        let entries = &mut self.rings[ring];
        let rows = rows.min(entries.len());
        entries.rotate_left(rows);
        let kept = entries.len() - rows;
        entries[kept..].fill(at);
        self.opened[ring] = (self.opened[ring] + rows).min(entries.len());
    }

    fn clip(&mut self, at: Tick) {
        let Some(horizon) = at.checked_sub(self.distance) else {
            return;
        };
        for (ring, opened) in self.rings.iter_mut().zip(&mut self.opened) {
            for entry in ring.iter_mut() {
                *entry = (*entry).max(horizon);
            }
            *opened = ring.len();
        }
    }
}

fn raise(gate: &mut Tick, until: Tick) {
    if *gate < until {
        *gate = until;
    }
}
