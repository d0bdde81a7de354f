//! Distances between commands as data: what a standard's file says, before any form that is quick
//! to evaluate is built from it.

use super::command::Command;
use crate::time::Tick;

/// A level of a channel's hierarchy, narrowest first: a constraint of a scope reaches every bank of
/// the unit of that level in which its first command was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The same bank.
    Bank,
    /// Every bank of the same bank group.
    Group,
    /// Every bank of the same rank, or stack ID of an HBM stack.
    Rank,
    /// Every bank of the same pseudo-channel: its ranks share data pins.
    PseudoChannel,
    /// Every bank of the channel: what shares the command bus.
    Channel,
}

/// `then` not before `distance` ticks after `first`, within `scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Constraint {
    /// The command that was issued.
    pub first: Command,
    /// The command that waits.
    pub then: Command,
    /// Banks reached.
    pub scope: Scope,
    /// Reaches the other units of the level inside the same parent (the other ranks of the
    /// pseudo-channel) instead of the unit itself.
    pub sibling: bool,
    /// Ticks.
    pub distance: Tick,
    /// Ticks more for every multiply-accumulate step that `first` commands; zero for commands of
    /// fixed length.
    pub per_step: Tick,
    /// Counts from the `window`-th last `first` of the scope: 4 for the four-activate window, else 1.
    pub window: u8,
}

impl Scope {
    /// Names in a standard's file.
    pub const NAMES: [(&'static str, Scope); 5] = [
        ("bank", Scope::Bank),
        ("group", Scope::Group),
        ("rank", Scope::Rank),
        ("pseudo_channel", Scope::PseudoChannel),
        ("channel", Scope::Channel),
    ];

    /// Name in a standard's file.
    pub fn name(self) -> &'static str {
        Scope::NAMES[self as usize].0
    }
}

/// How two banks lie to each other, nearest first; the scopes in their order.
pub const RELATIONS: usize = 5;

/// Largest distance of fixed length from `first` to `then` by how their banks lie to each other.
/// Windows, and distances that grow with the steps of a command, are not in it.
pub fn by_relation(list: &[Constraint], first: Command, then: Command) -> [Tick; RELATIONS] {
    let mut by_relation = [0; RELATIONS];
    let both =
        |c: &&Constraint| c.first == first && c.then == then && c.window <= 1 && c.per_step == 0;
    for constraint in list.iter().filter(both) {
        let scope = constraint.scope as usize;
        let reached = if constraint.sibling {
            scope + 1..(scope + 2).min(RELATIONS)
        } else {
            0..scope + 1
        };
        for distance in &mut by_relation[reached] {
            *distance = constraint.distance.max(*distance);
        }
    }
    by_relation
}
