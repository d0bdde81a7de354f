//! Command-to-command distances as flat lists: after a command is issued at `t`, each rule of its
//! list raises the earliest time of a later command.
//!
//! Host and PIM rules alike are constraints of the standard and of the command set it is given.
#![deny(clippy::float_arithmetic)]

use super::command::{Command, PerCommand};
use super::constraint::{Constraint, Scope};
use super::organisation::Organisation;
use crate::time::Tick;

/// Which banks a rule reaches, seen from the bank of the issued command. `Group` and `Rank`
/// include the narrower scopes, so the distance of a wider scope never exceeds the narrower one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The same bank.
    Bank,
    /// The other banks of the same bank group.
    OtherBanks,
    /// Every bank of the same bank group.
    Group,
    /// Every bank of the other groups of the same rank.
    OtherGroups,
    /// Every bank of the same rank.
    Rank,
    /// Every bank of the other ranks of the same pseudo-channel.
    OtherRanks,
    /// Every bank of the same pseudo-channel, where the channel has several.
    PseudoChannel,
    /// Every bank of the other pseudo-channels.
    OtherPseudoChannels,
    /// Every bank of the channel.
    Channel,
}

/// One constraint: `then` not before `base + per_comp * comps` ticks after the issued command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Banks reached.
    pub reach: Reach,
    /// Constrained command.
    pub then: Command,
    /// Ticks independent of the command's length.
    pub base: Tick,
    /// Ticks for each multiply-accumulate step; zero for commands of fixed length.
    pub per_comp: Tick,
}

/// The rules of every command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    after: PerCommand<Vec<Rule>>,
}

impl Rules {
    /// The rules that start when `command` is issued.
    pub fn after(&self, command: Command) -> &[Rule] {
        &self.after[command as usize]
    }

    /// The table of the stream channel: the constraints among the commands it issues. It activates
    /// in one phase, closes rows by commands of their own, refreshes all banks and starts no data
    /// clock, so what a standard says of ACT2, RDA, WRA, REFPB, REFSB and CAS does not concern it.
    pub fn build(constraints: &[Constraint], organisation: &Organisation) -> Rules {
        use Command::{Act2, Cas, PreAll, RdA, RefBank, RefSame, WrA};
        let pim = constraints.iter().any(|constraint| constraint.then > Cas);
        let issued = |command| match command {
            Act2 | RdA | WrA | Cas | RefBank | RefSame => false,
            // Host rows are closed bank by bank; it is the PIM side that closes whole ranks.
            PreAll => pim,
            _ => true,
        };
        let of_channel: Vec<Constraint> = constraints
            .iter()
            .filter(|constraint| issued(constraint.first) && issued(constraint.then))
            .copied()
            .collect();
        Rules::of(&of_channel, organisation)
    }

    /// The table of any constraints; windows are apart.
    pub fn of(constraints: &[Constraint], organisation: &Organisation) -> Rules {
        let mut rules = Rules::default();
        let together = constraints
            .iter()
            .filter(|constraint| constraint.window == 1 && constraint.distance > 0);
        for constraint in together {
            let reach = reach(constraint, organisation);
            let list = &mut rules.after[constraint.first as usize];
            // A length that grows and one that does not are two rules: the longer one counts.
            let same = |rule: &&mut Rule| {
                rule.reach == reach
                    && rule.then == constraint.then
                    && rule.per_comp == constraint.per_step
            };
            match list.iter_mut().find(same) {
                Some(rule) => rule.base = rule.base.max(constraint.distance),
                None => list.push(Rule {
                    reach,
                    then: constraint.then,
                    base: constraint.distance,
                    per_comp: constraint.per_step,
                }),
            }
        }
        rules
    }
}

fn reach(constraint: &Constraint, organisation: &Organisation) -> Reach {
    match (constraint.scope, constraint.sibling) {
        (Scope::Bank, false) => Reach::Bank,
        (Scope::Bank, true) => Reach::OtherBanks,
        (Scope::Group, false) => Reach::Group,
        (Scope::Group, true) => Reach::OtherGroups,
        (Scope::Rank, false) => Reach::Rank,
        (Scope::Rank, true) => Reach::OtherRanks,
        // One pseudo-channel is the channel, whose gates are the cheapest to raise and to read.
        (Scope::PseudoChannel, false) if organisation.pseudo_channels == 1 => Reach::Channel,
        (Scope::PseudoChannel, false) => Reach::PseudoChannel,
        (Scope::PseudoChannel, true) => Reach::OtherPseudoChannels,
        (Scope::Channel, _) => Reach::Channel,
    }
}
