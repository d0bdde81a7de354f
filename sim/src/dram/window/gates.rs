//! Earliest ticks of commands, in the form that is quick to ask: for each bank, group and rank one
//! row of ticks by command. Everything wider than a rank is kept in the rows of the ranks it reaches,
//! so a question takes three look-ups. Built from the constraint list, which is not walked again.

use super::bits::Banks;
use super::parameters::WindowError;
use crate::dram::command::Command;
use crate::dram::constraint::{Constraint, Scope};
use crate::dram::organisation::Organisation;
use crate::time::Tick;

/// Commands that the controller issues and that constrain each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Act,
    Pre,
    Rd,
    Wr,
    PreAll,
    Ref,
    RefBank,
    RefSame,
}

const KINDS: usize = 8;

impl Kind {
    fn of(command: Command) -> Option<Kind> {
        Some(match command {
            Command::Act => Kind::Act,
            Command::Pre => Kind::Pre,
            Command::Rd => Kind::Rd,
            Command::Wr => Kind::Wr,
            Command::PreAll => Kind::PreAll,
            Command::Ref => Kind::Ref,
            Command::RefBank => Kind::RefBank,
            Command::RefSame => Kind::RefSame,
            _ => return None,
        })
    }

    pub(super) fn command(self) -> Command {
        match self {
            Kind::Act => Command::Act,
            Kind::Pre => Command::Pre,
            Kind::Rd => Command::Rd,
            Kind::Wr => Command::Wr,
            Kind::PreAll => Command::PreAll,
            Kind::Ref => Command::Ref,
            Kind::RefBank => Command::RefBank,
            Kind::RefSame => Command::RefSame,
        }
    }

    /// Acts on many banks at once: only what ranks say holds for it.
    fn is_wide(self) -> bool {
        matches!(self, Kind::PreAll | Kind::Ref)
    }
}

type Row = [Tick; KINDS];

/// Distances from one command, by what they reach.
#[derive(Debug, Clone, Copy, Default)]
struct Distances {
    bank: Row,
    group: Row,
    /// The rank itself, and all that is wider.
    own: Row,
    /// Other ranks of the pseudo-channel.
    near: Row,
    /// Ranks of other pseudo-channels.
    far: Row,
    reaches_banks: bool,
    reaches_near: bool,
    reaches_far: bool,
}

/// At most `ring.len()` activations in a span of ticks.
#[derive(Debug, Clone)]
struct Window {
    scope: Scope,
    distance: Tick,
    count: usize,
    /// `count` ticks of each node: when the activation after next may not come before, per slot.
    rings: Vec<Tick>,
    next: Vec<usize>,
}

/// Where a bank lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    group: u32,
    rank: u32,
    pseudo_channel: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Gates {
    bank: Vec<Row>,
    group: Vec<Row>,
    rank: Vec<Row>,
    places: Vec<Place>,
    /// Pseudo-channel of each rank.
    channel_of: Vec<u32>,
    from: [Distances; KINDS],
    windows: Vec<Window>,
}

fn raise(row: &mut Row, distances: &Row, t: Tick) {
    for (gate, distance) in row.iter_mut().zip(distances) {
        *gate = (*gate).max(t + distance);
    }
}

fn enter(row: &mut Row, then: Kind, distance: Tick) {
    row[then as usize] = row[then as usize].max(distance);
}

