//! When a command may be issued.

use super::Stepped;
use memwall_sim::dram::constraint::Constraint;
use memwall_sim::dram::gates::Place;
use memwall_sim::dram::{Command, Scope};
use memwall_sim::time::Tick;
use std::sync::Arc;

impl Stepped {
    pub(super) fn place(&self, bank: usize) -> Place {
        self.standard.organisation.place(bank)
    }

    pub(super) fn reaches(rule: &Constraint, from: Place, to: Place) -> bool {
        let same = |scope| match scope {
            Scope::Bank => from.bank == to.bank,
            Scope::Group => from.group == to.group,
            Scope::Rank => from.rank == to.rank,
            Scope::PseudoChannel | Scope::Channel => true,
        };
        match (rule.scope, rule.sibling) {
            (scope, false) => same(scope),
            (Scope::Bank, true) => same(Scope::Group) && !same(Scope::Bank),
            (Scope::Group, true) => same(Scope::Rank) && !same(Scope::Group),
            (_, true) => !same(Scope::Rank),
        }
    }

    pub(super) fn hold(&mut self, bank: usize, command: Command, at: Tick) {
        let allowed = &mut self.allowed[bank][command as usize];
        *allowed = (*allowed).max(at);
    }

    pub(super) fn record(&mut self, command: Command, bank: usize, comps: Tick) {
        let standard = Arc::clone(&self.standard);
        let from = self.place(bank);
        for rule in &standard.constraints {
            if rule.first != command || rule.window > 1 {
                continue;
            }
            let run = command == Command::CompsReadres;
            if run && !self.p.result_off_bus && matches!(rule.then, Command::Rd | Command::Wr) {
                continue;
            }
            let at = self.t + rule.distance + rule.per_step * comps;
            for to in 0..self.banks.len() {
                if !Stepped::reaches(rule, from, self.place(to)) {
                    continue;
                }
                self.hold(to, rule.then, at);
                if run && rule.then == Command::CompsReadres && !self.p.early_precharge {
                    self.hold(to, Command::PimPre, at);
                }
            }
        }
        let count = match command {
            Command::Act => 1,
            Command::GAct if !self.p.gact_outside_window => 4,
            _ => 0,
        };
        for _ in 0..count {
            self.activations[from.rank].push_front(self.t);
        }
    }

    pub(super) fn ready(&self, command: Command, bank: usize) -> bool {
        let timing = &self.standard.timing;
        let past = &self.activations[self.place(bank).rank];
        let within = past
            .iter()
            .take_while(|at| **at + timing.faw > self.t)
            .count();
        let beside_results = |distance: Tick| {
            let near = |result: &Tick| self.t.abs_diff(*result) < distance;
            !self.results.iter().any(near)
        };
        let free = match command {
            Command::Act => within < 4,
            Command::GAct if !self.p.gact_outside_window => within == 0,
            Command::Rd => beside_results(timing.burst + timing.rtrs),
            Command::Wr => beside_results(timing.cl + timing.burst + timing.rtrs - timing.cwl),
            _ => true,
        };
        free && self.t >= self.allowed[bank][command as usize]
    }
}
