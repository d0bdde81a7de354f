//! The engine and its stepped twin on random mixes: equal traces and outcomes.

use super::parts::{Extra, HBM2, engine, part, recorded};
use crate::stepped::bank_queues::{Part, Stepped, run};
use memwall_sim::dram::bank_queues::{BankQueues, Parameters, RefreshOrder};
use memwall_sim::dram::{
    CommandLog, Direction, Issued, NoObserver, Observer, Organisation, Period, Request, Requests,
    Source, Timing, Workload,
};
use memwall_sim::time::Tick;
use proptest::prelude::*;

/// A piece of a mix.
#[derive(Debug, Clone)]
enum Piece {
    /// Requests of a workload rule.
    Rule(usize, u64),
    /// Single requests: gap, slot, whether it writes. Few addresses, so that they meet.
    Few(Vec<(Tick, u64, bool)>),
}

fn piece() -> impl Strategy<Value = Piece> {
    let gap = prop_oneof![6 => Just(0), 2 => 0u64..40, 1 => 0u64..9000];
    // Shifted, so that they fall into few rows of few banks, or into one row.
    let slot = prop_oneof![0u64..24, (0u64..48).prop_map(|s| s * 32), 0u64..100_000];
    prop_oneof![
        (0..Workload::ALL.len(), 20u64..400).prop_map(|(rule, n)| Piece::Rule(rule, n)),
        prop::collection::vec((gap, slot, any::<bool>()), 1..250).prop_map(Piece::Few),
    ]
}

/// The pieces one after the other; only the order of `at` matters, so gaps add up.
pub struct Mix(std::vec::IntoIter<Request>);

impl Mix {
    fn new(pieces: &[Piece], organisation: &Organisation) -> Mix {
        let mut list = Vec::new();
        let mut base = 0;
        for piece in pieces {
            match piece {
                Piece::Rule(rule, count) => {
                    let rule = Workload::ALL[*rule].1;
                    let mut requests = Requests::new(rule, organisation, *count);
                    while let Some(request) = requests.take() {
                        let at = base + request.at;
                        list.push(Request { at, ..request });
                    }
                }
                Piece::Few(requests) => {
                    for &(gap, slot, write) in requests {
                        base += gap;
                        let direction = if write {
                            Direction::Write
                        } else {
                            Direction::Read
                        };
                        list.push(Request {
                            at: base,
                            slot,
                            direction,
                        });
                    }
                }
            }
            base = list.last().map_or(base, |r: &Request| r.at.max(base));
        }
        Mix(list.into_iter())
    }
}

impl Source for Mix {
    fn take(&mut self) -> Option<Request> {
        self.0.next()
    }
}

fn timing() -> impl Strategy<Value = Timing> {
    let core = (1u64..20, 1u64..12, 1u64..6, 1u64..18, 1u64..18, 1u64..18);
    let apart = (1u64..8, 0u64..5, 4u64..70, 1u64..5, 0u64..4, 1u64..9);
    let rest = (
        0u64..12,
        1u64..20,
        1u64..9,
        0u64..3,
        10u64..200,
        400u64..3000,
    );
    (core, apart, rest, 0u64..40).prop_map(|(core, apart, rest, slack)| {
        let (cl, cwl, burst, rcd_rd, rcd_wr, rp) = core;
        let (rrd_s, rrd_more, faw, ccd_s, ccd_more, wtr_s) = apart;
        let (wtr_more, wr, rtp, rtrs, rfc, refi) = rest;
        let ras = rcd_rd + rtp + slack;
        Timing {
            cl: cl.max(cwl),
            cwl,
            burst,
            rcd_rd,
            rcd_wr,
            rp,
            ras,
            rc: ras + rp,
            rrd_s,
            rrd_l: rrd_s + rrd_more,
            faw,
            ccd_s,
            ccd_l: ccd_s + ccd_more,
            wtr_s,
            wtr_l: wtr_s + wtr_more,
            wr,
            rtp,
            rtrs,
            rfc,
            refi,
        }
    })
}