impl Gates {
    pub(crate) fn new(
        organisation: &Organisation,
        constraints: &[Constraint],
    ) -> Result<Gates, WindowError> {
        let places = (0..organisation.banks()).map(|bank| {
            let place = organisation.place(bank);
            Place {
                group: place.group as u32,
                rank: place.rank as u32,
                pseudo_channel: place.pseudo_channel as u32,
            }
        });
        let mut gates = Gates {
            bank: vec![[0; KINDS]; organisation.banks()],
            group: vec![[0; KINDS]; organisation.groups()],
            rank: vec![[0; KINDS]; organisation.units()],
            places: places.collect(),
            channel_of: (0..organisation.units())
                .map(|rank| (rank % organisation.pseudo_channels) as u32)
                .collect(),
            from: [Distances::default(); KINDS],
            windows: Vec::new(),
        };
        for constraint in constraints.iter().filter(|c| c.distance > 0) {
            gates.constrain(constraint, organisation)?;
        }
        for from in &mut gates.from {
            let narrow = from.bank.iter().chain(&from.group);
            from.reaches_banks = narrow.copied().any(|distance| distance > 0);
            from.reaches_near = from.near.iter().any(|&distance| distance > 0);
            from.reaches_far = from.far.iter().any(|&distance| distance > 0);
        }
        Ok(gates)
    }

    fn constrain(&mut self, c: &Constraint, o: &Organisation) -> Result<(), WindowError> {
        let phases = [c.first, c.then].map(|x| matches!(x, Command::Act2 | Command::Cas));
        if phases != [false, false] {
            // The controller issues these one tick after or before what they belong to.
            return if c.distance > 1 {
                Err(WindowError::TwoPhase)
            } else {
                Ok(())
            };
        }
        let (Some(first), Some(then)) = (Kind::of(c.first), Kind::of(c.then)) else {
            return Ok(());
        };
        if c.window != 1 {
            return self.limit(c, o);
        }
        let from = &mut self.from[first as usize];
        match (c.scope, c.sibling) {
            (Scope::Bank | Scope::Group, true) => return Err(WindowError::Siblings),
            (Scope::Bank | Scope::Group, false) if then.is_wide() => {
                enter(&mut from.own, then, c.distance);
            }
            (Scope::Bank, false) => enter(&mut from.bank, then, c.distance),
            (Scope::Group, false) => enter(&mut from.group, then, c.distance),
            (Scope::Rank, false) => enter(&mut from.own, then, c.distance),
            (Scope::Rank, true) => enter(&mut from.near, then, c.distance),
            (Scope::PseudoChannel, true) => enter(&mut from.far, then, c.distance),
            (Scope::PseudoChannel, false) => {
                enter(&mut from.own, then, c.distance);
                enter(&mut from.near, then, c.distance);
            }
            (Scope::Channel, _) => {
                enter(&mut from.own, then, c.distance);
                enter(&mut from.near, then, c.distance);
                enter(&mut from.far, then, c.distance);
            }
        }
        Ok(())
    }

    fn limit(&mut self, c: &Constraint, o: &Organisation) -> Result<(), WindowError> {
        let nodes = match c.scope {
            Scope::Bank | Scope::Group => return Err(WindowError::Windows),
            Scope::Rank => o.units(),
            Scope::PseudoChannel => o.pseudo_channels,
            Scope::Channel => 1,
        };
        let activations = c.first == Command::Act && c.then == Command::Act;
        if !activations || c.window == 0 || c.sibling {
            return Err(WindowError::Windows);
        }
        let count = usize::from(c.window);
        self.windows.push(Window {
            scope: c.scope,
            distance: c.distance,
            count,
            rings: vec![0; nodes * count],
            next: vec![0; nodes],
        });
        Ok(())
    }

    /// Earliest tick of a command to one bank.
    #[inline]
    pub(crate) fn ready(&self, kind: Kind, bank: usize) -> Tick {
        let place = self.places[bank];
        let k = kind as usize;
        let group = self.group[place.group as usize][k];
        let rank = self.rank[place.rank as usize][k];
        self.bank[bank][k].max(group).max(rank)
    }

    /// Every tick kept, rings from their oldest.
    pub(super) fn each(&self, mut see: impl FnMut(Tick)) {
        for row in self.bank.iter().chain(&self.group).chain(&self.rank) {
            for &tick in row {
                see(tick);
            }
        }
        for window in &self.windows {
            for (ring, &next) in window.rings.chunks(window.count).zip(&window.next) {
                let (later, earlier) = ring.split_at(next);
                for &tick in earlier.iter().chain(later) {
                    see(tick);
                }
            }
        }
    }

