//! The earliest tick of every command at every bank, raised constraint by constraint.

use memwall_sim::dram::constraint::{Constraint, Scope};
use memwall_sim::dram::{Command, Organisation};

pub struct Table {
    constraints: Vec<Constraint>,
    organisation: Organisation,
    /// By command, then bank.
    earliest: Vec<Vec<u64>>,
    /// Ticks of past commands by windowed constraint, then unit, oldest first.
    history: Vec<Vec<Vec<u64>>>,
}

impl Table {
    pub fn new(constraints: &[Constraint], organisation: &Organisation) -> Table {
        Table {
            constraints: constraints.to_vec(),
            organisation: organisation.clone(),
            earliest: vec![vec![0; organisation.banks()]; Command::ALL.len()],
            history: vec![vec![Vec::new(); organisation.banks()]; constraints.len()],
        }
    }

    /// Unit of a bank at a level, and its parent: two banks are siblings if they share the parent
    /// and not the unit.
    fn units(&self, scope: Scope, bank: usize) -> (usize, usize) {
        let place = self.organisation.place(bank);
        match scope {
            Scope::Bank => (bank, place.group),
            Scope::Group => (place.group, place.rank),
            Scope::Rank => (place.rank, place.pseudo_channel),
            Scope::PseudoChannel => (place.pseudo_channel, 0),
            Scope::Channel => (0, 0),
        }
    }

    pub fn ready(&self, command: Command, bank: usize, at: u64) -> bool {
        self.earliest[command as usize][bank] <= at
    }

    pub fn issue(&mut self, command: Command, bank: usize, at: u64) {
        for index in 0..self.constraints.len() {
            let rule = self.constraints[index];
            if rule.first != command {
                continue;
            }
            let (unit, parent) = self.units(rule.scope, bank);
            let mut from = at;
            if rule.window > 1 {
                let history = &mut self.history[index][unit];
                history.push(at);
                if history.len() < usize::from(rule.window) {
                    continue;
                }
                from = history[history.len() - usize::from(rule.window)];
            }
            for other in 0..self.organisation.banks() {
                let (its_unit, its_parent) = self.units(rule.scope, other);
                let reached = if rule.sibling {
                    its_parent == parent && its_unit != unit
                } else {
                    its_unit == unit
                };
                if reached {
                    let earliest = &mut self.earliest[rule.then as usize][other];
                    *earliest = (*earliest).max(from + rule.distance);
                }
            }
        }
    }
}
