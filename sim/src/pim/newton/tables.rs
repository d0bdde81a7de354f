//! The constraint list of a standard as what the controller looks up: for every command the gates
//! that it raises, and the few distances that its estimates are made of.

use super::super::RowBuffers;
use super::candidates::Kind;
use super::gates::{Level, Raise};
use super::parameters::Parameters;
use crate::dram::command::{Command, PerCommand};
use crate::dram::constraint::{Constraint, Scope, by_relation};
use crate::dram::interface::Slots;
use crate::dram::{Organisation, Standard};
use crate::time::Tick;
use std::fmt;

/// Most banks of a channel: one bit each in the masks.
pub const MAX_BANKS: usize = 64;
/// Most bank groups of a channel.
pub(super) const MAX_GROUPS: usize = 16;
/// Most ranks of a channel.
pub(super) const MAX_RANKS: usize = 4;
/// Activations that the window counts.
pub(super) const WINDOW: usize = 4;

/// Ticks that a run of steps takes: the longest of `base + per_step * steps`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lengths(Vec<(Tick, Tick)>);

impl Lengths {
    fn of(constraints: &[Constraint], first: Command, then: Command) -> Lengths {
        let both = |c: &&Constraint| c.first == first && c.then == then && c.window <= 1;
        let list = constraints.iter().filter(both);
        Lengths(list.map(|c| (c.distance, c.per_step)).collect())
    }

    #[inline]
    pub(super) fn ticks(&self, steps: u32) -> Tick {
        let each = self.0.iter();
        let lengths = each.map(|(base, step)| base + step * Tick::from(steps));
        lengths.max().unwrap_or(0)
    }

    /// What does not grow with the steps.
    fn base(&self) -> Tick {
        let growing = self.0.iter().filter(|(_, step)| *step > 0);
        growing.map(|(base, _)| *base).max().unwrap_or(0)
    }
}

/// What an expected length is made of, in ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Estimate {
    /// To close a PIM row.
    pub(super) precharge: Tick,
    /// Between two activations of a rank; both ranks are activated side by side.
    pub(super) activations: Tick,
    /// Last activation to the first step.
    pub(super) to_step: Tick,
    /// Every read-out after the first.
    pub(super) read_out: Tick,
    /// From a closed bank to a column of it.
    pub(super) open: Tick,
    /// From an open row to its precharge.
    pub(super) close: Tick,
}

/// Shape and distances of a channel, compiled for the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tables {
    pub(super) buffers: RowBuffers,
    pub(super) banks: usize,
    pub(super) ranks: usize,
    pub(super) rank_banks: usize,
    pub(super) group_banks: usize,
    pub(super) groups_of_rank: usize,
    pub(super) group_of: [u8; MAX_BANKS],
    pub(super) rank_of: [u8; MAX_BANKS],
    /// By command, the gates that it raises.
    pub(super) raises: PerCommand<Vec<Raise>>,
    /// By command, the kinds of host commands whose gates it raises, one bit each.
    pub(super) kinds_raised: PerCommand<u8>,
    /// Ticks of the four-activate window; zero for none.
    pub(super) window: Tick,
    /// From a COMPS_READRES to the next one.
    pub(super) steps: Lengths,
    /// With one buffer: first COMP of a run to its READRES.
    pub(super) fill: Tick,
    /// The same as columns at the fastest.
    fill_steps: Tick,
    /// Between two COMPs.
    step: Tick,
    pub(super) estimate: Estimate,
    /// PRE to ACT and ACT to WR, which a host's row commands take from the slack.
    pub(super) slack_of_pre: Tick,
    pub(super) slack_of_act: Tick,
    /// Data-bus ticks between a read and the reads and writes around it.
    pub(super) bus: [Tick; 2],
    pub(super) read_latency: Tick,
    pub(super) gwrite: Tick,
    pub(super) refresh_interval: Tick,
}