    pub(super) fn shift(&mut self, ticks: Tick) {
        for row in [&mut self.bank, &mut self.group, &mut self.rank] {
            for tick in row.iter_mut().flatten() {
                *tick += ticks;
            }
        }
        for window in &mut self.windows {
            for tick in &mut window.rings {
                *tick += ticks;
            }
        }
    }

    /// Earliest tick of a command to several banks at once.
    pub(super) fn ready_wide(&self, kind: Kind, banks: Banks) -> Tick {
        if !kind.is_wide() {
            let ready = banks.iter().map(|bank| self.ready(kind, bank));
            return ready.max().unwrap_or(0);
        }
        let ready = self
            .ranks_of(banks)
            .map(|rank| self.rank[rank][kind as usize]);
        ready.max().unwrap_or(0)
    }

    /// Ranks of banks that are whole ranks or one bank index of every group: each once.
    fn ranks_of(&self, banks: Banks) -> impl Iterator<Item = usize> + '_ {
        let mut last = usize::MAX;
        let ranks = banks.iter().map(|bank| self.rank_of(bank));
        ranks.filter(move |&rank| std::mem::replace(&mut last, rank) != rank)
    }

    #[inline]
    pub(super) fn rank_of(&self, bank: usize) -> usize {
        self.places[bank].rank as usize
    }

    #[inline]
    pub(super) fn pseudo_channel_of(&self, bank: usize) -> usize {
        self.places[bank].pseudo_channel as usize
    }

    /// Enters a command to one bank.
    #[inline]
    pub(crate) fn issue(&mut self, kind: Kind, bank: usize, t: Tick) {
        let from = &self.from[kind as usize];
        let place = self.places[bank];
        raise(&mut self.bank[bank], &from.bank, t);
        raise(&mut self.group[place.group as usize], &from.group, t);
        raise(&mut self.rank[place.rank as usize], &from.own, t);
        if from.reaches_near || from.reaches_far {
            self.issue_around(kind, place, t);
        }
        if kind == Kind::Act {
            self.count_activation(place, t);
        }
    }

    /// Enters a command to several banks at once.
    pub(super) fn issue_wide(&mut self, kind: Kind, banks: Banks, t: Tick) {
        let from = self.from[kind as usize];
        let mut last = usize::MAX;
        for bank in banks.iter() {
            let place = self.places[bank];
            if from.reaches_banks {
                raise(&mut self.bank[bank], &from.bank, t);
                raise(&mut self.group[place.group as usize], &from.group, t);
            }
            let rank = place.rank as usize;
            if rank != last {
                last = rank;
                raise(&mut self.rank[rank], &from.own, t);
                self.issue_around(kind, place, t);
            }
        }
    }

    fn issue_around(&mut self, kind: Kind, place: Place, t: Tick) {
        let from = &self.from[kind as usize];
        for (rank, row) in self.rank.iter_mut().enumerate() {
            if self.channel_of[rank] != place.pseudo_channel {
                raise(row, &from.far, t);
            } else if rank != place.rank as usize {
                raise(row, &from.near, t);
            }
        }
    }

    fn count_activation(&mut self, place: Place, t: Tick) {
        for window in &mut self.windows {
            let node = match window.scope {
                Scope::Rank => place.rank,
                Scope::PseudoChannel => place.pseudo_channel,
                _ => 0,
            } as usize;
            let ring = &mut window.rings[node * window.count..][..window.count];
            let next = &mut window.next[node];
            ring[*next] = t + window.distance;
            *next = if *next + 1 == window.count {
                0
            } else {
                *next + 1
            };
            let gate = ring[*next];
            let act = Kind::Act as usize;
            if window.scope == Scope::Rank {
                self.rank[node][act] = self.rank[node][act].max(gate);
                continue;
            }
            for (rank, row) in self.rank.iter_mut().enumerate() {
                if window.scope == Scope::Channel || self.channel_of[rank] as usize == node {
                    row[act] = row[act].max(gate);
                }
            }
        }
    }
}
