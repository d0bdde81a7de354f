//! Transfers in flight: conservation, capacities, fairness, classes, cancellation.

use super::{link, run, star};
use memwall_sim::link::LinkError;
use memwall_sim::link::network::{Network, Transfer, TransferId};
use memwall_sim::link::topology::{Join, NodeId, NodeKind, PeerToPeer, Topology};
use memwall_sim::time::Ps;
use proptest::prelude::*;
use std::sync::Arc;

const GB: u64 = 1_000_000_000;
const US: u64 = 1_000_000;

/// Two nodes and a link.
fn pair(change: impl Fn(&mut Join)) -> (Arc<Topology>, NodeId, NodeId) {
    let mut topology = Topology::new("pair", "two devices", PeerToPeer::All);
    let a = topology.add("a", NodeKind::Device);
    let b = topology.add("b", NodeKind::Device);
    let mut join = link((a, b), GB, Ps(0));
    change(&mut join);
    topology.join(&join);
    (Arc::new(topology), a, b)
}

#[test]
fn alone_a_transfer_takes_set_up_bytes_and_latency() {
    let (topology, a, b) = pair(|join| {
        join.latency = Ps(500);
        join.start = Ps(10_000);
        join.payload = 256;
    });
    let (network, times) = run(&topology, &[(7, Transfer::new(a, b, 1000))]);
    // Four packets of 256 B at 1 B/ns.
    assert_eq!(times, [Ps(7 + 10_000 + 1024 * 1000 + 500)]);
    assert_eq!(network.carried(), [1024, 0]);
}

#[test]
fn two_share_and_the_later_finishes_alone() {
    let (topology, a, b) = pair(|_| ());
    let (one, two) = (Transfer::new(a, b, 1000), Transfer::new(a, b, 2000));
    let (_, times) = run(&topology, &[(0, one), (0, two)]);
    assert_eq!(times, [Ps(2 * US), Ps(3 * US)]);
}

#[test]
fn directions_share_what_the_link_says() {
    let (full, a, b) = pair(|_| ());
    let both = |a, b| {
        [
            (0, Transfer::new(a, b, 1000)),
            (0, Transfer::new(b, a, 1000)),
        ]
    };
    assert_eq!(run(&full, &both(a, b)).1, [Ps(US); 2]);
    let (half, a, b) = pair(|join| join.both = Some(GB));
    assert_eq!(run(&half, &both(a, b)).1, [Ps(2 * US); 2]);
    // Together 1.6 of 2: each direction gets 0.8.
    let (coupled, a, b) = pair(|join| join.both = Some(GB * 8 / 5));
    assert_eq!(run(&coupled, &both(a, b)).1, [Ps(US * 5 / 4); 2]);
    let (_, alone) = run(&coupled, &[(0, Transfer::new(a, b, 1000))]);
    assert_eq!(alone, [Ps(US)]);
}

#[test]
fn an_urgent_transfer_waits_for_the_chunk_under_way() {
    let (topology, a, b) = pair(|_| ());
    let urgent = (1_500 * 1000, Transfer::new(a, b, 1000));
    let low = |chunk| Transfer {
        class: 1,
        chunk,
        ..Transfer::new(a, b, 10_000)
    };
    // 1,500 B are sent when it comes. Chunks of 4,000: it waits for 2,500 more.
    for (chunk, start) in [
        (Some(1), 1_500),
        (Some(4_000), 4_000),
        (Some(500), 1_500),
        (None, 10_000),
    ] {
        let (_, times) = run(&topology, &[(0, low(chunk)), urgent]);
        assert_eq!(times[1], Ps((start + 1_000) * 1000), "{chunk:?}");
        let low_end = if start == 10_000 { 10_000 } else { 11_000 };
        assert_eq!(times[0], Ps(low_end * 1000), "{chunk:?}");
    }
}

#[test]
fn an_urgent_transfer_elsewhere_disturbs_nobody() {
    let topology = star(4, GB, Ps(0));
    let ids = topology.devices();
    let low = Transfer {
        class: 1,
        chunk: None,
        ..Transfer::new(ids[0], ids[1], 1000)
    };
    let (_, times) = run(
        &topology,
        &[(0, low), (0, Transfer::new(ids[2], ids[3], 1000))],
    );
    assert_eq!(times, [Ps(US); 2]);
}

#[test]
fn what_is_cancelled_never_arrives_and_frees_the_link() {
    let (topology, a, b) = pair(|_| ());
    let mut network = Network::new(topology);
    let first = network
        .submit(Ps(0), Transfer::new(a, b, 1000))
        .expect("a route");
    let second = network
        .submit(Ps(0), Transfer::new(a, b, 1000))
        .expect("a route");
    let waiting = network
        .submit(Ps(9 * US), Transfer::new(a, b, 5))
        .expect("a route");
    // At one microsecond each has sent 500 B.
    assert_eq!(network.cancel(Ps(US), first), Some(500));
    assert_eq!(network.cancel(Ps(US), waiting), Some(5));
    assert_eq!(network.cancel(Ps(US), first), None);
    let done = network.drain();
    assert_eq!(done.len(), 1);
    assert_eq!((done[0].id, done[0].at), (second, Ps(US + US / 2)));
    assert_eq!(network.carried()[0], 1500);
    assert_eq!(network.cancel(network.now(), TransferId(99)), None);
}

