//! Standards as data: every shipped part loads, the distances of the parity parts are those of the
//! simulators, and every constraint holds to the tick.

use crate::support::{Shipped, names, root};
use memwall_sim::dram::{Command, Constraint, Scope, Standard};
use memwall_sim::machine::load_part;
use std::collections::BTreeSet;
use std::sync::Arc;

pub fn part(name: &str) -> Arc<Standard> {
    load_part(&Shipped, name, &[]).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn parts() -> Vec<Arc<Standard>> {
    let names = names("hw-configs/parts");
    assert!(names.len() >= 10);
    names.iter().map(|name| part(name)).collect()
}

#[test]
fn every_part_loads() {
    for part in parts() {
        assert!(!part.constraints.is_empty(), "{}", part.name);
        assert!(part.peak_bytes_per_s() > 1_000_000_000, "{}", part.name);
    }
}

/// One pair as a line of a table.
type Line = (Scope, Command, Command, u64, u8, bool);

fn lines(constraints: &[Constraint]) -> BTreeSet<Line> {
    constraints
        .iter()
        .map(|c| (c.scope, c.first, c.then, c.distance, c.window, c.sibling))
        .collect()
}

/// The table that Ramulator 2.1 exports, its row-hammer commands left out.
fn exported(config: &str) -> BTreeSet<Line> {
    let text = std::fs::read_to_string(root().join("tests/reference/ramulator_constraints.tsv"))
        .expect("a table of the checkout");
    let command = |name: &str| match name {
        "ACT" | "ACT1" => Some(Command::Act),
        "PREpb" => Some(Command::Pre),
        "PREab" => Some(Command::PreAll),
        "RD" => Some(Command::Rd),
        "RDA" => Some(Command::RdA),
        "WR" => Some(Command::Wr),
        "WRA" => Some(Command::WrA),
        "REFab" => Some(Command::Ref),
        "REFpb" => Some(Command::RefBank),
        "CAS_RD" | "CAS_WR" => Some(Command::Cas),
        "RFMab" | "RFMpb" => None,
        other => panic!("{other}"),
    };
    let scope = |name: &str| match name {
        "Channel" => Scope::Channel,
        "PseudoChannel" => Scope::PseudoChannel,
        "Sid" | "Rank" => Scope::Rank,
        "BankGroup" => Scope::Group,
        "Bank" => Scope::Bank,
        other => panic!("{other}"),
    };
    let mut lines = BTreeSet::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        if fields[0] != config {
            continue;
        }
        for first in fields[3].split(' ').filter_map(command) {
            for then in fields[4].split(' ').filter_map(command) {
                // CAS_RD is followed by reads, CAS_WR by writes; both are CAS here.
                lines.insert((
                    scope(fields[2]),
                    first,
                    then,
                    fields[5].parse().expect("cycles"),
                    fields[6].parse().expect("a window"),
                    fields[7] == "1",
                ));
            }
        }
    }
    assert!(!lines.is_empty(), "{config}");
    lines
}

#[test]
fn ramulator_parts_have_exactly_its_distances() {
    for (name, config) in [
        ("ramulator-hbm2-2000", "HBM2_2000"),
        ("ramulator-hbm3-6400", "HBM3_6400"),
        ("ramulator-ddr5-4800", "DDR5_4800"),
        ("ramulator-lpddr5-6400", "LPDDR5_6400"),
        ("ramulator-ddr4-3200", "DDR4_3200"),
    ] {
        let (ours, theirs) = (lines(&part(name).constraints), exported(config));
        let missing: Vec<_> = theirs.difference(&ours).collect();
        let surplus: Vec<_> = ours.difference(&theirs).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "{name}: missing {missing:#?}, surplus {surplus:#?}"
        );
    }
}
