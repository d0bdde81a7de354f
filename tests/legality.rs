//! Command streams checked against distances written by hand from the parts' data-sheet parameters,
//! apart from the rules files: pairs of commands, activation windows, one owner of the data pins at
//! a time, rows open where columns go, and refreshes as often as promised.

use crate::standards::part;
use crate::support::Shipped;
use memwall_sim::dram::Command::{self, Act, Pre, PreAll, Rd, Ref, Wr};
use memwall_sim::dram::interface::Slots;
use memwall_sim::dram::{Issued, Standard};
use memwall_sim::machine::{Setting, load_part};
use std::sync::Arc;

/// How far two banks are apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Apart {
    SameBank,
    SameGroup,
    SameRank,
    OtherRank,
}

fn apart(standard: &Standard, a: usize, b: usize) -> Apart {
    let organisation = &standard.organisation;
    let per_rank = organisation.bank_groups * organisation.banks_per_group;
    if a == b {
        Apart::SameBank
    } else if a / organisation.banks_per_group == b / organisation.banks_per_group {
        Apart::SameGroup
    } else if a / per_rank == b / per_rank {
        Apart::SameRank
    } else {
        Apart::OtherRank
    }
}

/// A shipped part with one setting.
fn part_with(name: &str, setting: &str) -> Arc<Standard> {
    let settings = [Setting::parse(setting).expect("a setting")];
    load_part(&Shipped, name, &settings).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn with_ranks(name: &str, ranks: usize) -> Arc<Standard> {
    part_with(name, &format!("memory.organisation.ranks={ranks}"))
}

/// Least distance of two commands of a part with one-tick commands, by data-sheet parameter.
fn least(standard: &Standard, first: Command, then: Command, apart: Apart) -> u64 {
    use Apart::{OtherRank, SameBank, SameGroup, SameRank};
    let t = |name: &str| standard.parameter(name).unwrap_or(0);
    let burst = t("burst");
    let group = |same: u64, other: u64| match apart {
        SameBank | SameGroup => same,
        SameRank => other,
        OtherRank => 0,
    };
    let bank = |distance: u64| if apart == SameBank { distance } else { 0 };
    let rank = |distance: u64| if apart == OtherRank { 0 } else { distance };
    let (read_end, write_end) = (t("cl") + burst, t("cwl") + burst);
    match (first, then) {
        (Act, Act) => bank(t("t_ras") + t("t_rp")).max(group(t("t_rrd_l"), t("t_rrd_s"))),
        (Act, Rd) => bank(t("t_rcd_rd")),
        (Act, Wr) => bank(t("t_rcd_wr")),
        (Act, Pre) => bank(t("t_ras")),
        (Act, PreAll) => rank(t("t_ras")),
        (Pre, Act) => bank(t("t_rp")),
        (Pre, Pre) => rank(t("t_ppd")),
        (PreAll, Act) | (Pre | PreAll, Ref) => rank(t("t_rp")),
        (Rd, Rd) => match apart {
            OtherRank => burst + t("t_rtrs"),
            _ => group(t("t_ccd_l"), t("t_ccd_s")).max(burst),
        },
        (Wr, Wr) => group(t("t_ccd_l"), t("t_ccd_s")).max(burst),
        (Rd, Wr) => (read_end + t("t_rtrs")).saturating_sub(t("cwl")),
        (Wr, Rd) => match apart {
            OtherRank => (write_end + t("t_rtrs")).saturating_sub(t("cl")),
            _ => write_end + group(t("t_wtr_l"), t("t_wtr_s")),
        },
        (Rd, Pre) => bank(t("t_rtp")),
        (Wr, Pre) => bank(write_end + t("t_wr")),
        (Rd, PreAll) => rank(t("t_rtp")),
        (Wr, PreAll) => rank(write_end + t("t_wr")),
        (Ref, Act | Ref) => rank(t("t_rfc")),
        _ => 0,
    }
}

/// Checks a whole command stream, which ends at tick `end`.
pub fn check(standard: &Standard, log: &[Issued], end: u64) {
    let organisation = &standard.organisation;
    let t = |name: &str| standard.parameter(name).unwrap_or(0);
    let per_rank = organisation.bank_groups * organisation.banks_per_group;
    let mut open: Vec<Option<u32>> = vec![None; organisation.banks()];
    let mut activations: Vec<Vec<u64>> = vec![Vec::new(); organisation.units()];
    let mut refreshes = vec![0u64; organisation.units()];
    let mut bus_free = 0;
    let reach = t("t_rfc").max(200);
    for (index, then) in log.iter().enumerate() {
        let rank = then.bank / per_rank;
        for first in log[..index].iter().rev() {
            if first.at + reach < then.at {
                break;
            }
            assert!(first.at <= then.at, "time runs backwards at {then:?}");
            let apart = apart(standard, first.bank, then.bank);
            let least = least(standard, first.command, then.command, apart);
            assert!(
                first.at + least <= then.at,
                "{}: {first:?} and {then:?} are closer than {least}",
                standard.name
            );
        }
        match then.command {
            Act => {
                assert_eq!(open[then.bank].replace(then.row), None, "{then:?}");
                let past = &mut activations[rank];
                past.push(then.at);
                for (count, window) in [(4, t("t_faw")), (32, t("t_32aw"))] {
                    if past.len() > count {
                        let earlier = past[past.len() - 1 - count];
                        assert!(earlier + window <= then.at, "{then:?}: {count} in {window}");
                    }
                }
            }
            Pre => assert!(open[then.bank].take().is_some(), "{then:?}"),
            Ref => {
                let banks = rank * per_rank..(rank + 1) * per_rank;
                assert!(open[banks].iter().all(Option::is_none), "{then:?}");
                refreshes[rank] += 1;
            }
            Rd | Wr => {
                assert_eq!(open[then.bank], Some(then.row), "{then:?}");
                let latency = if then.command == Rd {
                    t("cl")
                } else {
                    t("cwl")
                };
                assert!(
                    then.at + latency >= bus_free,
                    "{then:?}: the pins are taken"
                );
                bus_free = then.at + latency + t("burst");
            }
            other => panic!("{} is not expected here", other.mnemonic()),
        }
    }
    for count in refreshes {
        let due = end / standard.refreshes.interval;
        assert!(
            count <= due && count + 2 > due,
            "{count} of {due} refreshes"
        );
    }
}

/// Two requests on an idle channel: every command comes at the first tick at which its constraints
/// allow it and its slot is free, given when its request (or, for a precharge, the hit that it must
/// let pass) is through.
fn check_punctual(standard: &Standard, log: &[Issued], mut eligible: impl FnMut(&Issued) -> u64) {
    let column = |issued: &Issued| matches!(issued.command, Rd | Wr);
    let two_slots = standard.interface.slots == Slots::RowAndColumn;
    for (index, then) in log.iter().enumerate() {
        let constrained = log[..index].iter().map(|first| {
            let apart = apart(standard, first.bank, then.bank);
            first.at + least(standard, first.command, then.command, apart)
        });
        let from = constrained.fold(eligible(then), u64::max);
        let taken = |tick: u64| {
            log.iter().any(|other| {
                other != then && other.at == tick && (!two_slots || column(other) == column(then))
            })
        };
        let free = (from..from + 100).find(|&tick| !taken(tick));
        assert_eq!(
            Some(then.at),
            free,
            "{}: {then:?} of {log:?}",
            standard.name
        );
    }
}

mod bank_queues {
    use super::{check, check_punctual, part, with_ranks};
    use memwall_sim::dram::bank_queues::{BankQueues, Parameters, Tables};
    use memwall_sim::dram::{
        Command, CommandLog, Direction, Issued, Request, Requests, Standard, Workload,
    };
    use proptest::prelude::*;

    const PARTS: [&str; 10] = [
        "dramsim3-hbm2-8gb-x128",
        "dramsim3-hbm1-4gb-x128",
        "dramsim3-ddr4-8gb-x8-3200",
        "dramsim3-lpddr4-8gb-x16-2400",
        "dramsim3-gddr6-8gb-x16",
        "ddr4-3200",
        "lpddr4-2400",
        "gddr6-14000",
        "hbm1-1000",
        "hbm2-2000-legacy",
    ];

    fn log_of_two(standard: &Standard, requests: [Request; 2]) -> Vec<Issued> {
        // A lone write would wait for eight more; with no threshold it goes when nothing else does.
        let parameters = Parameters {
            drain_above: 0,
            ..Parameters::of(standard)
        };
        let mut log = CommandLog::default();
        let mut channel =
            BankQueues::new(Tables::of(standard).expect("a bank-queue part"), parameters);
        for request in requests {
            channel.offer(request, request.at, &mut log);
        }
        channel.finish(500, &mut log);
        log.0
    }

    #[test]
    fn commands_are_punctual() {
        let directions = [Direction::Read, Direction::Write];
        let pairs = directions.map(|first| directions.map(|second| (first, second)));
        for name in PARTS {
            let standard = with_ranks(name, 2);
            let organisation = &standard.organisation;
            let (group, rank) = (organisation.banks_per_group, organisation.banks() / 2);
            // The same row, another row, another bank, another group, another rank.
            for (bank, row) in [(0, 5), (0, 6), (1, 5), (group, 5), (rank, 5)] {
                for (first, second) in pairs.into_iter().flatten() {
                    let request = |at, bank, row, column, direction| Request {
                        at,
                        slot: organisation.slot_at(bank, row, column),
                        direction,
                    };
                    let requests = [request(0, 0, 5, 0, first), request(1, bank, row, 1, second)];
                    let log = log_of_two(&standard, requests);
                    let columns: Vec<u64> = log
                        .iter()
                        .filter(|issued| matches!(issued.command, Command::Rd | Command::Wr))
                        .map(|issued| issued.at)
                        .collect();
                    assert_eq!(columns.len(), 2, "{log:?}");
                    let mut seen = 0;
                    check_punctual(&standard, &log, |issued| {
                        let mine = if (bank, row) == (0, 5) {
                            // Both share the activation; the second column is the second's.
                            seen += usize::from(issued.command != Command::Act);
                            seen == 2
                        } else {
                            (issued.bank, issued.row) == (bank, row)
                                || bank == 0 && issued.command == Command::Pre
                        };
                        let waits = second == Direction::Write
                            || bank == 0 && issued.command == Command::Pre;
                        match (mine, waits) {
                            (false, _) => 1,
                            (true, false) => 2,
                            (true, true) => columns[0] + 1,
                        }
                    });
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn commands_are_legal(
            part_index in 0usize..PARTS.len(), workload in 0usize..14, requests in 500u64..3000,
            hit_cap in 1u32..20, bank_queue in 1usize..17, drain_above in 0usize..31,
        ) {
            let standard = part(PARTS[part_index]);
            let (_, workload, _) = Workload::ALL[workload];
            let mut source = Requests::new(workload, &standard.organisation, requests);
            let mut log = CommandLog::default();
            let parameters = Parameters { hit_cap, bank_queue, drain_above, ..Parameters::of(&standard) };
            let mut channel = BankQueues::new(Tables::of(&standard).expect("a bank-queue part"), parameters);
            let outcome = channel.run(&mut source, &mut log);
            check(&standard, &log.0, outcome.cycles);
            // Nothing is lost: every read returned; a write may still wait, or share a command.
            prop_assert_eq!(outcome.reads + outcome.writes, requests);
            prop_assert_eq!(outcome.latencies.count(), outcome.reads);
            prop_assert!(outcome.of(Command::Rd) <= outcome.reads);
            prop_assert!(outcome.of(Command::Wr) <= outcome.writes);
        }
    }
}

mod window {
    use super::{Apart, Command, Issued, Standard, apart, least, part_with};
    use memwall_sim::dram::policy::Policy;
    use memwall_sim::dram::{CommandLog, Requests, Workload};
    use proptest::prelude::*;

    /// Parts with pseudo-channels, commands of several ticks or two-phase activation, and the ticks
    /// of ACT, RD and WR on the bus by their data sheets; LPDDR5 counts from its first ACT.
    const PARTS: [(&str, u64, u64); 8] = [
        ("ddr5-4800", 2, 2),
        ("hbm2-2000", 2, 1),
        ("hbm2e-3200", 2, 1),
        ("hbm3-6400", 3, 2),
        ("hbm3e-9600", 3, 2),
        ("hbm4-8000", 3, 2),
        ("lpddr5-6400", 1, 1),
        ("lpddr5x-8533", 1, 1),
    ];

    /// Distances count from the last tick of one command to the last of the next.
    fn check(standard: &Standard, log: &[Issued], act: u64, column: u64) {
        let o = &standard.organisation;
        let t = |name: &str| standard.parameter(name).unwrap_or(0);
        let per_rank = o.bank_groups * o.banks_per_group;
        let cycles = |command| match command {
            Command::Act => act,
            Command::Rd | Command::Wr => column,
            _ => 1,
        };
        let pins = |bank: usize| bank / per_rank % o.pseudo_channels;
        let mut open = vec![None; o.banks()];
        let mut activations = vec![Vec::new(); o.pseudo_channels * o.ranks];
        let mut free = vec![0; o.pseudo_channels];
        let mut checked = 0;
        for (index, then) in log.iter().enumerate() {
            for first in log[..index]
                .iter()
                .rev()
                .take_while(|f| f.at + 300 > then.at)
            {
                let relation = apart(standard, first.bank, then.bank);
                if pins(first.bank) != pins(then.bank) || relation == Apart::OtherRank {
                    continue;
                }
                let least = least(standard, first.command, then.command, relation);
                if least > 0 {
                    checked += 1;
                    let from = first.at + least + cycles(first.command);
                    assert!(
                        from <= then.at + cycles(then.command),
                        "{}: {first:?} and {then:?} are closer than {least}",
                        standard.name
                    );
                }
            }
            match then.command {
                Command::Act => {
                    assert_eq!(open[then.bank].replace(then.row), None, "{then:?}");
                    let past: &mut Vec<u64> = &mut activations[then.bank / per_rank];
                    past.push(then.at);
                    if past.len() > 4 {
                        assert!(past[past.len() - 5] + t("t_faw") <= then.at, "{then:?}");
                    }
                }
                Command::Pre => assert!(open[then.bank].take().is_some(), "{then:?}"),
                Command::Rd | Command::Wr => {
                    assert_eq!(open[then.bank], Some(then.row), "{then:?}");
                    let read = then.command == Command::Rd;
                    let from = then.at + if read { t("cl") } else { t("cwl") };
                    let free = &mut free[pins(then.bank)];
                    assert!(from >= *free, "{then:?}: the pins are taken");
                    *free = from + t("burst");
                }
                Command::Act2 | Command::Cas => {}
                other => panic!("{} is not expected here", other.mnemonic()),
            }
        }
        assert!(checked > 100, "{checked} pairs");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn commands_are_legal(
            part_index in 0..PARTS.len(), workload in 0usize..14, requests in 500u64..3000,
        ) {
            let (name, act, column) = PARTS[part_index];
            let standard = part_with(name, "memory.requests.refresh=\"none\"");
            let (_, workload, _) = Workload::ALL[workload];
            let mut source = Requests::new(workload, &standard.organisation, requests);
            let mut logs = [CommandLog::default()];
            let outcome = Policy::Default
                .run(&standard, &mut source, &mut logs)
                .expect("any part");
            check(&standard, &logs[0].0, act, column);
            prop_assert_eq!(outcome.reads + outcome.writes, requests);
            prop_assert_eq!(outcome.latencies.count(), outcome.reads);
        }
    }
}
