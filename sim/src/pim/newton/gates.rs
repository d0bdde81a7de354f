//! Earliest ticks of the commands: one a bank, group and rank and one for the channel, of which the
//! latest counts.

use super::candidates::Kind;
use super::tables::{MAX_BANKS, MAX_GROUPS, MAX_RANKS, Tables, WINDOW};
use crate::dram::command::Command;
use crate::time::Tick;

/// The banks whose gate a command raises, seen from its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Bank,
    /// The other banks of the group.
    OtherBanks,
    Group,
    /// The other groups of the rank.
    OtherGroups,
    Rank,
    OtherRanks,
    Channel,
}

/// Commands that wait for others.
const GATED: [Command; GATES] = [
    Command::Act,
    Command::Pre,
    Command::Rd,
    Command::Wr,
    Command::Ref,
    Command::Gwrite,
    Command::GAct,
    Command::PimPre,
    Command::CompsReadres,
    Command::Comp,
    Command::Readres,
];

const GATES: usize = 11;

/// Place of a command's gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gate(u8);

impl Gate {
    pub(super) const ACT: Gate = Gate(0);
    pub(super) const PRE: Gate = Gate(1);
    pub(super) const RD: Gate = Gate(2);
    pub(super) const WR: Gate = Gate(3);
    pub(super) const REF: Gate = Gate(4);
    pub(super) const GWRITE: Gate = Gate(5);
    pub(super) const G_ACT: Gate = Gate(6);
    pub(super) const PIM_PRE: Gate = Gate(7);
    pub(super) const COMPS_READRES: Gate = Gate(8);
    pub(super) const COMP: Gate = Gate(9);
    pub(super) const READRES: Gate = Gate(10);
}

/// One gate raised to `ticks` after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raise {
    gate: Gate,
    level: Level,
    pub(super) ticks: Tick,
}

impl Raise {
    pub(super) fn has_gate(command: Command) -> bool {
        GATED.contains(&command)
    }

    /// Whether it is the gate of `command`.
    pub(super) fn holds(&self, command: Command) -> bool {
        GATED[usize::from(self.gate.0)] == command
    }

    /// The kinds of host commands that wait at it, one bit each.
    pub(super) fn kinds(&self) -> u8 {
        Kind::gated_by(GATED[usize::from(self.gate.0)])
    }

    /// `then` has a gate.
    pub(super) fn new(then: Command, level: Level, ticks: Tick) -> Raise {
        let gate = GATED.iter().position(|gated| *gated == then);
        Raise {
            gate: Gate(gate.unwrap_or(0) as u8),
            level,
            ticks,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Lanes {
    bank: [Tick; MAX_BANKS],
    group: [Tick; MAX_GROUPS],
    rank: [Tick; MAX_RANKS],
    channel: Tick,
}

/// The gates of a channel.
#[derive(Debug, Clone)]
pub(super) struct Gates {
    lanes: Box<[Lanes; GATES]>,
    /// By rank, ends of the windows of the last activations, and the place of the oldest.
    windows: [([Tick; WINDOW], usize); MAX_RANKS],
}

#[inline]
fn raise(gate: &mut Tick, at: Tick) {
    *gate = (*gate).max(at);
}

impl Gates {
    pub(super) fn new() -> Gates {
        let lanes = Lanes {
            bank: [0; MAX_BANKS],
            group: [0; MAX_GROUPS],
            rank: [0; MAX_RANKS],
            channel: 0,
        };
        Gates {
            lanes: Box::new([lanes; GATES]),
            windows: [([0; WINDOW], 0); MAX_RANKS],
        }
    }

    /// Earliest tick of a command to a bank.
    #[inline]
    pub(super) fn of(&self, tables: &Tables, gate: Gate, bank: usize) -> Tick {
        let lanes = &self.lanes[usize::from(gate.0) % GATES];
        let bank = bank % MAX_BANKS;
        let group = lanes.group[usize::from(tables.group_of[bank]) % MAX_GROUPS];
        let rank = lanes.rank[usize::from(tables.rank_of[bank]) % MAX_RANKS];
        lanes.bank[bank].max(group).max(rank).max(lanes.channel)
    }

    /// Earliest tick of a command that the whole channel or a whole rank must be ready for.
    #[inline]
    pub(super) fn of_rank(&self, gate: Gate, rank: usize) -> Tick {
        let lanes = &self.lanes[usize::from(gate.0) % GATES];
        lanes.rank[rank % MAX_RANKS].max(lanes.channel)
    }

    #[inline]
    pub(super) fn of_channel(&self, gate: Gate) -> Tick {
        self.lanes[usize::from(gate.0) % GATES].channel
    }

    #[inline]
    pub(super) fn raise_channel(&mut self, gate: Gate, at: Tick) {
        raise(&mut self.lanes[usize::from(gate.0) % GATES].channel, at);
    }

    /// Raises what `command`, issued to `bank` at `t`, holds back.
    #[inline]
    pub(super) fn issued(&mut self, tables: &Tables, command: Command, bank: usize, t: Tick) {
        for one in &tables.raises[command as usize] {
            self.raise(tables, *one, bank % MAX_BANKS, t + one.ticks);
        }
    }

    #[inline]
    fn raise(&mut self, tables: &Tables, one: Raise, bank: usize, at: Tick) {
        let lanes = &mut self.lanes[usize::from(one.gate.0) % GATES];
        let group = usize::from(tables.group_of[bank]) % MAX_GROUPS;
        let rank = usize::from(tables.rank_of[bank]) % MAX_RANKS;
        match one.level {
            Level::Bank => raise(&mut lanes.bank[bank], at),
            Level::Group => raise(&mut lanes.group[group], at),
            Level::Rank => raise(&mut lanes.rank[rank], at),
            Level::Channel => raise(&mut lanes.channel, at),
            Level::OtherBanks => {
                let first = group * tables.group_banks;
                for other in first..first + tables.group_banks {
                    if other != bank {
                        raise(&mut lanes.bank[other], at);
                    }
                }
            }
            Level::OtherGroups => {
                let first = rank * tables.groups_of_rank;
                for other in first..first + tables.groups_of_rank {
                    if other != group {
                        raise(&mut lanes.group[other], at);
                    }
                }
            }
            Level::OtherRanks => {
                for other in (0..tables.ranks).filter(|other| *other != rank) {
                    raise(&mut lanes.rank[other], at);
                }
            }
        }
    }

    /// Enters `count` activations of the rank of `bank` in its window.
    #[inline]
    pub(super) fn activated(&mut self, tables: &Tables, bank: usize, count: usize, t: Tick) {
        let rank = usize::from(tables.rank_of[bank]) % MAX_RANKS;
        let (ends, oldest) = &mut self.windows[rank];
        for _ in 0..count {
            ends[*oldest % WINDOW] = t + tables.window;
            *oldest = (*oldest + 1) % WINDOW;
        }
        let at = ends[*oldest % WINDOW];
        raise(&mut self.lanes[usize::from(Gate::ACT.0)].rank[rank], at);
    }
}
