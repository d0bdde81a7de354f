//! Defects that were found and must not come back; each test is named for its defect.

use crate::support::{machine, try_machine};
use memwall_models::{Model, Sequence, registry};
use memwall_sim::exec::{Fidelity, Simulator};
use memwall_sim::time::Ps;

fn step(
    name: &str,
    settings: &[&str],
    model: &Model,
    fidelity: Fidelity,
    batch: &[Sequence],
) -> Ps {
    let machine = machine(name, settings);
    let mut simulator = Simulator::new(&machine, model, 1, fidelity).expect("a valid machine");
    let channels = vec![0; batch.len()];
    simulator
        .step(batch, &channels)
        .expect("a valid step")
        .total
}

fn one_layer(name: &str) -> Model {
    let mut model = registry::get(name).expect("embedded");
    model.layers = 1;
    model
}

const DECODE: [Sequence; 1] = [Sequence {
    new_tokens: 1,
    context: 100,
}];

#[test]
fn a_vector_unit_of_one_lane_never_ended() {
    let model = one_layer("llama-2-7b");
    let setting = ["npu.vector_lanes=1"];
    assert!(step("neupims", &setting, &model, Fidelity::Command, &DECODE) > Ps::ZERO);
}

#[test]
fn refresh_that_leaves_no_time_for_an_access_never_ended() {
    let settings = [
        "memory.timing.t_refi_tck=262",
        "memory.organisation.ranks=1",
    ];
    let error = try_machine("npu-only", &settings).expect_err("no access fits");
    assert!(error.to_string().contains("t_refi_tck"), "{error}");
    // The tightest interval that is accepted works.
    let tight = (262..1000)
        .map(|refi| format!("memory.timing.t_refi_tck={refi}"))
        .find(|refi| try_machine("npu-only", &[refi, "memory.organisation.ranks=1"]).is_ok())
        .expect("some interval is long enough");
    let tight = [tight.as_str(), "memory.organisation.ranks=1"];
    let model = one_layer("llama-2-7b");
    assert!(step("npu-only", &tight, &model, Fidelity::Command, &DECODE) > Ps::ZERO);
}

#[test]
fn rare_refresh_made_the_basis_endless() {
    let model = one_layer("llama-2-7b");
    let rare = ["memory.timing.t_refi_tck=1000000000000"];
    assert!(step("neupims", &rare, &model, Fidelity::Fast, &DECODE) > Ps::ZERO);
}

#[test]
fn a_slow_link_walked_through_every_idle_refresh() {
    let machine = machine("neupims", &["link.bandwidth_gb_per_s=1e-9"]);
    let model = one_layer("llama-2-7b");
    let mut simulator =
        Simulator::new(&machine, &model, 4, Fidelity::Command).expect("a valid machine");
    let time = simulator.step(&DECODE, &[0]).expect("a valid step").total;
    assert!(
        time > Ps(1_000_000_000_000),
        "hours of simulated idle time pass at once"
    );
}

#[test]
fn a_longer_row_truncated_the_number_of_steps() {
    let wide = [
        "memory.organisation.row_bytes=131072",
        "memory.controller.bank_queue_bursts=4096",
        "memory.timing.t_refi_tck=100000",
        "pim.macs_per_bank=1",
        "pim.gwrite_tck=4096",
    ];
    let model = one_layer("llama-3.1-8b");
    let time = |context| {
        let sequence = Sequence {
            new_tokens: 1,
            context,
        };
        step("neupims", &wide, &model, Fidelity::Command, &[sequence])
    };
    assert!(time(65_540) >= time(65_530));
}

#[test]
fn a_sliding_window_was_ignored_in_prefill() {
    let whole = one_layer("llama-2-7b");
    let mut windowed = whole.clone();
    windowed.sliding_window = Some(512);
    let prompt = [Sequence {
        new_tokens: 8000,
        context: 0,
    }];
    for name in ["npu-only", "gpu-a100"] {
        let time = |model| step(name, &[], model, Fidelity::Fast, &prompt);
        assert!(time(&windowed) < time(&whole), "{name}");
    }
}
