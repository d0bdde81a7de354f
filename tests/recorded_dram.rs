//! Recorded runs of the reference simulators, row by row, to the last digit. The table was measured
//! for this project with unmodified simulators.

use crate::standards::part;
use crate::support::root;
use memwall_sim::dram::policy::Policy;
use memwall_sim::dram::{Command, NoObserver, Outcome, Requests, Standard, Workload};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A recorded run.
pub struct Row {
    cells: BTreeMap<String, String>,
}

impl Row {
    fn text(&self, column: &str) -> &str {
        &self.cells[column]
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.text("config"), self.text("workload"))
    }

    /// The part whose file is the simulator's configuration.
    pub fn standard(&self, prefix: &str) -> Arc<Standard> {
        part(&format!(
            "{prefix}-{}",
            self.text("config").to_lowercase().replace('_', "-")
        ))
    }

    pub fn requests(&self, standard: &Standard) -> Requests {
        let workload = Workload::named(self.text("workload")).expect("a workload rule");
        let requests = self.text("requests").parse().expect("a number");
        Requests::new(workload, &standard.organisation, requests)
    }

    /// DRAMsim3 counts hits; Ramulator's were derived from the counts of its commands, where rows
    /// that a refresh closed before their first use count as well.
    fn row_hits(&self, outcome: &Outcome) -> u64 {
        if self.text("simulator") == "DRAMsim3" {
            return outcome.row_hits;
        }
        let columns = outcome.of(Command::Rd) + outcome.of(Command::Wr);
        columns.saturating_sub(outcome.of(Command::Act))
    }

    /// Columns whose printed value is another.
    pub fn differences(&self, outcome: &Outcome) -> Vec<String> {
        let latencies = &outcome.latencies;
        let reads = latencies.count();
        let mean = latencies.total() as f64 / reads.max(1) as f64;
        let rank = |rank: u64| latencies.at_rank(rank).unwrap_or(0) as f64;
        let of = |command| outcome.of(command) as f64;
        let figures = [
            ("cycles", outcome.cycles as f64),
            ("row_hits", self.row_hits(outcome) as f64),
            ("n_ACT", of(Command::Act)),
            ("n_PRE", of(Command::Pre) + of(Command::PreAll)),
            ("n_RD", of(Command::Rd)),
            ("n_WR", of(Command::Wr)),
            ("n_REF", of(Command::Ref)),
            ("lat_avg_cyc", mean),
            ("lat_min_cyc", rank(0)),
            ("lat_p50_cyc", rank(reads / 2)),
            ("lat_p99_cyc", rank(reads * 99 / 100)),
            ("lat_max_cyc", rank(reads.saturating_sub(1))),
        ];
        let mut found = Vec::new();
        for (column, ours) in figures {
            let theirs = self.text(column);
            let digits = theirs.split_once('.').map_or(0, |(_, digits)| digits.len());
            // Four digits are printed; trailing zeros are not.
            let printed = format!("{ours:.4}");
            let value: f64 = theirs.parse().expect("a number");
            if format!("{value:.4}") != printed && digits <= 4 {
                found.push(format!("{}: {column} {theirs}, ours {ours}", self.name()));
            }
        }
        found
    }
}

/// The rows of one simulator.
pub fn rows(simulator: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(root().join("tests/reference/dram.tsv"))
        .expect("a table of the checkout");
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().expect("a head").split('\t').collect();
    let row = |line: &str| Row {
        cells: head
            .iter()
            .zip(line.split('\t'))
            .map(|(column, cell)| ((*column).to_owned(), cell.to_owned()))
            .collect(),
    };
    lines
        .map(row)
        .filter(|row| row.text("simulator") == simulator)
        .collect()
}

/// Runs every row of a simulator and lists what differs.
fn compare(simulator: &str, prefix: &str, policy: Policy) {
    let rows = rows(simulator);
    assert!(rows.len() > 50);
    let mut found = Vec::new();
    for row in rows {
        let standard = row.standard(prefix);
        let mut requests = row.requests(&standard);
        let outcome = policy
            .run(&standard, &mut requests, &mut [NoObserver])
            .expect("a part of this policy");
        found.extend(row.differences(&outcome));
        if let Some(energy) = &standard.energy
            && let Ok(theirs) = row.text("energy_total_uJ").parse::<f64>()
        {
            let ours = energy.of(&outcome).total_fj() as f64 / 1e9;
            if (ours / theirs - 1.0).abs() > 0.02 {
                found.push(format!("{}: {theirs} uJ, ours {ours}", row.name()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_row_of_dramsim3() {
    compare("DRAMsim3", "dramsim3", Policy::DramSim3);
}

#[test]
fn every_row_of_ramulator() {
    compare("Ramulator2.1", "ramulator", Policy::Ramulator);
}
