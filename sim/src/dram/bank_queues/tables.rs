//! The constraints of a standard in the form that this controller evaluates: for every one of its
//! five commands, what it raises at its bank, its group, its rank and the other ranks.

use crate::dram::command::Command;
use crate::dram::constraint::{Constraint, Scope};
use crate::time::Tick;

/// Commands of this controller, in the order of the tables' columns.
pub(super) const USED: [Command; 5] = [
    Command::Act,
    Command::Pre,
    Command::Rd,
    Command::Wr,
    Command::Ref,
];
pub(super) const ACT: usize = 0;
pub(super) const PRE: usize = 1;
pub(super) const RD: usize = 2;
pub(super) const WR: usize = 3;
pub(super) const REF: usize = 4;

/// Earliest ticks of the five commands.
pub(super) type Gate = [Tick; 5];

/// Distances after one command: the later command and the ticks, where there is a constraint.
#[derive(Debug, Clone, Default)]
pub(super) struct After {
    pub bank: Distances,
    pub group: Distances,
    pub rank: Distances,
    pub others: Distances,
}

type Distances = Vec<(u8, u32)>;

fn enter(distances: &mut Distances, then: usize, ticks: Tick) {
    let ticks = ticks as u32;
    match distances
        .iter_mut()
        .find(|(known, _)| usize::from(*known) == then)
    {
        Some((_, known)) => *known = (*known).max(ticks),
        None if ticks > 0 => distances.push((then as u8, ticks)),
        None => {}
    }
}

/// At most `count` activations of a rank in `distance` ticks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub count: usize,
    pub distance: Tick,
}

#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub after: [After; 5],
    pub windows: Vec<Window>,
}

impl Tables {
    /// Compiles the constraints between the five commands; others cannot occur here.
    pub(super) fn new(constraints: &[Constraint]) -> Result<Tables, String> {
        let mut tables = Tables {
            after: Default::default(),
            windows: Vec::new(),
        };
        let number = |command| USED.iter().position(|&used| used == command);
        for rule in constraints {
            let (Some(first), Some(then)) = (number(rule.first), number(rule.then)) else {
                continue;
            };
            if rule.window > 1 {
                if (first, then) != (ACT, ACT) || rule.scope != Scope::Rank || rule.sibling {
                    return Err(format!(
                        "the bank-queue controller has windows of activations in a rank only, not \
                         of {} to {}",
                        rule.first.mnemonic(),
                        rule.then.mnemonic()
                    ));
                }
                tables.windows.push(Window {
                    count: usize::from(rule.window),
                    distance: rule.distance,
                });
                continue;
            }
            let after = &mut tables.after[first];
            let reached: &mut [&mut Distances] = match (rule.scope, rule.sibling) {
                (Scope::Bank, false) => &mut [&mut after.bank],
                (Scope::Group, false) => &mut [&mut after.group],
                // The other banks of a group, or groups of a rank, and the own: a bank never takes
                // the same command again before it has taken another, which waits longer.
                (Scope::Bank, true) => &mut [&mut after.group],
                (Scope::Group, true) | (Scope::Rank, false) => &mut [&mut after.rank],
                (Scope::Rank, true) => &mut [&mut after.others],
                (Scope::PseudoChannel | Scope::Channel, false) => {
                    &mut [&mut after.rank, &mut after.others]
                }
                (Scope::PseudoChannel | Scope::Channel, true) => &mut [],
            };
            for distances in reached {
                enter(distances, then, rule.distance);
            }
        }
        Ok(tables)
    }
}