fn a_part() -> impl Strategy<Value = Part> {
    let sizes = (
        1usize..5,
        1usize..5,
        prop_oneof![Just(64u64), Just(57), Just(4096)],
    );
    let timing = prop_oneof![1 => Just(HBM2), 3 => timing()];
    let extra = (0u64..4, prop_oneof![Just(0u64), 100u64..400]);
    (sizes, 1usize..4, timing, extra, 3u64..40).prop_map(
        |(sizes, ranks, timing, extra, columns)| {
            let (groups, banks, rows) = sizes;
            let extra = Extra {
                pre_to_pre: extra.0,
                thirty_two: extra.1,
            };
            part((groups, banks, rows, columns), ranks, &timing, extra)
        },
    )
}

fn parameters() -> impl Strategy<Value = Parameters> {
    let refresh = prop_oneof![
        1 => Just(RefreshOrder::Off),
        2 => Just(RefreshOrder::Simultaneous),
        3 => Just(RefreshOrder::Staggered),
    ];
    let depth = prop_oneof![Just(8usize), 1usize..33];
    let queue = prop_oneof![Just(32usize), 1usize..70];
    (
        queue,
        depth,
        0u32..9,
        0usize..20,
        refresh,
        any::<bool>(),
        prop::bool::weighted(0.8),
    )
        .prop_map(
            |(transactions, bank_queue, hit_cap, drain_above, refresh, second_slot, merging)| {
                Parameters {
                    transactions,
                    bank_queue,
                    hit_cap,
                    drain_above,
                    refresh,
                    second_slot,
                    merging,
                }
            },
        )
}

/// Keeps the trace and fails when time does not go on.
#[derive(Default)]
struct Watchdog {
    log: CommandLog,
    in_tick: (Tick, u32),
}

impl Observer for Watchdog {
    fn command(&mut self, issued: Issued) {
        let (at, count) = self.in_tick;
        assert!(issued.at >= at, "time runs backwards");
        self.in_tick = (issued.at, if issued.at == at { count + 1 } else { 1 });
        assert!(self.in_tick.1 <= 2, "three commands in tick {at}");
        self.log.command(issued);
    }
}

fn first_difference(a: &[Issued], b: &[Issued]) -> Option<(Option<Issued>, Option<Issued>)> {
    (0..a.len().max(b.len()))
        .map(|i| (a.get(i).copied(), b.get(i).copied()))
        .find(|(a, b)| a != b)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_engine_is_its_twin(
        part in a_part(),
        parameters in parameters(),
        pieces in prop::collection::vec(piece(), 1..6),
    ) {
        let mut theirs = CommandLog::default();
        let mix = || Mix::new(&pieces, &part.organisation);
        let expected = run(&part, parameters, &mut mix(), &mut theirs);
        let mut ours = Watchdog::default();
        let outcome = engine(&part, parameters).run(&mut mix(), &mut ours);
        prop_assert_eq!(first_difference(&ours.log.0, &theirs.0), None);
        prop_assert_eq!(outcome, expected);
    }

    /// Several channels, each request to its channel, the head of the line blocking: as many
    /// requests a tick as channels, of which one channel may get several.
    #[test]
    fn channels_offered_one_by_one_are_their_twins(
        part in a_part(),
        parameters in parameters(),
        pieces in prop::collection::vec(piece(), 1..4),
        (channels, granule) in (1usize..5, 1u64..6),
    ) {
        let requests: Vec<_> = Mix::new(&pieces, &part.organisation).0.collect();
        let home = |request: &Request| (request.slot / granule) as usize % channels;
        let mut stepped: Vec<_> = (0..channels).map(|_| Stepped::new(&part, parameters)).collect();
        let mut theirs = vec![CommandLog::default(); channels];
        let (mut t, mut i) = (0, 0);
        loop {
            for _ in 0..channels {
                let Some(request) = requests.get(i) else { break };
                let channel = &mut stepped[home(request)];
                if t < request.at || !channel.will_accept(request.direction) {
                    break;
                }
                channel.accept(*request, t);
                i += 1;
            }
            for (channel, log) in stepped.iter_mut().zip(&mut theirs) {
                channel.tick(t, log);
            }
            let settled = |c: &Stepped<'_>| c.settled().is_some_and(|end| end <= t);
            if i == requests.len() && stepped.iter().all(settled) {
                break;
            }
            t += 1;
        }
        let mut engines: Vec<_> = (0..channels).map(|_| engine(&part, parameters)).collect();
        let mut ours = vec![CommandLog::default(); channels];
        let (mut from, mut in_tick) = (0, 0);
        for request in &requests {
            if in_tick == channels {
                (from, in_tick) = (from + 1, 0);
            }
            let channel = home(request);
            let wanted = from.max(request.at);
            let at = engines[channel].offer(*request, wanted, &mut ours[channel]);
            in_tick = if at == from { in_tick + 1 } else { 1 };
            from = at;
        }
        let pairs = engines.iter_mut().zip(&mut ours);
        let last = pairs.map(|(engine, log)| engine.drain(log)).max().unwrap_or(0);
        prop_assert_eq!(last, t);
        for (index, engine) in engines.iter_mut().enumerate() {
            let outcome = engine.finish(last, &mut ours[index]);
            prop_assert_eq!(first_difference(&ours[index].0, &theirs[index].0), None);
            stepped[index].outcome.cycles = t + 1;
            prop_assert_eq!(&outcome, &stepped[index].outcome);
        }
    }

    /// Passing over periods changes nothing.
    #[test]
    fn fast_forward_changes_nothing(
        part in a_part(),
        parameters in parameters(),
        rule in 0..Workload::ALL.len(),
        count in 1u64..60_000,
    ) {
        let mut described = Requests::new(Workload::ALL[rule].1, &part.organisation, count);
        let mut opaque = Opaque(described.clone());
        let fast = engine(&part, parameters).run(&mut described, &mut NoObserver);
        let slow = engine(&part, parameters).run(&mut opaque, &mut NoObserver);
        prop_assert_eq!(fast, slow);
    }
}