/// Why a standard cannot be run by this controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// More banks, groups or ranks than there are gates for, or none.
    Shape,
    /// Commands in two phases, more than one command a tick, or refreshes of more than a rank.
    Interface,
    /// Two commands of which one must wait for the other, without a distance.
    Missing(Command, Command),
    /// A timing parameter that the rules of the part do not have.
    Parameter(&'static str),
    /// The refresh interval leaves no time between refreshes.
    RefreshInterval(Tick),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Shape => write!(
                f,
                "at most {MAX_BANKS} banks, {MAX_GROUPS} bank groups and {MAX_RANKS} ranks a \
                 channel, without pseudo-channels"
            ),
            Refused::Interface => {
                f.write_str("only one-tick commands, one a tick, refreshed by rank")
            }
            Refused::Missing(first, then) => {
                let (first, then) = (first.mnemonic(), then.mnemonic());
                write!(f, "no distance from {first} to {then}")
            }
            Refused::Parameter(name) => write!(f, "no timing parameter {name}"),
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
    /// Compiles the channels of a standard, whose rules say how many row buffers a bank has.
    pub(super) fn of(standard: &Standard, parameters: &Parameters) -> Result<Tables, Refused> {
        let interface = &standard.interface;
        let by_rank = standard.refresh_units.len() == standard.organisation.units();
        let simple = interface.slots == Slots::One
            && interface.activation_deadline.is_none()
            && interface.data_clock.is_none()
            && !interface.paired_edges;
        if !simple || !by_rank {
            return Err(Refused::Interface);
        }
        let o = &standard.organisation;
        let shape = (1..=MAX_BANKS).contains(&o.banks())
            && o.groups() <= MAX_GROUPS
            && o.units() <= MAX_RANKS
            && o.pseudo_channels == 1;
        if !shape {
            return Err(Refused::Shape);
        }
        Tables::new(standard, o, parameters)
    }

    fn new(
        standard: &Standard,
        organisation: &Organisation,
        parameters: &Parameters,
    ) -> Result<Tables, Refused> {
        use Command::{Act, Comp, CompsReadres, GAct, Gwrite, PimPre, Pre, Rd, Ref, Wr};
        let list = &standard.constraints[..];
        let widest = |first, then| {
            by_relation(list, first, then)
                .into_iter()
                .max()
                .unwrap_or(0)
        };
        let needed = |first, then| match widest(first, then) {
            0 => Err(Refused::Missing(first, then)),
            ticks => Ok(ticks),
        };
        let dual = list.iter().any(|c| c.then == PimPre);
        let buffers = if dual {
            RowBuffers::Dual
        } else {
            RowBuffers::Blocked
        };
        let run = if dual { CompsReadres } else { Comp };
        let steps = Lengths::of(list, CompsReadres, CompsReadres);
        let close = needed(Rd, Pre)?;
        let (mut group_of, mut rank_of) = ([0; MAX_BANKS], [0; MAX_BANKS]);
        for bank in 0..organisation.banks() {
            let place = organisation.place(bank);
            (group_of[bank], rank_of[bank]) = (place.group as u8, place.rank as u8);
        }
        let window = list
            .iter()
            .filter(|c| usize::from(c.window) == WINDOW && c.first == Act && c.scope == Scope::Rank)
            .map(|c| c.distance)
            .max();
        let mut raises = PerCommand::default();
        for first in Command::all() {
            raises[first as usize] = raises_of(list, first);
        }
        let window = window.unwrap_or(0);
        if !parameters.gact_outside_window && window > 0 {
            raises[Act as usize].push(Raise::new(GAct, Level::Rank, window));
        }
        if !parameters.result_off_bus {
            let on_bus = |raise: &Raise| !raise.holds(Rd) && !raise.holds(Wr);
            raises[CompsReadres as usize].retain(on_bus);
        }
        let mut kinds_raised = PerCommand::default();
        for (first, kinds) in raises.iter().zip(kinds_raised.iter_mut()) {
            *kinds = first.iter().fold(0, |all, raise| all | raise.kinds());
        }
        // Through the four-activate window.
        kinds_raised[Act as usize] |= Kind::gated_by(Act);
        kinds_raised[GAct as usize] |= Kind::gated_by(Act);
        if !parameters.early_precharge {
            kinds_raised[CompsReadres as usize] |= Kind::gated_by(PimPre);
        }
        if !parameters.result_off_bus {
            kinds_raised[CompsReadres as usize] |= Kind::gated_by(Rd);
        }
        let fill = if dual {
            0
        } else {
            let given = standard.parameter("t_comp_fill");
            given.ok_or(Refused::Parameter("t_comp_fill"))?
        };
        let tables = Tables {
            buffers,
            banks: organisation.banks(),
            ranks: organisation.units(),
            rank_banks: organisation.bank_groups * organisation.banks_per_group,
            group_banks: organisation.banks_per_group,
            groups_of_rank: organisation.bank_groups,
            group_of,
            rank_of,
            kinds_raised,
            raises,
            window,
            fill,
            fill_steps: fill / standard.timing.ccd_s.max(1),
            step: if dual { 0 } else { needed(Comp, Comp)? },
            estimate: Estimate {
                precharge: if parameters.coarse_estimate { close } else { 1 },
                activations: by_relation(list, GAct, GAct)[2],
                to_step: needed(GAct, run)?,
                read_out: by_relation(list, Rd, Rd)[0],
                open: needed(Pre, Act)? + needed(Act, Gwrite)?,
                close,
            },
            slack_of_pre: needed(Pre, Act)?,
            slack_of_act: needed(Act, Wr)?,
            bus: [
                by_relation(list, Rd, Rd).into_iter().max().unwrap_or(0),
                needed(Rd, Wr)?,
            ],
            read_latency: standard.read_latency(),
            gwrite: needed(Gwrite, Pre)?,
            refresh_interval: standard.refreshes.interval,
            steps,
        };
        if dual && tables.steps.ticks(1) == 0 {
            return Err(Refused::Missing(CompsReadres, CompsReadres));
        }
        // A row must be opened, written and closed again between two refreshes.
        let refreshed = needed(Ref, Act)?;
        let access = tables.slack_of_act + needed(Wr, Pre)? + tables.slack_of_pre;
        if standard.refreshes.interval / tables.ranks as Tick <= refreshed + access {
            return Err(Refused::RefreshInterval(standard.refreshes.interval));
        }
        Ok(tables)
    }

    /// Banks of a rank.
    #[inline]
    pub(super) fn rank_mask(&self, rank: usize) -> u64 {
        (u64::MAX >> (MAX_BANKS - self.rank_banks)) << (rank * self.rank_banks)
    }

    /// Banks of the group of a bank.
    #[inline]
    pub(super) fn group_mask(&self, bank: usize) -> u64 {
        let ones = u64::MAX >> (MAX_BANKS - self.group_banks);
        ones << (usize::from(self.group_of[bank]) * self.group_banks)
    }

    /// Every bank.
    #[inline]
    pub(super) fn all(&self) -> u64 {
        u64::MAX >> (MAX_BANKS - self.banks)
    }

    /// Ticks from a COMPS_READRES to the next one, and to the end of its steps.
    #[inline]
    pub(super) fn run(&self, comps: u32) -> (Tick, Tick) {
        let whole = self.steps.ticks(comps);
        (whole, whole - self.steps.base())
    }

    /// Ticks for which a header expects `comps` steps and `read_outs` read-outs to last.
    pub(super) fn steps_expected(&self, comps: u32, read_outs: u32) -> Tick {
        let steps = match self.buffers {
            RowBuffers::Dual => self.run(comps).1,
            RowBuffers::Blocked => self.step * Tick::from(comps).max(self.fill_steps),
        };
        steps + self.estimate.read_out * Tick::from(read_outs.saturating_sub(1))
    }
}

