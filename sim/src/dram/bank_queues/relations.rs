//! The constraint list as distances between two commands by how their banks lie to each other, and
//! what of it the controller has no gate for.

use super::super::command::Command;
use super::super::constraint::{Constraint, RELATIONS, Scope, by_relation};
use super::tables::{AfterColumn, MAX_WINDOW, Refused, Window};

/// Largest distance between two commands by how their banks lie to each other.
pub(super) struct Distances<'a>(pub(super) &'a [Constraint]);

impl Distances<'_> {
    pub(super) fn of(&self, first: Command, then: Command) -> [u32; RELATIONS] {
        // Farther apart than a day of ticks is as good as never.
        by_relation(self.0, first, then).map(|ticks| ticks.min(1 << 28) as u32)
    }

    /// The same, where only banks of the same rank may be reached and a nearer bank never waits for
    /// less than a farther one.
    pub(super) fn nested(
        &self,
        first: Command,
        then: Command,
    ) -> Result<[u32; RELATIONS], Refused> {
        let d = self.of(first, then);
        let nested = d[0] >= d[1] && d[1] >= d[2];
        if nested && d[3] == 0 && d[4] == 0 {
            return Ok(d);
        }
        Err(self.refuse(first, then))
    }

    /// The same, where only the bank itself may be reached.
    pub(super) fn own(&self, first: Command, then: Command) -> Result<u32, Refused> {
        let d = self.nested(first, then)?;
        if d[1] > 0 {
            return Err(self.refuse(first, then));
        }
        if d[0] == 0 {
            return Err(Refused::Missing(first, then));
        }
        Ok(d[0])
    }

    pub(super) fn refuse(&self, first: Command, then: Command) -> Refused {
        let mut list = self.0.iter();
        list.find(|c| c.first == first && c.then == then)
            .map_or(Refused::Missing(first, then), |c| Refused::Constraint(*c))
    }

    /// Column to column: nested, and any distance to other ranks.
    pub(super) fn column(
        &self,
        first: Command,
        then: Command,
    ) -> Result<[u32; RELATIONS], Refused> {
        let d = self.of(first, then);
        if d[0] > d[1] || d[1] < d[2] {
            return Err(self.refuse(first, then));
        }
        if d[2] == 0 {
            return Err(Refused::Missing(first, then));
        }
        Ok(d)
    }

    pub(super) fn after_column(&self, first: Command) -> Result<AfterColumn, Refused> {
        let read = self.column(first, Command::Rd)?;
        let write = self.column(first, Command::Wr)?;
        Ok(AfterColumn {
            group_read: read[1],
            rank_read: read[2],
            group_write: write[1],
            rank_write: write[2],
            pre: self.own(first, Command::Pre)?,
        })
    }

    pub(super) fn windows(&self) -> Result<Vec<Window>, Refused> {
        let mut windows = Vec::new();
        for constraint in self.0.iter().filter(|c| c.window > 1) {
            let count = usize::from(constraint.window);
            let activations = constraint.first == Command::Act && constraint.then == Command::Act;
            let rank = constraint.scope == Scope::Rank && !constraint.sibling;
            if !activations || !rank || count > MAX_WINDOW {
                return Err(Refused::Constraint(*constraint));
            }
            windows.push(Window {
                count,
                ticks: constraint.distance.min(1 << 28) as u32,
            });
        }
        Ok(windows)
    }
}
