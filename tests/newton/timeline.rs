//! Command by command, as the published simulator issues them.

use crate::support::part;
use memwall_sim::dram::{Command, CommandLog, Issued};
use memwall_sim::pim::newton::port::{Ask, Coordinates, Port, Transaction};
use memwall_sim::pim::newton::{Newton, Parameters};
use memwall_sim::time::Tick;
use std::collections::VecDeque;

/// A transaction on a row; of the bank 0.
fn on(row: u32, ask: Ask) -> Transaction {
    let at = Coordinates {
        row,
        ..Coordinates::default()
    };
    Transaction { ask, at, tag: 0 }
}

/// Header and read-outs of a tile.
fn tile(row: u32, comps: u32, read_outs: u32) -> Vec<Transaction> {
    let mut list = vec![on(
        row,
        Ask::Header {
            comps: comps * read_outs,
            read_outs,
        },
    )];
    for read_out in 1..=read_outs {
        let last = read_out == read_outs;
        list.push(on(row, Ask::CompsReadres { comps, last }));
    }
    list
}

/// The commands of a program, offered two a tick from tick `from` on.
fn log(program: Vec<Transaction>, from: Tick, until: Tick) -> Vec<Issued> {
    let standard = part("newtonsim-hbm2-dual", &[]);
    let mut channel = Newton::new(&standard, Parameters::default()).expect("a part of its own");
    let mut log = CommandLog::default();
    let mut program = VecDeque::from(program);
    while channel.now() < until {
        for _ in 0..2 {
            if channel.now() >= from
                && let Some(next) = program.front()
                && channel.has_room(next.ask)
            {
                channel.offer(*next);
                program.pop_front();
            }
        }
        channel.tick_with(&mut log);
    }
    assert!(program.is_empty());
    log.0
}

fn times(log: &[Issued], command: Command) -> Vec<Tick> {
    let of = log.iter().filter(|issued| issued.command == command);
    of.map(|issued| issued.at).collect()
}

#[test]
fn a_logit_tile() {
    let mut program = vec![on(0, Ask::Gwrite)];
    program.extend((1..=3).flat_map(|row| tile(row, 8, 4)));
    let log = log(program, 3, 700);
    assert_eq!(times(&log, Command::Act), [4]);
    assert_eq!(times(&log, Command::Gwrite), [18]);
    assert_eq!(times(&log, Command::Header), [114, 311, 508]);
    let g_acts = times(&log, Command::GAct);
    assert_eq!(g_acts[..8], [115, 116, 145, 146, 175, 176, 205, 206]);
    let read_outs = times(&log, Command::CompsReadres);
    assert_eq!(read_outs[..5], [220, 238, 256, 274, 220 + 197]);
    let closed: Vec<Tick> = (279..=310).chain(476..=507).collect();
    assert_eq!(times(&log, Command::PimPre), closed);
    // Rank by rank, a group of each in turn.
    let groups: Vec<usize> = log
        .iter()
        .filter(|issued| issued.command == Command::GAct)
        .map(|issued| issued.bank)
        .collect();
    assert_eq!(groups[..8], [0, 16, 4, 20, 8, 24, 12, 28]);
}

#[test]
fn attend_tiles_take_143_ticks_whatever_their_steps() {
    for comps in [4, 8, 16, 32] {
        let mut program = vec![on(0, Ask::Gwrite)];
        program.extend((1..=6).flat_map(|row| tile(row, comps, 1)));
        let log = log(program, 3, 1100);
        let read_outs = times(&log, Command::CompsReadres);
        let expected: Vec<Tick> = (0..6).map(|tile| 220 + 143 * tile).collect();
        assert_eq!(read_outs, expected, "{comps} steps");
    }
}
