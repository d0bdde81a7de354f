//! `[requests]`: parts of the controllers replaced one by one, and what cannot be.

use crate::support::Shipped;
use memwall_sim::dram::policy::Policy;
use memwall_sim::dram::{Command, NoObserver, Outcome, Requests, Workload};
use memwall_sim::machine::{Setting, load_part};

fn try_run(
    policy: Policy,
    part: &str,
    workload: Workload,
    settings: &[&str],
) -> Result<Outcome, String> {
    let settings: Vec<Setting> = settings
        .iter()
        .map(|text| Setting::parse(&format!("memory.requests.{text}")).expect("a setting"))
        .collect();
    let standard = load_part(&Shipped, part, &settings).map_err(|error| error.to_string())?;
    let mut requests = Requests::new(workload, &standard.organisation, 20_000);
    policy
        .run(&standard, &mut requests, &mut [NoObserver])
        .map_err(|error| error.to_string())
}

fn ours(workload: Workload, settings: &[&str]) -> Outcome {
    try_run(Policy::Default, "hbm3-6400", workload, settings).expect("a valid setting")
}

#[test]
fn refresh_takes_the_finest_command_and_can_be_told_otherwise() {
    let finest = ours(Workload::RandomRead, &[]);
    assert!(finest.of(Command::RefBank) > 0);
    assert_eq!(finest.of(Command::Ref), 0);
    let all = ours(Workload::RandomRead, &["refresh=\"all_bank\""]);
    assert_eq!(all.of(Command::RefBank), 0);
    assert!(all.of(Command::Ref) > 0);
    // Blocking one bank at a time costs less than blocking all.
    assert!(finest.cycles < all.cycles);
    let none = ours(Workload::RandomRead, &["refresh=\"none\""]);
    assert_eq!(none.of(Command::RefBank) + none.of(Command::Ref), 0);
    assert!(none.cycles < finest.cycles);
}

#[test]
fn closed_pages_miss_nothing_on_conflicts_and_lose_hits_of_probes() {
    let probe = |pages: &[&str]| ours(Workload::ProbeRowHit, pages).row_hits;
    assert!(probe(&["pages=\"open\""]) > 0);
    assert_eq!(probe(&["pages=\"closed\""]), 0);
    let long = ["pages=\"timeout\"", "page_timeout_tck=2000"];
    assert_eq!(probe(&long), probe(&["pages=\"open\""]));
    // A probe that a refresh delays comes closer to the next one, but not as close as this.
    let short = ["pages=\"timeout\"", "page_timeout_tck=100"];
    assert_eq!(probe(&short), 0);
    let latency = |pages: &str| {
        let outcome = ours(Workload::ProbeRowConflict, &[pages]);
        outcome.latencies.at_rank(outcome.latencies.count() / 2)
    };
    assert!(latency("pages=\"closed\"") < latency("pages=\"open\""));
}

#[test]
fn small_buffers_and_low_caps_cost_what_they_should() {
    let cycles = |settings: &[&str]| ours(Workload::RandomRead, settings).cycles;
    assert!(cycles(&["read_buffer=4"]) > cycles(&["read_buffer=16"]));
    assert!(cycles(&["read_buffer=16"]) > cycles(&[]));
    let activations = |settings: &[&str]| {
        let outcome = try_run(
            Policy::DramSim3,
            "dramsim3-hbm2-8gb-x128",
            Workload::StreamPlusRandom,
            settings,
        );
        outcome.expect("a valid setting").of(Command::Act)
    };
    assert!(activations(&["hit_cap=1"]) > activations(&["hit_cap=0"]));
}

#[test]
fn what_a_policy_has_no_part_for_is_refused() {
    let refused = |policy, setting: &str, rule: &str| {
        let part = if policy == Policy::DramSim3 {
            "dramsim3-hbm2-8gb-x128"
        } else {
            "ramulator-hbm3-6400"
        };
        let error = try_run(policy, part, Workload::SeqRead, &[setting]);
        let error = error.expect_err("refused");
        assert!(error.contains(rule), "{setting}: {error}");
    };
    let bank_queues = Policy::DramSim3;
    refused(bank_queues, "pages=\"closed\"", "requests.pages");
    refused(bank_queues, "refresh=\"per_bank\"", "all banks");
    refused(bank_queues, "bank_queue=33", "1 to 32");
    refused(Policy::Ramulator, "write_high=33", "watermark");
    refused(
        Policy::Ramulator,
        "refresh=\"same_bank\"",
        "no REFSB command",
    );
    refused(Policy::Ramulator, "read_buffer=5000", "at most 4096");
    refused(Policy::Ramulator, "page_timeout_tck=5", "timeout");
    refused(Policy::Ramulator, "pages=\"clsed\"", "clsed");
}
