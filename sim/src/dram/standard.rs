//! A memory part, resolved: everything a channel needs, immutable and shared by all channels.

use super::command::Command;
use super::constraint::{Constraint, Scope};
use super::distances::Distances;
use super::energy::Energy;
use super::gates::Place;
use super::interface::{Interface, Slots};
use super::organisation::Organisation;
use super::rules::Rules;
use super::stream::Direction;
use super::timing::Timing;
use super::tuning::Tuning;
use crate::pim::PimTiming;
use crate::time::{Clock, Tick};
use std::collections::BTreeMap;

/// What a channel does with open rows when no request waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PagePolicy {
    /// Rows stay open until another row of the bank, or a refresh, needs them closed.
    Open,
    /// Rows are closed as soon as the channel has nothing else to do.
    CloseOnIdle,
}

/// Queues and watermarks of the host side of a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Controller {
    /// Bursts that the queue of one bank holds, reads and writes counted apart.
    pub bank_queue_bursts: u64,
    /// Queued write bursts at which the channel turns to writes although reads wait.
    pub write_high: u64,
    /// Queued write bursts at which it turns back to waiting reads.
    pub write_low: u64,
    /// Treatment of idle open rows.
    pub page_policy: PagePolicy,
    /// Whether the ranks of a channel are refreshed at once instead of in turn.
    pub refresh_together: bool,
    /// Longest run of column commands granted at once; a bound below the natural length changes
    /// speed, never the command trace (tested).
    pub max_lease: u64,
}

/// Refreshes a part knows, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refreshes {
    /// Between two refreshes of all banks; the rate asked for is applied.
    pub interval: Tick,
    /// One refresh of all banks.
    pub all_bank: Tick,
    /// One refresh of one bank, where the standard has the command and the part the figure.
    pub one_bank: Option<Tick>,
    /// One refresh of the same bank in every group (DDR5).
    pub same_bank: Option<Tick>,
}

/// Everything that describes a part; [`Standard::assemble`] derives the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // the fields of `Standard`
pub struct Description {
    pub name: String,
    pub description: String,
    pub inherited: Option<String>,
    pub clock: Clock,
    pub organisation: Organisation,
    pub timing: Timing,
    pub parameters: BTreeMap<String, Tick>,
    pub interface: Interface,
    pub constraints: Vec<Constraint>,
    pub refreshes: Refreshes,
    pub energy: Option<Energy>,
    pub controller: Controller,
    pub tuning: Tuning,
    pub pim: Option<PimTiming>,
}

/// A memory part ready to simulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standard {
    /// Name of the part.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// What the part takes over from another for want of a source of its own.
    pub inherited: Option<String>,
    /// Command clock.
    pub clock: Clock,
    /// Shape and address mapping.
    pub organisation: Organisation,
    /// Core timing.
    pub timing: Timing,
    /// Every timing parameter by name, defaults of the rules included.
    pub parameters: BTreeMap<String, Tick>,
    /// Commands and how they reach the DRAM.
    pub interface: Interface,
    /// Distances between commands as the part's file and its rules give them.
    pub constraints: Vec<Constraint>,
    /// The same, compiled.
    pub distances: Distances,
    /// Refresh commands and their times.
    pub refreshes: Refreshes,
    /// What commands and time cost, where a source says.
    pub energy: Option<Energy>,
    /// Host-side controller.
    pub controller: Controller,
    /// Settings of the controllers of single requests.
    pub tuning: Tuning,
    /// PIM side, where the part has one.
    pub pim: Option<PimTiming>,
    /// Rank and group of every bank, by bank index.
    pub places: Vec<Place>,
    /// Banks of each unit that one REF refreshes: a rank, or a pseudo-channel with all its ranks.
    pub refresh_units: Vec<u64>,
    /// The refresh unit of every rank.
    pub refresh_unit_of: Vec<usize>,
    /// The table of the stream channel, built from `constraints` and `pim`.
    pub rules: Rules,
    /// Ticks between two reads, and two writes, of one open row.
    strides: [Tick; 2],
}

