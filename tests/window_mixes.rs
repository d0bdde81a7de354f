//! Random mixes of streams, parameters and parts: the window controller and its stepped twin issue
//! the same commands at the same ticks, and every pair of commands keeps its distance.

use crate::ramulator::{NAMES, Part, part};
use crate::stepped::window::Stepped;
use memwall_sim::dram::constraint::{Constraint, Scope};
use memwall_sim::dram::window::{
    Blocking, Forwarding, Pages, Parameters, RefreshKind, RefreshPolicy, Scheduling, Window,
};
use memwall_sim::dram::{
    Command, CommandLog, Direction, Issued, Observer, Outcome, Request, Requests, Source, Workload,
};

/// A small generator: the mixes are the same in every run.
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }
}

/// Requests written out.
#[derive(Debug, Clone)]
struct Listed<'a>(std::slice::Iter<'a, Request>);

impl Source for Listed<'_> {
    fn take(&mut self) -> Option<Request> {
        self.0.next().copied()
    }
}

/// Stretches of the named workloads, of few slots over and over, and of pauses.
fn requests(dice: &mut Dice, part: &Part, count: usize) -> Vec<Request> {
    let total =
        part.organisation.banks() as u64 * part.organisation.rows * part.organisation.columns();
    let mut all = Vec::new();
    let mut at = 0;
    while all.len() < count {
        let length = 1 + dice.below(150);
        match dice.below(4) {
            0 => {
                let few: Vec<u64> = (0..=dice.below(24)).map(|_| dice.below(total)).collect();
                let writes = dice.below(4);
                for _ in 0..length {
                    let write = dice.below(4) < writes;
                    let direction = if write {
                        Direction::Write
                    } else {
                        Direction::Read
                    };
                    let slot = dice.one(&few);
                    all.push(Request {
                        at,
                        slot,
                        direction,
                    });
                }
            }
            1 => at += dice.below(3 * part.protocol.refresh_interval),
            _ => {
                let (_, workload, _) = dice.one(&Workload::ALL);
                let skip = dice.below(5_000);
                let mut source = Requests::new(workload, &part.organisation, skip + length);
                let mut start = None;
                for i in 0..skip + length {
                    let Some(request) = source.take() else { break };
                    if i >= skip {
                        let first = *start.get_or_insert(request.at);
                        let at = at + request.at - first;
                        all.push(Request { at, ..request });
                    }
                }
                at = all.last().map_or(at, |last| last.at.max(at));
            }
        }
    }
    all.truncate(count);
    all
}

fn parity(dice: &mut Dice) -> Parameters {
    let write_buffer = 2 + dice.below(40) as usize;
    let write_high = 2 + dice.below(write_buffer as u64 - 1) as usize;
    Parameters {
        read_buffer: 1 + dice.below(40) as usize,
        write_buffer,
        write_high,
        write_low: dice.below(write_high as u64) as usize,
        scheduling: dice.one(&[Scheduling::RowHit, Scheduling::RowHit, Scheduling::FrFcfs]),
        ..Parameters::RAMULATOR
    }
}

fn any(dice: &mut Dice, part: &Part) -> Parameters {
    let knows = |command| part.constraints.iter().any(|c| c.then == command);
    let mut kinds = vec![
        RefreshKind::AllBank,
        RefreshKind::AllBank,
        RefreshKind::None,
    ];
    if knows(Command::RefBank) {
        kinds.push(RefreshKind::PerBank);
        kinds.push(RefreshKind::PerBank);
    }
    if knows(Command::RefSame) {
        kinds.push(RefreshKind::SameBank);
        kinds.push(RefreshKind::SameBank);
    }
    let yes = [true, false];
    Parameters {
        idle_turns_to_writes: dice.one(&yes),
        hit_cap: dice.one(&[None, Some(1), Some(4), Some(16)]),
        pages: dice.one(&[
            Pages::Open,
            Pages::Closed,
            Pages::Timeout(1),
            Pages::Timeout(60),
            Pages::Timeout(700),
        ]),
        refresh: RefreshPolicy {
            kind: dice.one(&kinds),
            blocking: dice.one(&[Blocking::Channel, Blocking::Target, Blocking::Target]),
            stagger: dice.one(&yes),
        },
        active_buffer: part.protocol.two_phase.is_some() || dice.below(4) > 0,
        forwarding: dice.one(&[
            Forwarding::Off,
            Forwarding::InOrder,
            Forwarding::After(0),
            Forwarding::After(1),
            Forwarding::After(9),
        ]),
        coalescing: dice.one(&yes),
        merging: dice.one(&yes),
        ..parity(dice)
    }
}

