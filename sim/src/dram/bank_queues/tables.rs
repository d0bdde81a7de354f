//! The constraint list of a standard as the few distances that the controller looks up. Its state
//! has one gate a bank for ACT and PRE, one a bank, group and rank for RD and WR, and one a rank for
//! REF; a list that needs more is refused.

use super::super::command::Command;
use super::super::constraint::Constraint;
use super::super::mapper::Mapper;
use super::super::organisation::Organisation;
use super::super::standard::Standard;
use super::relations::Distances;
use crate::time::Tick;
use std::fmt;

/// Most banks of a channel: one bit each in the masks.
pub const MAX_BANKS: usize = 64;

/// Distances after an ACT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct AfterAct {
    pub(super) bank_act: u32,
    pub(super) group_act: u32,
    pub(super) rank_act: u32,
    pub(super) read: u32,
    pub(super) write: u32,
    pub(super) pre: u32,
}

/// Distances after a RD or a WR.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct AfterColumn {
    pub(super) group_read: u32,
    pub(super) rank_read: u32,
    pub(super) group_write: u32,
    pub(super) rank_write: u32,
    pub(super) pre: u32,
}

/// Distances after a RD or a WR to the other ranks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Across {
    pub(super) read: u32,
    pub(super) write: u32,
}

/// At most `count` activations of a rank in `ticks` ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) count: usize,
    pub(super) ticks: u32,
}

/// Most activations that a window may count.
pub(super) const MAX_WINDOW: usize = 32;

/// Shape and distances of a channel, compiled for the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    pub(super) mapper: Mapper,
    pub(super) rows: u64,
    pub(super) banks: usize,
    pub(super) ranks: usize,
    pub(super) rank_banks: usize,
    pub(super) group_banks: usize,
    pub(super) group_of: [u8; MAX_BANKS],
    pub(super) rank_of: [u8; MAX_BANKS],
    pub(super) act: AfterAct,
    pub(super) windows: Vec<Window>,
    pub(super) pre_act: u32,
    pub(super) pre_ref: u32,
    pub(super) rank_pre: u32,
    pub(super) read: AfterColumn,
    pub(super) write: AfterColumn,
    /// From rank to rank, `from * ranks + to`, after a RD and after a WR.
    pub(super) across: Vec<[Across; 2]>,
    pub(super) ref_act: u32,
    pub(super) ref_ref: u32,
    pub(super) read_latency: u32,
    pub(super) refresh_interval: Tick,
}

/// Why a standard cannot be run by this controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// More than [`MAX_BANKS`] banks in a channel, or none.
    Banks(usize),
    /// Commands in two phases, a data clock, paired edges or a refresh of more than a rank.
    Interface,
    /// A distance that the controller has no gate for.
    Constraint(Constraint),
    /// No distance between two commands that need one: both could fall into a tick.
    Missing(Command, Command),
    /// The refresh interval leaves no time between refreshes.
    RefreshInterval(Tick),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Banks(banks) => {
                write!(
                    f,
                    "{banks} banks in a channel; 1 to {MAX_BANKS} are possible"
                )
            }
            Refused::Interface => {
                f.write_str("only one-tick commands, refreshed by rank, without a data clock")
            }
            Refused::Constraint(c) => {
                let (first, then) = (c.first.mnemonic(), c.then.mnemonic());
                let scope = c.scope;
                write!(f, "no gate for {first} to {then} within {scope:?}")
            }
            Refused::Missing(first, then) => {
                let (first, then) = (first.mnemonic(), then.mnemonic());
                write!(f, "no distance from {first} to {then}")
            }
            Refused::RefreshInterval(ticks) => {
                write!(
                    f,
                    "a refresh every {ticks} ticks leaves no time for accesses"
                )
            }
        }
    }
}

impl std::error::Error for Refused {}

impl Tables {
    /// Banks of a rank.
    #[inline]
    pub(super) fn rank_mask(&self, rank: usize) -> u64 {
        let ones = u64::MAX >> (MAX_BANKS - self.rank_banks);
        ones << (rank * self.rank_banks)
    }

