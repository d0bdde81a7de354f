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

/// The commands of programs, each offered two transactions a tick from its tick on.
fn log_of(programs: Vec<(Tick, Vec<Transaction>)>, until: Tick) -> Vec<Issued> {
    let standard = part("newtonsim-hbm2-dual", &[]);
    let mut channel = Newton::new(&standard, Parameters::default()).expect("a part of its own");
    let mut log = CommandLog::default();
    let with_tick =
        |(from, list): (Tick, Vec<Transaction>)| list.into_iter().map(move |t| (from, t));
    let mut program: VecDeque<_> = programs.into_iter().flat_map(with_tick).collect();
    while channel.now() < until {
        for _ in 0..2 {
            if let Some((from, next)) = program.front()
                && channel.now() >= *from
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

/// Those of one program.
fn log(program: Vec<Transaction>, from: Tick, until: Tick) -> Vec<Issued> {
    log_of(vec![(from, program)], until)
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

/// One request on one channel: its logits, and when they are stored, what is attended. As recorded
/// with the published simulator (7B, four devices): heads and elements of a head, context, and the
/// core cycles in which the two ends of the request's programs were seen.
const REQUESTS: [(u32, u32, u32, Tick, Option<Tick>); 5] = [
    (8, 128, 512, 8707, Some(7305)),
    (8, 128, 128, 1782, None),
    (16, 64, 32, 681, Some(7910)),
    (16, 64, 128, 2719, None),
    (16, 64, 256, 4919, Some(7715)),
];

/// Cycles of a softmax over `n` bytes in vector units of 128 lanes: two trees and three passes.
fn softmax(n: Tick) -> Tick {
    fn tree(n: Tick) -> Tick {
        if n <= 128 {
            1
        } else {
            n.div_ceil(128) + tree(n.div_ceil(128))
        }
    }
    2 * tree(n) + 3 * n.div_ceil(128)
}

fn vector(column: u16) -> Transaction {
    let mut vector = on(0, Ask::Gwrite);
    vector.at.column = column;
    vector
}

/// Tiles of a request's keys.
fn logits(heads: u32, elements: u32, context: u32) -> Vec<Transaction> {
    let mut program = Vec::new();
    let groups = context.div_ceil(32);
    for chunk in 0..heads * elements / 512 {
        program.push(vector(0));
        let rows = 1 + chunk * groups..1 + (chunk + 1) * groups;
        program.extend(rows.flat_map(|row| tile(row, elements / 16, 512 / elements)));
    }
    program
}

/// Tiles of its values, for a context of one row.
fn values(heads: u32, elements: u32, context: u32) -> Vec<Transaction> {
    let mut program = Vec::new();
    let groups = elements / 32;
    for head in 0..heads {
        program.push(vector(8));
        let rows = 1000 + head * groups..1000 + (head + 1) * groups;
        program.extend(rows.flat_map(|row| tile(row, context / 16, 1)));
    }
    program
}

/// Refreshes, refused tiles and vectors of a whole request end where those of the recorded one do.
#[test]
fn whole_requests() {
    for (heads, elements, context, logit, attend) in REQUESTS {
        let first = (3, logits(heads, elements, context));
        let end = |programs, until| {
            let log = log_of(programs, until);
            *times(&log, Command::CompsReadres).last().expect("a tile")
        };
        // Result, softmax and store.
        let tail = 18 + softmax(2 * u64::from(context)) + 6;
        let case = format!("{heads} x {elements}, {context}");
        assert_eq!(end(vec![first.clone()], logit) + tail, logit, "{case}");
        if let Some(attend) = attend {
            let second = (logit + 2, values(heads, elements, context));
            let until = logit + attend;
            assert_eq!(end(vec![first, second], until) + 19, until, "{case}");
        }
    }
}