/// The gates that `first` raises, each at the level that holds them in the fewest places.
fn raises_of(list: &[Constraint], first: Command) -> Vec<Raise> {
    let mut raises = Vec::new();
    for then in Command::all().filter(|then| Raise::has_gate(*then)) {
        let d = by_relation(list, first, then).map(Tick::from);
        let mut raise = |level, ticks| raises.push(Raise::new(then, level, ticks));
        match then {
            // Every bank of the channel must be ready, so that one gate is enough.
            Command::CompsReadres | Command::Comp | Command::Readres => {
                raise(Level::Channel, d.into_iter().max().unwrap_or(0));
                continue;
            }
            // Likewise of the rank.
            Command::Ref => {
                raise(Level::Rank, d[0].max(d[1]).max(d[2]));
                raise(Level::OtherRanks, d[3]);
                continue;
            }
            _ => {}
        }
        let rank = d[0].min(d[1]).min(d[2]);
        let group = d[0].min(d[1]);
        let channel = rank.min(d[3]);
        raise(Level::Channel, channel);
        raise(Level::Rank, if rank > channel { rank } else { 0 });
        raise(Level::OtherRanks, if d[3] > channel { d[3] } else { 0 });
        raise(Level::Group, if group > rank { group } else { 0 });
        raise(Level::OtherGroups, if d[2] > rank { d[2] } else { 0 });
        raise(Level::Bank, if d[0] > group { d[0] } else { 0 });
        raise(Level::OtherBanks, if d[1] > group { d[1] } else { 0 });
    }
    raises.retain(|raise| raise.ticks > 0);
    raises
}
