//! The engine and its stepped twin on random streams of reads, writes and PIM programs: equal
//! commands and equal answers.

use crate::stepped::newton::Stepped;
use crate::support::part;
use memwall_sim::dram::bank_queues::RefreshOrder;
use memwall_sim::dram::command::COMMANDS;
use memwall_sim::dram::{Command, CommandLog, Standard};
use memwall_sim::pim::newton::port::{Answer, Ask, Coordinates, Port, Transaction};
use memwall_sim::pim::newton::{Newton, Parameters};
use memwall_sim::time::Tick;
use std::collections::VecDeque;
use std::sync::Arc;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// What a stream is made of.
#[derive(Debug, Clone, Copy)]
struct Kind {
    part: &'static str,
    /// One host access in three goes to a row of a recent tile.
    meets_tiles: bool,
}

const DUAL: Kind = Kind {
    part: "newtonsim-hbm2-dual",
    meets_tiles: false,
};
const MEETING: Kind = Kind {
    meets_tiles: true,
    ..DUAL
};
const BLOCKED: Kind = Kind {
    part: "newtonsim-hbm2-blocked",
    meets_tiles: false,
};

/// Host requests and PIM transactions, each by the tick from which they are offered, in two queues
/// of which each waits for its head.
type Offers = [VecDeque<(Tick, Transaction)>; 2];

/// Rows of tiles begin here.
const TILES: u32 = 1000;

fn host(random: &mut Random, kind: Kind, ticks: Tick, recent: &[(Tick, u32)]) -> Vec<Access> {
    // Tenths of a tick between accesses: about what a channel serves, a flood, and next to nothing.
    let spacing = random.pick(&[8, 25, 25, 40, 90, 400, 3000]);
    let write_share = random.pick(&[0, 0, 3, 3, 6, 10]);
    let rows = random.pick(&[2, 4, 40]);
    let columns = random.pick(&[2, 16]);
    let banks = random.pick(&[2, 8, 32, 32]);
    let mut list = Vec::new();
    let (mut tenths, mut at) = (0, Coordinates::default());
    while tenths / 10 < ticks {
        tenths += random.below(2 * spacing + 1);
        if random.one_in(400) {
            tenths += 20_000;
        }
        // Runs in a row, as the rest of the address stays.
        if random.one_in(3) {
            let bank = random.below(banks);
            at = Coordinates {
                rank: (bank / 16) as u8,
                group: (bank / 4 % 4) as u8,
                bank: (bank % 4) as u8,
                row: random.below(rows) as u32,
                column: 0,
            };
        }
        at.column = random.below(columns) as u16;
        let now = tenths / 10;
        let last = recent.partition_point(|(from, _)| *from <= now);
        if kind.meets_tiles && last > 0 && random.one_in(3) {
            let back = random.below(4.min(last as u64)) as usize;
            at.row = recent[last - 1 - back].1;
        }
        let write = random.below(10) < write_share;
        list.push((now, if write { Ask::Write } else { Ask::Read }, at));
    }
    list
}

type Access = (Tick, Ask, Coordinates);

/// Programs of tiles, and the rows of the tiles with about when they begin.
fn programs(random: &mut Random, kind: Kind, ticks: Tick) -> (Vec<Access>, Vec<(Tick, u32)>) {
    let (mut list, mut rows) = (Vec::new(), Vec::new());
    if random.one_in(4) {
        return (list, rows);
    }
    let blocked = kind.part == BLOCKED.part;
    let (mut now, mut row) = (random.below(300), TILES);
    let rest = random.pick(&[1, 300, 3000]);
    let bank = random.pick(&[0, 0, 17]);
    while now < ticks {
        let vector = Coordinates {
            rank: bank / 16,
            group: bank / 4 % 4,
            bank: bank % 4,
            row: random.below(2) as u32,
            column: random.pick(&[0, 8]),
        };
        for _ in 0..random.pick(&[0, 1, 1, 1, 2]) {
            list.push((now, Ask::Gwrite, vector));
        }
        for _ in 0..=random.below(6) {
            row += u32::from(!random.one_in(6));
            let at = Coordinates {
                row,
                ..Coordinates::default()
            };
            rows.push((now, row));
            let comps: u32 = random.pick(&[1, 4, 8, 8, 16, 32, 29]);
            let read_outs: u32 = random.pick(&[1, 1, 2, 4, 4, 8]);
            let header = Ask::Header {
                comps: (comps * read_outs).next_power_of_two(),
                read_outs: read_outs.next_power_of_two(),
            };
            list.push((now, header, at));
            for read_out in 1..=read_outs {
                let last = read_out == read_outs;
                if blocked {
                    list.extend((0..comps).map(|_| (now, Ask::Comp, at)));
                    list.push((now, Ask::Readres { last }, at));
                } else {
                    list.push((now, Ask::CompsReadres { comps, last }, at));
                }
                now += random.pick(&[0, 0, 0, 20]);
            }
            now += 250;
        }
        now += random.below(rest);
    }
    (list, rows)
}

