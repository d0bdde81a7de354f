//! Several channels under one host: channels advanced on demand against a loop that ticks them all,
//! with the controller that has a stepped twin.

use crate::stepped::bank_queues::{Part, Stepped};
use crate::support::part;
use memwall_sim::dram::bank_queues::Parameters;
use memwall_sim::dram::interface::Slots;
use memwall_sim::dram::{
    CommandLog, Offered, Outcome, Policy, Requests, Standard, Traffic, Workload,
};

/// The rule of the reference driver, as it is written down.
fn ticked(
    standard: &Standard,
    channels: usize,
    requests: &[Offered],
) -> (Outcome, Vec<CommandLog>) {
    let twin = Part {
        organisation: standard.organisation.clone(),
        constraints: standard.constraints.clone(),
        read_latency: standard.read_latency(),
        refresh_interval: standard.refreshes.interval,
    };
    let parameters = Parameters {
        second_slot: standard.interface.slots == Slots::RowAndColumn,
        ..Parameters::default()
    };
    let mut twins: Vec<_> = (0..channels)
        .map(|_| Stepped::new(&twin, parameters))
        .collect();
    let mut logs = vec![CommandLog::default(); channels];
    let (mut now, mut next, mut accepted) = (0, 0, 0);
    while next < requests.len() || twins.iter().any(|twin| twin.settled().is_none()) {
        for _ in 0..channels {
            let Some(offered) = requests.get(next) else {
                break;
            };
            let twin = &mut twins[offered.channel];
            if now < offered.request.at || !twin.will_accept(offered.request.direction) {
                break;
            }
            twin.accept(offered.request, now);
            accepted = now;
            next += 1;
        }
        for (twin, log) in twins.iter_mut().zip(&mut logs) {
            twin.tick(now, log);
        }
        now += 1;
    }
    let last = twins.iter().filter_map(Stepped::settled).max().unwrap_or(0);
    let cycles = last.max(accepted) + 1;
    // Returns lie ahead of their commands: go on to the last counted tick.
    while now < cycles {
        for (twin, log) in twins.iter_mut().zip(&mut logs) {
            twin.tick(now, log);
        }
        now += 1;
    }
    let mut whole = Outcome::default();
    for twin in &twins {
        whole.add(&twin.outcome);
    }
    whole.cycles = cycles;
    for log in &mut logs {
        log.0.retain(|issued| issued.at < cycles);
    }
    (whole, logs)
}

#[test]
fn channels_advanced_on_demand_are_channels_ticked_together() {
    for (name, channels) in [
        ("dramsim3-hbm2-8gb-x128", 3),
        ("dramsim3-ddr4-8gb-x8-3200", 2),
    ] {
        let standard = part(name, &[]);
        for (rule, workload, _) in Workload::ALL {
            let mut list = Vec::new();
            let mut traffic = Requests::over(workload, &standard.organisation, channels, 1500);
            while let Some(offered) = traffic.offered() {
                list.push(offered);
            }
            let (expected, expected_logs) = ticked(&standard, channels, &list);
            let mut traffic = Requests::over(workload, &standard.organisation, channels, 1500);
            let mut logs = vec![CommandLog::default(); channels];
            let found = Policy::DramSim3
                .run(&standard, &mut traffic, &mut logs)
                .expect("the policy serves the part");
            assert_eq!(found.cycles, expected.cycles, "{name} {rule}");
            assert_eq!(found.latencies, expected.latencies, "{name} {rule}");
            assert_eq!(found.row_hits, expected.row_hits, "{name} {rule}");
            for (channel, (a, b)) in logs.iter().zip(&expected_logs).enumerate() {
                assert_eq!(a.0, b.0, "{name} {rule} channel {channel}");
            }
        }
    }
}

#[test]
fn one_channel_driven_in_steps_is_one_channel_run() {
    use memwall_sim::dram::NoObserver;
    for (name, policy) in [
        ("ramulator-hbm3-6400", Policy::Ramulator),
        ("ramulator-lpddr5-6400", Policy::Ramulator),
        ("ddr5-4800", Policy::Default),
        ("dramsim3-lpddr4-8gb-x16-2400", Policy::DramSim3),
    ] {
        let standard = part(name, &[]);
        for (rule, workload, _) in Workload::ALL {
            let requests = |count| Requests::over(workload, &standard.organisation, 1, count);
            let once = policy.run(&standard, &mut requests(1500), &mut [NoObserver]);
            let once = once.expect("the policy serves the part");
            let steps = policy.stepwise(&standard, &mut requests(1500), &mut [NoObserver]);
            assert_eq!(once, steps.expect("the same"), "{name} {rule}");
        }
    }
}