/// A source that does not tell its period.
struct Opaque(Requests);

impl Source for Opaque {
    fn take(&mut self) -> Option<Request> {
        self.0.take()
    }
}

/// Counts what is taken.
struct Counted(Requests, u64);

impl Source for Counted {
    fn take(&mut self) -> Option<Request> {
        self.1 += 1;
        self.0.take()
    }

    fn period(&self) -> Option<Period> {
        self.0.period()
    }

    fn skip(&mut self, requests: u64) {
        self.0.skip(requests);
    }

    fn left(&self) -> u64 {
        self.0.left()
    }
}

#[test]
fn ten_million_described_requests_are_half_a_million_simulated_ones() {
    let (part, parameters) = recorded("HBM2_8Gb_x128").expect("a known part");
    let requests = Requests::new(Workload::SeqRead, &part.organisation, 10_000_000);
    let mut counted = Counted(requests.clone(), 0);
    let fast = engine(&part, parameters).run(&mut counted, &mut NoObserver);
    assert!(counted.1 < 500_000, "{} requests were taken", counted.1);
    let slow = engine(&part, parameters).run(&mut Opaque(requests), &mut NoObserver);
    assert_eq!(fast, slow);
}

/// DRAMsim3 stops for ever here: the write queue is full, its write waits for a read of its address,
/// and the read waits for the end of the drain.
#[test]
fn a_full_write_queue_lets_the_read_of_its_address_go_first() {
    let (part, parameters) = recorded("HBM2_8Gb_x128").expect("a known part");
    let parameters = Parameters {
        transactions: 1,
        bank_queue: 1,
        ..parameters
    };
    let request = |slot, direction| Request {
        at: 0,
        slot,
        direction,
    };
    // Slot 32 lies in another bank than slots 0 and 1.
    let requests = vec![
        request(0, Direction::Write),
        request(1, Direction::Write),
        request(32, Direction::Read),
        request(32, Direction::Write),
        request(2, Direction::Read),
    ];
    let mix = || Mix(requests.clone().into_iter());
    let outcome = engine(&part, parameters).run(&mut mix(), &mut NoObserver);
    let expected = run(&part, parameters, &mut mix(), &mut NoObserver);
    assert_eq!(outcome, expected);
    assert_eq!((outcome.reads, outcome.latencies.count()), (2, 2));
}

/// Thirty-two channels, queues and histogram included, fit into a second-level cache.
#[test]
fn a_channel_is_small() {
    assert!(
        size_of::<BankQueues>() < 16 << 10,
        "{}",
        size_of::<BankQueues>()
    );
}