fn offers(kind: Kind, seed: u64, ticks: Tick) -> Offers {
    let mut random = Random(seed);
    let (pim, rows) = programs(&mut random, kind, ticks);
    let host = host(&mut random, kind, ticks, &rows);
    let mut tag = 0;
    [host, pim].map(|list| {
        let tagged = list.into_iter().map(|(now, ask, at)| {
            tag += 1;
            (now, Transaction { ask, at, tag })
        });
        tagged.collect()
    })
}

type Trace = (CommandLog, Vec<Answer>);

fn stepped(part: &Arc<Standard>, p: Parameters, mut offers: Offers, ticks: Tick) -> Trace {
    let mut twin = Stepped::new(part, p);
    let (mut log, mut answers) = (CommandLog::default(), Vec::new());
    for t in 0..ticks {
        for queue in &mut offers {
            while let Some((from, next)) = queue.front()
                && *from <= t
                && twin.has_room(next.ask)
            {
                twin.offer(*next);
                queue.pop_front();
            }
        }
        twin.tick(&mut log);
        answers.extend(std::iter::from_fn(|| twin.answer()));
    }
    (log, answers)
}

/// The engine from event to event: no tick is gone through on its own unless somebody waits for
/// room.
fn jumping(part: &Standard, p: Parameters, mut offers: Offers, ticks: Tick) -> Trace {
    let mut channel = Newton::new(part, p).expect("a part of its own");
    let (mut log, mut answers) = (CommandLog::default(), Vec::new());
    while channel.now() < ticks {
        for queue in &mut offers {
            while let Some((from, next)) = queue.front()
                && *from <= channel.now()
                && channel.has_room(next.ask)
            {
                channel.offer(*next);
                queue.pop_front();
            }
        }
        // Without room, the next event is the earliest that could make some.
        let room = channel.next_event() + 1;
        let heads = offers.iter().filter_map(|queue| queue.front());
        let next = heads.map(|(from, _)| if *from > channel.now() { *from } else { room });
        let until = next.min().unwrap_or(ticks).min(ticks);
        channel.advance(until, &mut log);
        answers.extend(std::iter::from_fn(|| channel.answer()));
    }
    (log, answers)
}

fn ticking(part: &Standard, p: Parameters, mut offers: Offers, ticks: Tick) -> Vec<Answer> {
    let mut channel = Newton::new(part, p).expect("a part of its own");
    let mut answers = Vec::new();
    for t in 0..ticks {
        for queue in &mut offers {
            while let Some((from, next)) = queue.front()
                && *from <= t
                && channel.has_room(next.ask)
            {
                channel.offer(*next);
                queue.pop_front();
            }
        }
        channel.tick();
        answers.extend(std::iter::from_fn(|| channel.answer()));
    }
    answers
}

/// Compares a stream; returns the number of commands.
fn compare(kind: Kind, p: Parameters, seed: u64, ticks: Tick) -> usize {
    let part = part(kind.part, &[]);
    let offers = offers(kind, seed, ticks);
    let expected = stepped(&part, p, offers.clone(), ticks);
    let (log, answers) = jumping(&part, p, offers.clone(), ticks);
    let at = expected.0.0.iter().zip(&log.0).position(|(a, b)| a != b);
    if let Some(at) = at.or((expected.0.0.len() != log.0.len()).then_some(0)) {
        let from = at.saturating_sub(3);
        let show = |log: &CommandLog| {
            let shown: Vec<_> = log.0.iter().skip(from).take(6).collect();
            format!("{shown:#?}")
        };
        panic!(
            "{kind:?}, seed {seed}, {p:?}: {} and {} commands, from {at} on\n{}\n{}",
            expected.0.0.len(),
            log.0.len(),
            show(&expected.0),
            show(&log)
        );
    }
    assert_eq!(expected.1, answers, "{kind:?}, seed {seed}: answers");
    let ticked = ticking(&part, p, offers, ticks);
    assert_eq!(ticked, answers, "{kind:?}, seed {seed}: tick by tick");
    log.0.len()
}

