//! Collectives: the closed form and the executed messages, and what both owe to arithmetic.

use super::{link, shipped, star};
use memwall_sim::link::Ring;
use memwall_sim::link::collective::{Algorithm, Collective, Schedule, closed_form, execute, plan};
use memwall_sim::link::network::Network;
use memwall_sim::link::topology::{NodeKind, PeerToPeer, Topology};
use memwall_sim::time::Ps;
use proptest::prelude::*;
use std::sync::Arc;

const COLLECTIVES: [Collective; 5] = [
    Collective::AllReduce,
    Collective::ReduceScatter,
    Collective::AllGather,
    Collective::AllToAll,
    Collective::Broadcast,
];

/// Every pair joined.
fn meshed(devices: usize, bytes_per_s: u64, latency: Ps) -> Arc<Topology> {
    let mut topology = Topology::new("mesh", "every pair joined", PeerToPeer::All);
    let ids: Vec<_> = (0..devices)
        .map(|index| topology.add(&format!("gpu{index}"), NodeKind::Device))
        .collect();
    for (index, &from) in ids.iter().enumerate() {
        for &to in &ids[index + 1..] {
            topology.join(&link((from, to), bytes_per_s, latency));
        }
    }
    Arc::new(topology)
}

fn executed(topology: &Arc<Topology>, schedule: &Schedule, bytes: u64) -> Ps {
    let mut network = Network::new(Arc::clone(topology));
    let nodes = topology.devices();
    execute(
        &mut network,
        Ps::ZERO,
        schedule,
        &nodes,
        (bytes, Ps(7)),
        |b| b,
    )
    .expect("routes")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_closed_form_is_the_executed_time(
        devices in 2usize..9,
        rate in 1u64..400,
        latency in 0u64..5_000_000,
        bytes in 1u64..1 << 30,
        mesh: bool,
    ) {
        let rate = rate * 1_000_000_000;
        let topology = if mesh { meshed(devices, rate, Ps(latency)) } else { star(devices, rate, Ps(latency)) };
        let nodes = topology.devices();
        for collective in COLLECTIVES {
            for algorithm in Algorithm::ALL {
                let Some(schedule) = Schedule::new(collective, algorithm, devices) else {
                    continue;
                };
                let closed = closed_form(&topology, &schedule, &nodes, (bytes, Ps(7)), |b| b).unwrap();
                let closed = closed.expect("a symmetric network has a closed form");
                prop_assert_eq!(closed, executed(&topology, &schedule, bytes), "{:?} {:?}", collective, algorithm);
            }
        }
    }

    #[test]
    fn more_bandwidth_never_hurts(devices in 2usize..7, rate in 1u64..200, bytes in 1u64..1 << 28) {
        for collective in COLLECTIVES {
            let time = |rate: u64| {
                let topology = star(devices, rate * 1_000_000_000, Ps(1_000_000));
                plan(&topology, &topology.devices(), collective, bytes, None).unwrap().time
            };
            prop_assert!(time(2 * rate) <= time(rate));
        }
    }

    #[test]
    fn the_ring_of_a_machine_is_that_of_a_topology(devices in 2u64..9, bytes in 1u64..1 << 30, rate in 1u64..400) {
        let ring = Ring { bytes_per_s: rate * 1_000_000_000, step_latency: Ps(4_100_000) };
        let topology = star(devices as usize, ring.bytes_per_s, Ps(2_050_000));
        let same = plan(&topology, &topology.devices(), Collective::AllReduce, bytes, Some(Algorithm::Ring)).unwrap();
        prop_assert_eq!(same.time, ring.all_reduce(bytes, devices));
        prop_assert_eq!(same.sent_bytes, 2 * (devices - 1) * bytes.div_ceil(devices));
    }
}

#[test]
fn a_shared_uplink_binds() {
    // Two devices on each of two switches, one link between the switches.
    let mut topology = Topology::new("uplink", "two switches", PeerToPeer::All);
    let switches = [0, 1].map(|n| topology.add(&format!("switch{n}"), NodeKind::Switch));
    for index in 0..4 {
        let device = topology.add(&format!("gpu{index}"), NodeKind::Device);
        topology.join(&link((device, switches[index / 2]), 10_000_000_000, Ps(0)));
    }
    topology.join(&link((switches[0], switches[1]), 10_000_000_000, Ps(0)));
    let topology = Arc::new(topology);
    let nodes = topology.devices();
    let bytes = 400_000_000;
    // Direct all-to-all: of 100 MB to each other device, four times 100 MB cross each way.
    let crossing = plan(&topology, &nodes, Collective::AllToAll, bytes, None).expect("routes");
    assert_eq!(crossing.time, Ps(40_000_000_000));
    assert!(!crossing.closed, "what stays on a switch is done before");
    // A ring crosses once each way and is as fast as on one switch.
    let ring = |topology: &Arc<Topology>| {
        let nodes = topology.devices();
        plan(
            topology,
            &nodes,
            Collective::AllReduce,
            bytes,
            Some(Algorithm::Ring),
        )
        .expect("routes")
        .time
    };
    assert_eq!(ring(&topology), ring(&star(4, 10_000_000_000, Ps(0))));
}

#[test]
fn a_collective_shares_with_other_traffic() {
    let topology = star(4, 10_000_000_000, Ps(0));
    let nodes = topology.devices();
    let schedule = Schedule::new(Collective::AllReduce, Algorithm::Ring, 4).expect("a ring");
    let alone = executed(&topology, &schedule, 400_000_000);
    let mut network = Network::new(Arc::clone(&topology));
    let other = memwall_sim::link::network::Transfer::new(nodes[0], nodes[1], 1_000_000_000);
    network.submit(Ps(0), other).expect("a route");
    let sizes = (400_000_000, Ps(7));
    let beside = execute(&mut network, Ps(0), &schedule, &nodes, sizes, |b| b).expect("routes");
    assert!(beside > alone, "{beside} {alone}");
}

#[test]
fn algorithms_that_cannot_are_named() {
    let topology = shipped("4xa100-nvlink");
    let nodes = topology.devices();
    let error = plan(
        &topology,
        &nodes,
        Collective::AllToAll,
        8,
        Some(Algorithm::Ring),
    );
    let error = error.expect_err("a ring has no all-to-all").to_string();
    assert_eq!(
        error,
        "algorithm 'ring' has no all-to-all; there are direct"
    );
    let error = plan(&topology, &nodes[..1], Collective::AllReduce, 8, None);
    assert!(error.is_err(), "one device has nobody to reduce with");
}