/// Another part of the same kind: longer or shorter distances, sometimes a second rank, refreshes
/// in quick succession.
fn vary(dice: &mut Dice, part: &mut Part) {
    for constraint in &mut part.constraints {
        // A row that may be closed before it may be used can be opened and closed for ever by two
        // requests that nothing protects.
        let of_row = [Command::Rd, Command::Wr, Command::Pre, Command::PreAll];
        if constraint.first == Command::Act && of_row.contains(&constraint.then) {
            continue;
        }
        if constraint.distance > 1 && dice.below(3) == 0 {
            constraint.distance = 1 + dice.below(2 * constraint.distance);
        }
    }
    // An activation on a rising edge takes three half clocks.
    if part.protocol.rising_edges {
        for constraint in &mut part.constraints {
            if constraint.first == Command::Act && constraint.scope == Scope::Channel {
                constraint.distance = 3;
            }
        }
    }
    if part.organisation.ranks == 1 && dice.below(3) == 0 {
        part.organisation.ranks = 2;
    }
    if dice.below(3) == 0 {
        part.protocol.refresh_interval /= 2;
    }
}

/// Same-bank refresh, which the recorded DDR5 part leaves out.
fn add_same_bank_refresh(part: &mut Part) {
    for (first, then, scope, distance) in [
        (Command::RefSame, Command::Act, Scope::Bank, 312),
        (Command::RefSame, Command::Act, Scope::Rank, 20),
        (Command::RefSame, Command::RefSame, Scope::Rank, 72),
        (Command::Act, Command::RefSame, Scope::Bank, 112),
        (Command::Pre, Command::RefSame, Scope::Bank, 34),
        (Command::PreAll, Command::RefSame, Scope::Rank, 34),
    ] {
        part.constraints.push(Constraint {
            first,
            then,
            scope,
            sibling: false,
            distance,
            per_step: 0,
            window: 1,
        });
    }
}

#[derive(Debug, Default)]
struct Growing(CommandLog);

impl Observer for Growing {
    fn command(&mut self, issued: Issued) {
        let last = self.0.0.last().map_or(0, |last| last.at);
        assert!(issued.at >= last, "time runs backwards: {issued:?}");
        self.0.command(issued);
    }
}

fn jump(part: &Part, p: Parameters, all: &[Request], a_tick: u32) -> (Outcome, Vec<Issued>) {
    let mut window = Window::new(&part.organisation, &part.constraints, part.protocol, p)
        .unwrap_or_else(|error| panic!("{error}"));
    let mut log = Growing::default();
    let (mut from, mut accepted) = (0, 0);
    for &request in all {
        let at = window.offer(request, from, &mut log);
        assert!(at >= from && at < 1 << 40, "accepted at {at}");
        accepted = if at == from { accepted + 1 } else { 1 };
        from = if accepted == a_tick { at + 1 } else { at };
        if accepted == a_tick {
            accepted = 0;
        }
    }
    let last = window.drain(&mut log);
    (window.finish(last, &mut log), log.0.0)
}

fn compare(name: &str, part: &Part, p: Parameters, all: &[Request], a_tick: u32) {
    let mut stepped = Stepped::new(part, p);
    stepped.run(&mut Listed(all.iter()), a_tick as usize);
    let (outcome, log) = jump(part, p, all, a_tick);
    for (i, (slow, quick)) in stepped.log.0.iter().zip(&log).enumerate() {
        let before = &log[i.saturating_sub(8)..i];
        assert_eq!(
            slow, quick,
            "{name}: command {i} after {before:?} with {p:?}"
        );
    }
    assert_eq!(stepped.log.0.len(), log.len(), "{name} with {p:?}");
    assert_eq!(stepped.outcome, outcome, "{name} with {p:?}");
    // Nothing is lost: every read is answered, every write accepted.
    let reads = all
        .iter()
        .filter(|r| r.direction == Direction::Read)
        .count() as u64;
    assert_eq!(
        (outcome.reads, outcome.writes),
        (reads, all.len() as u64 - reads)
    );
    assert_eq!(outcome.latencies.count(), reads, "{name}");
}

fn mixes(from: u64, to: u64, count: usize, of: impl Fn(&mut Dice, &Part) -> Parameters) {
    for seed in from..to {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let name = NAMES[seed as usize % NAMES.len()];
        let mut part = part(name);
        if name == "DDR5_4800" {
            add_same_bank_refresh(&mut part);
        }
        if seed % 4 > 0 {
            vary(&mut dice, &mut part);
        }
        let p = of(&mut dice, &part);
        let all = requests(&mut dice, &part, count);
        let a_tick = dice.one(&[1, 1, 1, 2, 8]);
        if std::env::var("SHOW").is_ok() {
            println!("mix {seed} {name} {p:?}");
        }
        compare(&format!("mix {seed} of {name}"), &part, p, &all, a_tick);
    }
}

fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok().and_then(|text| text.parse().ok());
    set.unwrap_or(default)
}

#[test]
fn jumping_is_stepping_with_the_published_habits() {
    let last = number("MIXES", 20);
    mixes(0, last, 1_500, |dice, _| parity(dice));
}

#[test]
fn jumping_is_stepping_with_any_habits() {
    let last = number("MIXES", 40);
    mixes(0, last, 1_500, any);
}

/// Banks that a command reaches.
fn reach(part: &Part, issued: &Issued) -> Vec<usize> {
    let o = &part.organisation;
    if !matches!(issued.command, Command::PreAll | Command::Ref) {
        return vec![issued.bank];
    }
    let unit = |bank| match part.protocol.all_bank {
        Scope::PseudoChannel => o.place(bank).pseudo_channel,
        _ => o.place(bank).rank,
    };
    let same = |&bank: &usize| unit(bank) == unit(issued.bank);
    (0..o.banks()).filter(same).collect()
}

/// Whether two banks are what a constraint speaks of.
fn related(part: &Part, scope: Scope, sibling: bool, a: usize, b: usize) -> bool {
    let (p, q) = (part.organisation.place(a), part.organisation.place(b));
    let same_channel = p.pseudo_channel == q.pseudo_channel;
    match (scope, sibling) {
        (Scope::Bank, _) => p.bank == q.bank,
        (Scope::Group, _) => p.group == q.group,
        (Scope::Rank, false) => p.rank == q.rank,
        (Scope::Rank, true) => p.rank != q.rank && same_channel,
        (Scope::PseudoChannel, _) => same_channel,
        (Scope::Channel, _) => true,
    }
}

/// Goes through a trace with nothing but the list of constraints; the pairs compared.
fn check_distances(part: &Part, log: &[Issued]) -> u64 {
    let longest = part
        .constraints
        .iter()
        .map(|c| c.distance)
        .max()
        .unwrap_or(0);
    let mut pairs = 0;
    for (i, later) in log.iter().enumerate() {
        let banks = reach(part, later);
        for c in part.constraints.iter().filter(|c| c.then == later.command) {
            let mut seen = 0;
            for earlier in log[..i].iter().rev() {
                if earlier.at + longest <= later.at || seen == c.window {
                    break;
                }
                let reached = reach(part, earlier);
                let meets = |&a: &usize| {
                    let with = |&b: &usize| related(part, c.scope, c.sibling, a, b);
                    banks.iter().any(with)
                };
                if earlier.command != c.first || !reached.iter().any(meets) {
                    continue;
                }
                seen += 1;
                if seen == c.window {
                    pairs += 1;
                    let fine = earlier.at + c.distance <= later.at;
                    assert!(fine, "{c:?}: {earlier:?}, {later:?}");
                }
            }
        }
    }
    pairs
}

/// Opens before columns, closes before refreshes, and one command a slot.
fn check_rows(part: &Part, log: &[Issued]) {
    let mut open = vec![None; part.organisation.banks()];
    let mut slots = (u64::MAX, u64::MAX);
    for issued in log {
        let banks = reach(part, issued);
        let column = matches!(issued.command, Command::Rd | Command::Wr);
        let slot = if column && part.protocol.two_slots {
            &mut slots.0
        } else {
            &mut slots.1
        };
        assert_ne!(*slot, issued.at, "two commands in a slot: {issued:?}");
        *slot = issued.at;
        match issued.command {
            Command::Act => {
                assert_eq!(open[issued.bank], None, "{issued:?}");
                open[issued.bank] = Some(issued.row);
            }
            Command::Rd | Command::Wr => assert_eq!(open[issued.bank], Some(issued.row)),
            Command::Pre | Command::PreAll => banks.iter().for_each(|&bank| open[bank] = None),
            Command::Ref | Command::RefBank => {
                assert!(banks.iter().all(|&bank| open[bank].is_none()), "{issued:?}");
            }
            _ => {}
        }
    }
}

#[test]
fn every_pair_of_commands_keeps_its_distance() {
    for (seed, name) in NAMES.iter().enumerate() {
        let part = part(name);
        for (turn, p) in [Parameters::RAMULATOR, Parameters::DEFAULT]
            .into_iter()
            .enumerate()
        {
            let mut dice = Dice(seed as u64 * 77 + turn as u64);
            let all = requests(&mut dice, &part, 4_000);
            let (_, log) = jump(&part, p, &all, 1);
            check_rows(&part, &log);
            let pairs = check_distances(&part, &log);
            assert!(pairs > 10_000, "{name}: only {pairs} pairs");
        }
    }
}