fn compare_many(kind: Kind, p: Parameters, seeds: std::ops::Range<u64>, ticks: Tick) {
    let commands: usize = seeds.map(|seed| compare(kind, p, seed, ticks)).sum();
    assert!(commands > 1000);
}

#[test]
fn two_row_buffers() {
    compare_many(DUAL, Parameters::default(), 0..48, 20_000);
}

#[test]
fn two_row_buffers_where_host_and_tiles_meet() {
    compare_many(MEETING, Parameters::default(), 100..148, 20_000);
}

#[test]
fn one_row_buffer() {
    compare_many(BLOCKED, Parameters::default(), 200..248, 20_000);
}

/// Parameters with one behaviour, or several sizes, changed.
#[rustfmt::skip]
fn changed() -> Vec<Parameters> {
    let p = Parameters::default;
    vec![
        Parameters { deadline: false, ..p() },
        Parameters { coarse_estimate: false, ..p() },
        Parameters { slack_rule: false, ..p() },
        Parameters { early_precharge: false, ..p() },
        Parameters { precharge_by_bank: false, ..p() },
        Parameters { header_slot: false, ..p() },
        Parameters { gwrite_stalls: false, ..p() },
        Parameters { early_result: false, ..p() },
        Parameters { result_off_bus: false, ..p() },
        Parameters { gact_by_one_bank: false, ..p() },
        Parameters { gact_outside_window: false, ..p() },
        Parameters { refresh: RefreshOrder::Off, ..p() },
        Parameters { refresh: RefreshOrder::Simultaneous, ..p() },
        Parameters { pim_ahead: 5, least_slack: 40, hit_cap: 1, ..p() },
        Parameters { transactions: 12, bank_queue: 3, pim_queue: 3, drain_above: 2, ..p() },
        Parameters {
            early_precharge: false, precharge_by_bank: false, header_slot: false,
            gwrite_stalls: false, early_result: false, result_off_bus: false,
            gact_by_one_bank: false, gact_outside_window: false, coarse_estimate: false, ..p()
        },
    ]
}

#[test]
fn every_parameter_changed() {
    for (index, p) in (0..).zip(changed()) {
        for (kind, first) in [(DUAL, 1000), (MEETING, 2000), (BLOCKED, 3000)] {
            let first = first + 10 * index;
            compare_many(kind, p, first..first + 3, 8_000);
        }
    }
}

/// Streams that a change does not show in would compare nothing.
#[test]
fn every_change_shows_in_the_streams() {
    let part = part(MEETING.part, &[]);
    let log = |p, seed| {
        let offers = offers(MEETING, seed, 8_000);
        let (log, answers) = jumping(&part, p, offers, 8_000);
        (log.0, answers)
    };
    let seeds = 2000..2024;
    let plain: Vec<_> = seeds
        .clone()
        .map(|seed| log(Parameters::default(), seed))
        .collect();
    for p in changed() {
        let mut pairs = seeds.clone().zip(&plain);
        assert!(pairs.any(|(seed, plain)| log(p, seed) != *plain), "{p:?}");
    }
}

/// What the streams come to: every command, refusals and refreshes among tiles.
#[test]
fn streams_reach_every_command() {
    use Command::{
        Act, Comp, CompsReadres, GAct, Gwrite, Header, PimPre, Pre, Rd, Readres, Ref, Wr,
    };
    let host = [Act, Pre, Rd, Wr, Ref, Gwrite, GAct, Header];
    for (kind, seeds, pim) in [
        (DUAL, 0..48, [PimPre, CompsReadres]),
        (MEETING, 100..148, [PimPre, CompsReadres]),
        (BLOCKED, 200..248, [Comp, Readres]),
    ] {
        let part = part(kind.part, &[]);
        let mut counts = [0; COMMANDS];
        for seed in seeds {
            let offers = offers(kind, seed, 20_000);
            let (log, _) = jumping(&part, Parameters::default(), offers, 20_000);
            for issued in log.0 {
                counts[issued.command as usize] += 1;
            }
        }
        for command in host.into_iter().chain(pim) {
            let count = counts[command as usize];
            assert!(count > 100, "{kind:?}: {count} {}", command.mnemonic());
        }
    }
}
