//! Standards as data: every shipped part loads, the distances of the parity parts are those of the
//! simulators, and every constraint holds to the tick.

use crate::support::{Shipped, names, root};
use memwall_sim::dram::command::COMMANDS;
use memwall_sim::dram::gates::Gates;
use memwall_sim::dram::rules::Rules;
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

/// Whether a constraint from one bank reaches another, by where they lie.
pub fn reaches(part: &Standard, constraint: &Constraint, from: usize, to: usize) -> bool {
    let (a, b) = (part.places[from], part.places[to]);
    let pseudo = a.pseudo_channel == b.pseudo_channel;
    let (rank, group) = (a.rank == b.rank, a.group == b.group);
    match (constraint.scope, constraint.sibling) {
        (Scope::Bank, false) => from == to,
        (Scope::Bank, true) => group && from != to,
        (Scope::Group, false) => group,
        (Scope::Group, true) => rank && !group,
        (Scope::Rank, false) => rank,
        (Scope::Rank, true) => pseudo && !rank,
        (Scope::PseudoChannel, false) => pseudo,
        (Scope::PseudoChannel, true) => !pseudo,
        (Scope::Channel, _) => true,
    }
}

/// For every shipped part and constraint: after the first command at a tick, the second is legal
/// exactly the distance later where the constraint reaches, and at once where it does not.
#[test]
fn every_constraint_holds_to_the_tick() {
    let start = 1000;
    for part in parts() {
        let banks = part.organisation.banks();
        for constraint in part.constraints.iter().filter(|c| c.window == 1) {
            let rules = Rules::of(std::slice::from_ref(constraint), &part.organisation);
            for from in [0, banks / 2, banks - 1] {
                let mut gates = Gates::new(&part.organisation, &[]);
                gates.issued(rules.after(constraint.first), part.places[from], start, 0);
                for to in 0..banks {
                    let ready = gates.ready(constraint.then, part.places[to]);
                    let expected =
                        if reaches(&part, constraint, from, to) && constraint.distance > 0 {
                            start + constraint.distance
                        } else {
                            0
                        };
                    assert_eq!(ready, expected, "{}: {constraint:?} {from} {to}", part.name);
                }
            }
        }
    }
}

/// All constraints together: the second command is legal at the longest distance that reaches it,
/// not a tick earlier; the compiled table says the same.
#[test]
fn constraints_together_give_the_longest_distance() {
    for part in parts() {
        let banks = part.organisation.banks();
        let rules = Rules::of(&part.constraints, &part.organisation);
        for (first, _) in part.interface.commands() {
            let mut gates = Gates::new(&part.organisation, part.distances.windows());
            gates.issued(rules.after(first), part.places[0], 0, 0);
            for (then, _) in part.interface.commands() {
                for to in 0..banks {
                    let longest = part
                        .constraints
                        .iter()
                        .filter(|c| (c.first, c.then, c.window) == (first, then, 1))
                        .filter(|c| reaches(&part, c, 0, to))
                        .map(|c| c.distance)
                        .max()
                        .unwrap_or(0);
                    let place = part.places[to];
                    assert_eq!(gates.ready(then, place), longest, "{}", part.name);
                    assert_eq!(table(&part, first, then, to), longest, "{}", part.name);
                }
            }
        }
    }
}

/// The longest distance to a bank by the compiled table.
fn table(part: &Standard, first: Command, then: Command, to: usize) -> u64 {
    let (a, b) = (part.places[0], part.places[to]);
    let levels = [
        (Scope::Bank, a.bank == b.bank, a.group == b.group),
        (Scope::Group, a.group == b.group, a.rank == b.rank),
        (
            Scope::Rank,
            a.rank == b.rank,
            a.pseudo_channel == b.pseudo_channel,
        ),
        (
            Scope::PseudoChannel,
            a.pseudo_channel == b.pseudo_channel,
            true,
        ),
        (Scope::Channel, true, true),
    ];
    levels
        .into_iter()
        .map(|(scope, same, parent)| {
            if same {
                part.distances.get(first, then, scope)
            } else if parent {
                part.distances.sibling(first, then, scope)
            } else {
                0
            }
        })
        .max()
        .unwrap_or(0)
}

/// Windows: the command after a full window is legal when the oldest leaves it, not a tick before.
#[test]
fn windows_hold_to_the_tick() {
    let mut seen = 0;
    for part in parts() {
        for window in part.distances.windows() {
            assert_eq!(window.command, Command::Act);
            let mut gates = Gates::new(&part.organisation, std::slice::from_ref(window));
            for index in 0..u64::from(window.count) {
                assert!(gates.window(0, 1) <= 10 + index, "{}", part.name);
                gates.activate(0, 1, 10 + index);
            }
            assert_eq!(gates.window(0, 1), 10 + window.distance, "{}", part.name);
            gates.activate(0, 1, 10 + window.distance);
            assert_eq!(gates.window(0, 1), 11 + window.distance, "{}", part.name);
            for rank in 1..part.organisation.units() {
                let pseudo = rank % part.organisation.pseudo_channels == 0;
                let shared = window.scope == Scope::PseudoChannel && pseudo;
                assert_eq!(gates.window(rank, 1) > 0, shared, "{}", part.name);
            }
            seen += 1;
        }
    }
    assert!(seen >= parts().len());
}

