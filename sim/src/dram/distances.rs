//! The constraints of a standard in a form that is quick to ask: one flat table a scope, duplicates
//! merged to the longest distance, activation windows apart. Controllers build the tables of their
//! inner loops from it when they are made; nobody walks the list while time passes.
#![deny(clippy::float_arithmetic)]

use super::command::{COMMANDS, Command};
use super::constraint::{Constraint, Scope};
use crate::time::Tick;

const SCOPES: usize = 5;

/// At most `count` commands `first` within any `distance` ticks of one unit of `scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// The command that is counted, and that waits.
    pub command: Command,
    /// The unit in which it is counted.
    pub scope: Scope,
    /// Commands that fit in the window.
    pub count: u8,
    /// Ticks from a command to the `count`-th after it.
    pub distance: Tick,
}

/// Compiled constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distances {
    own: Vec<u32>,
    sibling: Vec<u32>,
    windows: Vec<Window>,
}

impl Distances {
    /// Merges a list of constraints.
    pub fn new(constraints: &[Constraint]) -> Distances {
        let size = SCOPES * COMMANDS * COMMANDS;
        let mut distances = Distances {
            own: vec![0; size],
            sibling: vec![0; size],
            windows: Vec::new(),
        };
        for constraint in constraints {
            if constraint.window > 1 {
                distances.add_window(constraint);
                continue;
            }
            let table = if constraint.sibling {
                &mut distances.sibling
            } else {
                &mut distances.own
            };
            let entry = &mut table[index(constraint.first, constraint.then, constraint.scope)];
            let distance = u32::try_from(constraint.distance).unwrap_or(u32::MAX);
            *entry = distance.max(*entry);
        }
        distances
    }

    fn add_window(&mut self, constraint: &Constraint) {
        let same = |window: &&mut Window| {
            window.command == constraint.first
                && window.scope == constraint.scope
                && window.count == constraint.window
        };
        match self.windows.iter_mut().find(same) {
            Some(window) => window.distance = window.distance.max(constraint.distance),
            None => self.windows.push(Window {
                command: constraint.first,
                scope: constraint.scope,
                count: constraint.window,
                distance: constraint.distance,
            }),
        }
    }

    /// Ticks from `first` to `then` that a constraint of exactly this scope demands; zero where
    /// there is none. Narrower scopes do not inherit from wider ones here: a controller takes the
    /// maximum over the scopes that the two commands share.
    #[inline]
    pub fn get(&self, first: Command, then: Command, scope: Scope) -> Tick {
        Tick::from(self.own[index(first, then, scope)])
    }

    /// Ticks that a command demands of the other units of this level inside the same parent.
    #[inline]
    pub fn sibling(&self, first: Command, then: Command, scope: Scope) -> Tick {
        Tick::from(self.sibling[index(first, then, scope)])
    }

    /// The tightest window of a command at a scope: how many fit, and in how many ticks.
    pub fn window(&self, command: Command, scope: Scope) -> Option<(u8, Tick)> {
        self.windows
            .iter()
            .filter(|window| window.command == command && window.scope == scope)
            .min_by_key(|window| window.count)
            .map(|window| (window.count, window.distance))
    }

    /// Every window: GDDR has one of 4 and one of 32 activations.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }
}

fn index(first: Command, then: Command, scope: Scope) -> usize {
    (scope as usize * COMMANDS + first as usize) * COMMANDS + then as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_of_equal_pairs_counts_and_scopes_stay_apart() {
        let base = Constraint {
            first: Command::Act,
            then: Command::Act,
            scope: Scope::Rank,
            sibling: false,
            distance: 4,
            per_step: 0,
            window: 1,
        };
        let distances = Distances::new(&[
            base,
            Constraint {
                distance: 6,
                ..base
            },
            Constraint {
                distance: 30,
                per_step: 0,
                window: 4,
                ..base
            },
            Constraint {
                distance: 9,
                per_step: 0,
                sibling: true,
                ..base
            },
        ]);
        let act = Command::Act;
        assert_eq!(distances.get(act, act, Scope::Rank), 6);
        assert_eq!(distances.get(act, act, Scope::Bank), 0);
        assert_eq!(distances.sibling(act, act, Scope::Rank), 9);
        assert_eq!(distances.window(act, Scope::Rank), Some((4, 30)));
        assert_eq!(distances.window(act, Scope::Channel), None);
    }
}