    /// Compiles the channels of a standard.
    pub fn of(standard: &Standard) -> Result<Tables, Refused> {
        let interface = &standard.interface;
        let two_phases = interface.activation_deadline.is_some();
        let by_rank = standard.refresh_units.len() == standard.organisation.units();
        if two_phases || interface.data_clock.is_some() || interface.paired_edges || !by_rank {
            return Err(Refused::Interface);
        }
        Tables::new(
            &standard.organisation,
            &standard.constraints,
            standard.read_latency(),
            standard.refreshes.interval,
        )
    }

    /// Compiles `constraints` for channels of `organisation`; read data ends `read_latency` ticks
    /// after its command, and a rank is refreshed every `refresh_interval` ticks.
    pub fn new(
        organisation: &Organisation,
        constraints: &[Constraint],
        read_latency: Tick,
        refresh_interval: Tick,
    ) -> Result<Tables, Refused> {
        use Command::{Act, Pre, Rd, Ref, Wr};
        let banks = organisation.banks();
        if banks == 0 || banks > MAX_BANKS {
            return Err(Refused::Banks(banks));
        }
        let d = Distances(constraints);
        let (mut group_of, mut rank_of) = ([0; MAX_BANKS], [0; MAX_BANKS]);
        for bank in 0..banks {
            let place = organisation.place(bank);
            (group_of[bank], rank_of[bank]) = (place.group as u8, place.rank as u8);
        }
        let act = d.nested(Act, Act)?;
        if act[2] == 0 {
            return Err(Refused::Missing(Act, Act));
        }
        let refresh = d.nested(Ref, Act)?;
        let tables = Tables {
            mapper: Mapper::new(organisation),
            rows: organisation.rows,
            banks,
            ranks: organisation.units(),
            rank_banks: organisation.bank_groups * organisation.banks_per_group,
            group_banks: organisation.banks_per_group,
            group_of,
            rank_of,
            act: AfterAct {
                bank_act: act[0],
                group_act: act[1],
                rank_act: act[2],
                read: d.own(Act, Rd)?,
                write: d.own(Act, Wr)?,
                pre: d.own(Act, Pre)?,
            },
            windows: d.windows()?,
            pre_act: d.own(Pre, Act)?,
            // The refresh waits for every bank of the rank, whatever the scope.
            pre_ref: d.of(Pre, Ref)[0],
            rank_pre: d.nested(Pre, Pre)?[2],
            read: d.after_column(Rd)?,
            write: d.after_column(Wr)?,
            across: across(organisation, &d)?,
            ref_act: refresh[2],
            ref_ref: d.of(Ref, Ref)[2],
            read_latency: read_latency as u32,
            refresh_interval,
        };
        // A row must be opened, written and closed again between two refreshes.
        let refreshed = Tick::from(tables.ref_act.max(tables.ref_ref));
        let access = tables.act.write + tables.write.pre + tables.pre_act.max(tables.pre_ref);
        if refresh_interval <= refreshed + Tick::from(access) {
            return Err(Refused::RefreshInterval(refresh_interval));
        }
        if tables.ref_act == 0 {
            return Err(Refused::Missing(Ref, Act));
        }
        Ok(tables)
    }
}

fn across(organisation: &Organisation, d: &Distances<'_>) -> Result<Vec<[Across; 2]>, Refused> {
    let ranks = organisation.units();
    let after = |first: Command, relation: usize| -> Result<Across, Refused> {
        // All ranks share the column bus: one command a tick.
        Ok(Across {
            read: d.column(first, Command::Rd)?[relation].max(1_u32),
            write: d.column(first, Command::Wr)?[relation].max(1_u32),
        })
    };
    let mut list = Vec::with_capacity(ranks * ranks);
    for from in 0..ranks {
        for to in 0..ranks {
            let same = from % organisation.pseudo_channels == to % organisation.pseudo_channels;
            let relation = if same { 3 } else { 4 };
            list.push([after(Command::Rd, relation)?, after(Command::Wr, relation)?]);
        }
    }
    Ok(list)
}