/// DRAMsim3's own increments, from the energies and counts of its runs (reference.tsv).
#[test]
fn energies_are_those_of_dramsim3() {
    // part; activations, energy; reads, energy; refreshes, energy; writes, energy: counts and uJ.
    let rows: [(&str, [(f64, f64); 4]); 4] = [
        (
            "dramsim3-hbm2-8gb-x128",
            [
                (100_252.0, 83.0087),
                (100_000.0, 80.4),
                (209.0, 12.7156),
                (99_944.0, 106.7402),
            ],
        ),
        (
            "dramsim3-ddr4-8gb-x8-3200",
            [
                (100_176.0, 424.1051),
                (100_000.0, 280.6272),
                (72.0, 48.2834),
                (99_952.0, 236.9678),
            ],
        ),
        (
            "dramsim3-lpddr4-8gb-x16-2400",
            [
                (100_171.0, 696.7959),
                (100_000.0, 624.6912),
                (97.0, 35.2966),
                (99_952.0, 576.6063),
            ],
        ),
        (
            "dramsim3-gddr6-8gb-x16",
            [
                (50_003.0, 286.5628),
                (100_000.0, 133.2936),
                (111.0, 22.4307),
                (99_952.0, 121.1178),
            ],
        ),
    ];
    for (name, reference) in rows {
        let energy = part(name).energy.clone().expect("currents");
        let refresh = energy.refresh_fj.expect("IDD5");
        let ours = [energy.activate_fj, energy.read_fj, refresh, energy.write_fj];
        for (ours, (count, microjoules)) in ours.into_iter().zip(reference) {
            let ratio = ours as f64 * count / (microjoules * 1e9);
            assert!((ratio - 1.0).abs() < 0.002, "{name}: {ratio}");
        }
    }
    // seq_read on HBM2: 216,705 ticks of standby, most of them with a row open.
    let energy = part("dramsim3-hbm2-8gb-x128")
        .energy
        .clone()
        .expect("currents");
    let mut commands = [0; COMMANDS];
    commands[Command::Act as usize] = 3323;
    commands[Command::Rd as usize] = 100_000;
    commands[Command::Ref as usize] = 55;
    let spent = energy.spent(&commands, 204_000, 12_705);
    assert!(spent.is_complete());
    let total = spent.total_fj() as f64 / 1e9;
    assert!((total / 100.5289 - 1.0).abs() < 0.01, "{total}");
}

#[test]
fn what_has_no_source_says_so() {
    for part in parts() {
        let inherits = [
            "gddr6-aim-16000",
            "hbm2e-3200",
            "hbm3e-9600",
            "hbm4-8000",
            "lpddr5x-8533",
        ];
        assert_eq!(
            part.inherited.is_some(),
            inherits.contains(&part.name.as_str()),
            "{}",
            part.name
        );
    }
    assert_eq!(part("ddr5-4800").energy, None);
    let stack = part("hbm3-6400").energy.clone().expect("per bit");
    let spent = stack.spent(&[1; COMMANDS], 10, 10);
    assert_eq!((spent.refresh_fj, spent.standby_fj), (None, None));
    assert!(!spent.is_complete());
    assert_eq!(stack.read_fj, 256 * 3480);
}

#[test]
fn peaks_are_those_of_the_interfaces() {
    for (name, gigabytes) in [
        ("ddr4-3200", 25.6),
        ("ddr5-4800", 38.4),
        ("lpddr4-2400", 19.2),
        ("lpddr5-6400", 51.2),
        ("lpddr5x-8533", 68.3),
        ("gddr6-14000", 56.0),
        ("hbm1-1000", 128.0),
        ("hbm2-2000-legacy", 256.0),
        ("hbm2-2000", 256.0),
        ("hbm2e-3200", 409.6),
        ("hbm3-6400", 819.2),
        ("hbm3e-9600", 1228.8),
        ("hbm4-8000", 2048.0),
        ("dramsim3-hbm2-8gb-x128", 32.0),
        ("dramsim3-gddr6-8gb-x16", 129.3),
        ("ramulator-hbm3-6400", 51.3),
        ("ramulator-ddr5-4800", 19.2),
        ("ramulator-lpddr5-6400", 12.8),
    ] {
        let peak = part(name).peak_bytes_per_s() as f64 / 1e9;
        assert!((peak / gigabytes - 1.0).abs() < 0.003, "{name}: {peak}");
    }
}

#[test]
fn read_latencies_are_those_of_the_simulators() {
    for (name, ticks) in [
        ("ramulator-hbm2-2000", 16),
        ("ramulator-hbm3-6400", 44),
        ("ramulator-ddr5-4800", 42),
        ("ramulator-lpddr5-6400", 19),
        ("ramulator-ddr4-3200", 26),
    ] {
        assert_eq!(part(name).read_latency(), ticks, "{name}");
    }
}
