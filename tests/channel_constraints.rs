//! No command comes earlier than any constraint. The distances below are written by hand from the
//! command table of the NeuPIMs channel and the HBM2 figures, apart from the rules of the code.

use crate::streams::{Item, items, run};
use crate::support::standard;
use memwall_sim::dram::Command::{
    self, Act, Comp, CompsReadres, GAct, Gwrite, Header, PimPre, PimPreAll, Pre, PreAll, Rd,
    Readres, Ref, Wr,
};
use memwall_sim::dram::{Direction, Issued};
use proptest::prelude::*;

const BANKS: usize = 32;
const FAW: u64 = 30;

#[derive(Clone, Copy)]
struct Relation {
    bank: bool,
    group: bool,
    rank: bool,
}

fn relation(a: usize, b: usize) -> Relation {
    Relation {
        bank: a == b,
        group: a / 4 == b / 4,
        rank: a / 16 == b / 16,
    }
}

/// Distance by scope: same bank, same group, other groups of the rank, other rank.
fn pick(r: Relation, bank: u64, group: u64, rank: u64, other: u64) -> u64 {
    if r.bank {
        bank
    } else if r.group {
        group
    } else if r.rank {
        rank
    } else {
        other
    }
}

/// Least distance from `first` to `then`; `comps` is the length of a COMPS_READRES.
#[allow(clippy::match_same_arms)] // a table: one line a pair
fn distance(first: &Issued, then: &Issued, dual: bool) -> u64 {
    let r = relation(first.bank, then.bank);
    let close = if dual { PimPre } else { Pre };
    let steps = 2 * first.comps.max(6);
    match (first.command, then.command) {
        (Act, Act) => pick(r, 48, 6, 4, 0),
        (Act, Rd | Wr | Gwrite) => pick(r, 14, 0, 0, 0),
        (Act, Pre) => pick(r, 34, 0, 0, 0),
        (Act, PreAll) if r.rank => 34,
        (Act, GAct) if dual => pick(r, 6, 6, 4, 0),
        (Act, GAct) => pick(r, 48, 6, 4, 0),
        (Pre, Act) => pick(r, 14, 0, 0, 0),
        (Pre, GAct) if !dual => pick(r, 14, 0, 0, 0),
        (Pre | PreAll | PimPreAll, Ref) => pick(r, 14, 14, 14, 0),
        (PreAll, Act | GAct) | (PimPreAll, GAct) if r.rank => 14,
        (PimPre, GAct) => pick(r, 14, 0, 0, 0),
        (PimPre, Ref) => pick(r, 14, 14, 14, 0),
        (Rd, Rd) => pick(r, 2, 2, 2, 4),
        (Rd, Wr) => 14,
        (Rd, Pre) => pick(r, 6, 0, 0, 0),
        (Rd, PreAll) if r.rank => 6,
        (Wr, PreAll) if r.rank => 22,
        (Gwrite, PreAll) if r.rank => 96,
        (Wr, Wr) => 2,
        (Wr, Rd) => pick(r, 14, 14, 12, 0),
        (Wr, Pre) => pick(r, 22, 0, 0, 0),
        (Rd, Gwrite | CompsReadres | Comp | Readres) => 2,
        (Wr, Gwrite) => 14,
        (Wr, CompsReadres | Comp | Readres) => 12,
        (Gwrite, Rd | Wr | Pre) if r.bank => 96,
        (Gwrite, Rd) => 2,
        (Gwrite, Wr) => 14,
        (Gwrite, Gwrite | CompsReadres | Comp | Readres) => 96,
        (GAct, Act) if dual => pick(r, 6, 6, FAW, 0).max(if r.rank { FAW } else { 0 }),
        (GAct, Act) => pick(r, 48, 48, FAW, 0),
        (GAct, GAct) => pick(r, 48, 48, FAW, 0),
        (GAct, CompsReadres | Comp) => 14,
        (GAct, PimPreAll) if r.rank => 34,
        (GAct, PreAll) if r.rank && !dual => 34,
        (Comp | Readres, Comp | Readres) => 2,
        (Comp, Gwrite) => 4,
        (Comp, PimPre | PimPreAll) => 8,
        (Comp, Pre | PreAll) if !dual => 8,
        (GAct, command) if command == close => pick(r, 34, 34, 0, 0),
        (CompsReadres, CompsReadres | Gwrite) => steps + 2,
        (CompsReadres, command) if command == close => steps + 6,
        (CompsReadres, PimPreAll) => steps + 6,
        (Ref, Act | GAct | Ref) if r.rank => 260,
        _ => 0,
    }
}

/// Data-bus interval of a command.
fn data(issued: &Issued) -> Option<(u64, u64)> {
    match issued.command {
        Rd | Readres => Some((issued.at + 14, issued.at + 16)),
        Wr => Some((issued.at + 4, issued.at + 6)),
        CompsReadres => {
            let from = issued.at + 2 * issued.comps.max(6) + 14;
            Some((from, from + 2))
        }
        _ => None,
    }
}

fn check(log: &[Issued], dual: bool) {
    // Longest distance of the table: anything older cannot matter.
    let reach = 300;
    let mut host: [Option<u32>; BANKS] = [None; BANKS];
    let mut pim: [Option<u32>; BANKS] = [None; BANKS];
    for (index, then) in log.iter().enumerate() {
        for first in log[..index].iter().rev() {
            if first.at + reach < then.at {
                break;
            }
            let least = distance(first, then, dual);
            assert!(
                first.at + least <= then.at,
                "{first:?} and {then:?} are closer than {least}"
            );
            assert_ne!(first.at, then.at, "two commands in one slot");
            if let (Some(a), Some(b)) = (data(first), data(then)) {
                assert!(
                    a.1 <= b.0 || b.1 <= a.0,
                    "{first:?} and {then:?} share the bus"
                );
            }
        }
        window(&log[..=index], then);
        rows(then, dual, &mut host, &mut pim);
    }
}