impl Standard {
    /// A part of one-tick commands and bank groups, by its core timing alone.
    pub fn new(
        (name, description): (String, String),
        clock: Clock,
        organisation: Organisation,
        timing: Timing,
        controller: Controller,
        pim: Option<PimTiming>,
    ) -> Standard {
        Standard::assemble(Description {
            name,
            description,
            inherited: None,
            clock,
            organisation,
            constraints: timing.constraints(),
            parameters: BTreeMap::new(),
            interface: Interface::new(Slots::One),
            refreshes: Refreshes {
                interval: timing.refi,
                all_bank: timing.rfc,
                one_bank: None,
                same_bank: None,
            },
            timing,
            energy: None,
            controller,
            tuning: Tuning::default(),
            pim,
        })
    }

    /// Derives the tables of a part from its description.
    pub fn assemble(part: Description) -> Standard {
        let organisation = &part.organisation;
        let rules = Rules::build(&part.constraints, organisation);
        let places: Vec<Place> = (0..organisation.banks())
            .map(|bank| organisation.place(bank))
            .collect();
        let refresh_unit = |rank: usize| match part.interface.form(Command::Ref).map(|f| f.acts) {
            Some(Scope::PseudoChannel) => rank % organisation.pseudo_channels,
            Some(Scope::Channel) => 0,
            _ => rank,
        };
        let refresh_unit_of: Vec<usize> = (0..organisation.units()).map(refresh_unit).collect();
        let count = refresh_unit_of.iter().max().map_or(0, |last| last + 1);
        let mut refresh_units = vec![0; count];
        for place in &places {
            refresh_units[refresh_unit_of[place.rank]] |= 1 << place.bank;
        }
        let distances = Distances::new(&part.constraints);
        let stride = |command| {
            let scopes = Scope::NAMES.iter();
            let distances = scopes.map(|(_, scope)| distances.get(command, command, *scope));
            distances.max().unwrap_or(0).max(part.timing.burst)
        };
        Standard {
            strides: [stride(Command::Rd), stride(Command::Wr)],
            distances,
            name: part.name,
            description: part.description,
            inherited: part.inherited,
            clock: part.clock,
            organisation: part.organisation,
            timing: part.timing,
            parameters: part.parameters,
            interface: part.interface,
            constraints: part.constraints,
            refreshes: part.refreshes,
            energy: part.energy,
            controller: part.controller,
            tuning: part.tuning,
            pim: part.pim,
            places,
            refresh_units,
            refresh_unit_of,
            rules,
        }
    }

    /// Banks of a rank.
    pub fn rank_banks(&self, rank: usize) -> u64 {
        let per_rank = self.organisation.banks() / self.organisation.units();
        u64::MAX >> (64 - per_rank) << (rank * per_rank)
    }

    /// A timing parameter by name, as in the part's file but without its unit (`t_rfc`).
    pub fn parameter(&self, name: &str) -> Option<Tick> {
        self.parameters.get(name).copied()
    }

    /// Read command to the end of its data, when the read returns.
    pub fn read_latency(&self) -> Tick {
        self.timing.read_done()
    }

    /// Distance of column commands of one direction that hit the same open row.
    #[inline]
    pub fn column_stride(&self, direction: Direction) -> Tick {
        match direction {
            Direction::Read => self.strides[0],
            Direction::Write => self.strides[1],
        }
    }

    /// Bytes per second at the pins of all channels together, as far as column commands can follow
    /// each other.
    pub fn peak_bytes_per_s(&self) -> u64 {
        let organisation = &self.organisation;
        let pins = (organisation.channels * organisation.pseudo_channels) as u64;
        organisation.burst_bytes * pins * self.clock.hz() / self.timing.burst.max(self.timing.ccd_s)
    }
}
