//! The five parts of which runs of Ramulator 2.1 are recorded: shape, interface and constraints as
//! that simulator exported them.

use crate::support::root;
use memwall_sim::dram::constraint::{Constraint, Scope};
use memwall_sim::dram::window::{DataClock, Protocol, TwoPhase};
use memwall_sim::dram::{Command, Digit, Organisation};

/// A part as the window controllers need it.
#[derive(Debug, Clone)]
pub struct Part {
    pub organisation: Organisation,
    pub protocol: Protocol,
    pub constraints: Vec<Constraint>,
}

pub const NAMES: [&str; 5] = [
    "HBM2_2000",
    "HBM3_6400",
    "DDR5_4800",
    "LPDDR5_6400",
    "DDR4_3200",
];

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/reference").join(name)).expect("recorded")
}

fn command(name: &str) -> Option<Command> {
    Some(match name {
        "ACT" | "ACT1" => Command::Act,
        "ACT2" => Command::Act2,
        "PREpb" => Command::Pre,
        "PREab" => Command::PreAll,
        "RD" => Command::Rd,
        "WR" => Command::Wr,
        "RDA" => Command::RdA,
        "WRA" => Command::WrA,
        "REFab" => Command::Ref,
        "REFpb" => Command::RefBank,
        "CAS_RD" | "CAS_WR" => Command::Cas,
        _ => return None,
    })
}

fn scope(name: &str) -> Scope {
    match name {
        "Bank" => Scope::Bank,
        "BankGroup" => Scope::Group,
        "Rank" | "Sid" => Scope::Rank,
        "PseudoChannel" => Scope::PseudoChannel,
        _ => Scope::Channel,
    }
}

/// Constraints of a part, one for each pair of commands.
pub fn constraints(part: &str) -> Vec<Constraint> {
    let mut all = Vec::new();
    for line in read("ramulator_constraints.tsv").lines().skip(1) {
        let f: Vec<&str> = line.split('\t').collect();
        if f[0] != part {
            continue;
        }
        for first in f[3].split(' ').filter_map(command) {
            for then in f[4].split(' ').filter_map(command) {
                all.push(Constraint {
                    first,
                    then,
                    scope: scope(f[2]),
                    sibling: f[7] == "1",
                    distance: f[5].parse().expect("ticks"),
                    per_step: 0,
                    window: f[6].parse().expect("a window"),
                });
            }
        }
    }
    all
}

/// pseudo-channels, ranks, groups, banks, rows, columns, burst; read latency, interval.
type Shape = ([u64; 7], u64, u64);

pub fn part(name: &str) -> Part {
    use Digit::{Bank, BankGroup, Channel, Column, PseudoChannel, Rank, Row};
    let (shape, read_latency, refresh_interval): Shape = match name {
        "HBM2_2000" => ([2, 1, 4, 4, 32768, 32, 32], 16, 3900),
        "HBM3_6400" => ([2, 2, 4, 4, 16384, 32, 32], 44, 12480),
        "DDR5_4800" => ([1, 1, 8, 4, 65536, 64, 64], 42, 9375),
        "LPDDR5_6400" => ([1, 1, 4, 4, 65536, 64, 32], 19, 3125),
        _ => ([1, 1, 4, 4, 65536, 128, 64], 26, 12480),
    };
    let [pseudo, ranks, groups, banks, rows, columns, burst] = shape;
    let hbm = name.starts_with("HBM");
    let low_power = name.starts_with("LPDDR5");
    Part {
        organisation: Organisation {
            channels: 1,
            pseudo_channels: pseudo as usize,
            ranks: ranks as usize,
            bank_groups: groups as usize,
            banks_per_group: banks as usize,
            rows,
            row_bytes: columns * burst,
            burst_bytes: burst,
            mapping: [Row, Bank, BankGroup, Rank, PseudoChannel, Column, Channel],
            xor: Vec::new(),
        },
        protocol: Protocol {
            two_slots: hbm,
            rising_edges: name == "HBM3_6400",
            two_phase: low_power.then_some(TwoPhase { deadline: 8 }),
            // nCL or nCWL, shortest burst, nWCKPST.
            data_clock: low_power.then_some(DataClock {
                read: 17 + 2 + 1,
                write: 9 + 2 + 1,
            }),
            read_latency,
            refresh_interval,
            all_bank: if hbm {
                Scope::PseudoChannel
            } else {
                Scope::Rank
            },
        },
        constraints: constraints(name),
    }
}

/// A recorded run.
#[derive(Debug, Clone)]
pub struct Row {
    pub part: String,
    pub workload: String,
    pub requests: u64,
    pub cycles: u64,
    /// Mean as printed.
    pub mean: String,
    /// Minimum, p50, p99, maximum.
    pub latencies: [u64; 4],
    pub hits: u64,
    /// ACT, PRE, RD, WR, REF.
    pub commands: [u64; 5],
}

/// Every recorded run of Ramulator.
pub fn rows() -> Vec<Row> {
    let text = read("dram.tsv");
    let mut all = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("Ramulator")) {
        let f: Vec<&str> = line.split('\t').collect();
        let number = |i: usize| f[i].parse::<u64>().expect("a count");
        all.push(Row {
            part: f[1].to_owned(),
            workload: f[2].to_owned(),
            requests: number(4),
            cycles: number(9),
            mean: f[12].to_owned(),
            latencies: [number(13), number(14), number(15), number(16)],
            hits: number(18),
            commands: [22, 23, 24, 25, 26].map(number),
        });
    }
    all
}