/// At most four rows of a rank open within the activation window.
fn window(log: &[Issued], then: &Issued) {
    let rows = |command| match command {
        Act => 1,
        GAct => 4,
        _ => 0,
    };
    if rows(then.command) == 0 {
        return;
    }
    let opened: u32 = log
        .iter()
        .rev()
        .take_while(|first| first.at + FAW > then.at)
        .filter(|first| relation(first.bank, then.bank).rank)
        .map(|first| rows(first.command))
        .sum();
    assert!(
        opened <= 4,
        "{opened} rows opened in one window at {then:?}"
    );
}

fn rows(
    then: &Issued,
    dual: bool,
    host: &mut [Option<u32>; BANKS],
    pim: &mut [Option<u32>; BANKS],
) {
    let bank = then.bank;
    match then.command {
        Act => {
            assert_eq!(host[bank], None, "{then:?} opens an open bank");
            assert!(
                dual || pim[bank].is_none(),
                "{then:?}: the one buffer is in use"
            );
            assert_ne!(
                pim[bank],
                Some(then.row),
                "{then:?}: row open in both buffers"
            );
            host[bank] = Some(then.row);
        }
        Pre => {
            assert!(
                host[bank].is_some() || (!dual && pim[bank].is_some()),
                "{then:?}"
            );
            host[bank] = None;
            if !dual {
                pim[bank] = None;
            }
        }
        PimPreAll => {
            pim[bank..bank + 16].fill(None);
        }
        PreAll => {
            assert!(!dual, "{then:?}: PIM rows have a precharge of their own");
            host[bank..bank + 16].fill(None);
            pim[bank..bank + 16].fill(None);
        }
        PimPre => {
            assert!(pim[bank].take().is_some(), "{then:?} closes a closed bank");
        }
        Rd | Wr => assert_eq!(host[bank], Some(then.row), "{then:?} finds another row"),
        Gwrite => assert!(host[bank].is_some(), "{then:?} finds no row"),
        GAct => {
            for bank in bank..bank + 4 {
                assert_eq!(pim[bank], None, "{then:?} opens an open bank");
                assert_ne!(
                    host[bank],
                    Some(then.row),
                    "{then:?}: row open in both buffers"
                );
                assert!(
                    dual || host[bank].is_none(),
                    "{then:?}: the one buffer is in use"
                );
                pim[bank] = Some(then.row);
            }
        }
        CompsReadres | Comp => {
            for row in pim.iter() {
                assert_eq!(*row, Some(then.row), "{then:?} with a bank not on its row");
            }
        }
        Ref => {
            let first = bank / 16 * 16;
            for bank in first..first + 16 {
                assert!(
                    host[bank].is_none() && pim[bank].is_none(),
                    "{then:?}: bank {bank} open"
                );
            }
        }
        Header | Readres => {}
        other => unreachable!("the stream channel issues no {}", other.mnemonic()),
    }
}

/// Bursts asked for, by direction.
fn asked(work: &[Item], direction: Direction) -> u64 {
    work.iter()
        .map(|item| match item {
            Item::Stream(_, stream) if stream.direction == direction => stream.total_bursts(),
            _ => 0,
        })
        .sum()
}

fn moved(log: &[Issued], command: Command) -> u64 {
    log.iter()
        .filter(|issued| issued.command == command)
        .count() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_host_channel_keeps_every_distance(work in items(false)) {
        let outcome = run(&standard("npu-only", &[]), &work);
        check(&outcome.log, true);
        prop_assert_eq!(moved(&outcome.log, Rd), asked(&work, Direction::Read));
        prop_assert_eq!(moved(&outcome.log, Wr), asked(&work, Direction::Write));
    }

    #[test]
    fn dual_row_buffers_keep_every_distance(work in items(true)) {
        let outcome = run(&standard("neupims", &[]), &work);
        check(&outcome.log, true);
        prop_assert_eq!(moved(&outcome.log, Rd), asked(&work, Direction::Read));
        prop_assert_eq!(moved(&outcome.log, Wr), asked(&work, Direction::Write));
    }

    #[test]
    fn one_row_buffer_keeps_every_distance(work in items(true)) {
        let outcome = run(&standard("npu-pim", &[]), &work);
        check(&outcome.log, false);
        prop_assert_eq!(moved(&outcome.log, Rd), asked(&work, Direction::Read));
        prop_assert_eq!(moved(&outcome.log, Wr), asked(&work, Direction::Write));
    }

    #[test]
    fn refresh_is_never_owed_for_long(work in items(true)) {
        let outcome = run(&standard("neupims", &[]), &work);
        for rank in 0..2u64 {
            let issued: Vec<u64> = outcome.log.iter()
                .filter(|issued| issued.command == Ref && issued.bank as u64 / 16 == rank)
                .map(|issued| issued.at)
                .collect();
            for (index, at) in issued.iter().enumerate() {
                let due = 1950 * (rank + 1) + 3900 * index as u64;
                // JEDEC lets eight be postponed; a tile in progress postpones by far less than one.
                prop_assert!(*at >= due && *at < due + 3900, "refresh {} of rank {} due {} came at {}", index, rank, due, at);
            }
        }
    }
}