#[test]
fn impossible_transfers_are_refused() {
    let (topology, a, b) = pair(|_| ());
    let mut network = Network::new(Arc::clone(&topology));
    assert!(matches!(
        network.submit(Ps(0), Transfer::new(a, a, 1)),
        Err(LinkError::Same { .. })
    ));
    network.advance(Ps(10));
    assert!(matches!(
        network.submit(Ps(5), Transfer::new(a, b, 1)),
        Err(LinkError::Past { .. })
    ));
    let mut apart = Topology::new("apart", "no link", PeerToPeer::All);
    let (a, b) = (
        apart.add("a", NodeKind::Device),
        apart.add("b", NodeKind::Device),
    );
    assert!(matches!(apart.route(a, b), Err(LinkError::NoRoute { .. })));
}

/// Transfers over a star: submission, ends, bytes, class, chunk.
type Raw = (u64, usize, usize, u64, u8, Option<u64>);

fn traffic() -> impl Strategy<Value = (usize, u64, Vec<Raw>)> {
    (2usize..6, 1u64..50).prop_flat_map(|(devices, rate)| {
        let one = (
            0u64..5_000_000,
            0..devices,
            1..devices,
            1u64..20_000,
            0u8..3,
            proptest::option::of(1u64..5_000),
        );
        (
            Just(devices),
            Just(rate),
            proptest::collection::vec(one, 1..14),
        )
    })
}

fn transfers(topology: &Topology, devices: usize, raw: &[Raw]) -> Vec<(u64, Transfer)> {
    let ids = topology.devices();
    let mut all: Vec<(u64, Transfer)> = raw
        .iter()
        .map(|&(at, from, turn, bytes, class, chunk)| {
            let ends = (ids[from], ids[(from + turn) % devices]);
            let transfer = Transfer {
                class,
                chunk,
                ..Transfer::new(ends.0, ends.1, bytes)
            };
            (at, transfer)
        })
        .collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

proptest! {
    #[test]
    fn bytes_in_are_bytes_out_and_no_link_is_overfull((devices, rate, raw) in traffic()) {
        let rate = rate * 100_000_000;
        let topology = star(devices, rate, Ps(1000));
        let all = transfers(&topology, devices, &raw);
        let mut network = Network::new(Arc::clone(&topology));
        for &(at, transfer) in &all {
            network.submit(Ps(at), transfer).unwrap();
        }
        let mut done = 0;
        let mut before = network.carried();
        let mut last = Ps(0);
        while let Some(at) = network.next_event() {
            done += network.advance(at).len();
            let now = network.carried();
            let span = u128::from(at.since(last).0);
            for (edge, (old, new)) in before.iter().zip(&now).enumerate() {
                let most = u128::from(topology.edges()[edge].capacities.len() as u64)
                    * (u128::from(rate) * span).div_ceil(1_000_000_000_000);
                // A byte counts when it is whole: up to one more than in the span.
                prop_assert!(u128::from(new - old) <= most + 1);
            }
            let mut load = vec![0u64; topology.capacities().len()];
            for (id, rate) in network.rates() {
                let transfer = &all[id.0 as usize].1;
                for capacity in topology.route(transfer.from, transfer.to).unwrap().uses {
                    load[capacity] += rate;
                }
            }
            for (load, capacity) in load.iter().zip(topology.capacities()) {
                prop_assert!(*load <= capacity.bytes_per_s);
            }
            before = now;
            last = at;
        }
        prop_assert_eq!(done, all.len());
        for (edge, carried) in topology.edges().iter().zip(network.carried()) {
            let sum: u64 = all
                .iter()
                .filter(|(_, t)| t.from == edge.from || t.to == edge.to)
                .map(|(_, t)| t.bytes)
                .sum();
            prop_assert_eq!(carried, sum);
        }
    }

    #[test]
    fn nothing_is_faster_than_alone_and_more_bandwidth_never_hurts_the_last(
        (devices, rate, raw) in traffic()
    ) {
        let slow = star(devices, rate * 100_000_000, Ps(1000));
        let fast = star(devices, rate * 200_000_000, Ps(1000));
        let raw: Vec<Raw> = raw.into_iter().map(|(at, a, b, n, _, c)| (at, a, b, n, 0, c)).collect();
        let all = transfers(&slow, devices, &raw);
        let (_, times) = run(&slow, &all);
        for (&(at, transfer), end) in all.iter().zip(&times) {
            let (_, alone) = run(&slow, &[(at, transfer)]);
            prop_assert!(*end >= alone[0]);
        }
        let (_, faster) = run(&fast, &all);
        prop_assert!(faster.iter().max() <= times.iter().max());
    }

    #[test]
    fn the_urgent_do_not_feel_those_who_give_way_at_once((devices, rate, raw) in traffic()) {
        let topology = star(devices, rate * 100_000_000, Ps(1000));
        let raw: Vec<Raw> = raw.into_iter().map(|(at, a, b, n, class, _)| (at, a, b, n, class.min(1), Some(1))).collect();
        let all = transfers(&topology, devices, &raw);
        let urgent: Vec<_> = all.iter().copied().filter(|(_, t)| t.class == 0).collect();
        let (_, with) = run(&topology, &all);
        let (_, without) = run(&topology, &urgent);
        let with: Vec<Ps> = all.iter().zip(with).filter(|((_, t), _)| t.class == 0).map(|(_, end)| end).collect();
        for (with, without) in with.iter().zip(&without) {
            // At most the byte under way.
            let byte = raw.len() as u64 * 2 * 10_000 / rate + 16;
            prop_assert!(with.0.abs_diff(without.0) <= byte, "{with} {without}");
        }
    }
}
