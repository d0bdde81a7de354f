//! Each device against a closed form that can be worked out on paper.

use crate::support::{PARITY, npu, standard};
use memwall_sim::dram::{Channel, Descriptor, Direction, NoObserver, Standard, Stop, Watch};
use memwall_sim::exec::{Fidelity, Simulator};
use memwall_sim::pim::{PimOp, PimProgram};
use memwall_sim::time::Tick;
use proptest::prelude::*;
use std::sync::Arc;

const NO_REFRESH: &str = "memory.timing.t_refi_tck=100000000";

/// Completion ticks of streams handed over at tick zero.
fn completions(standard: &Arc<Standard>, streams: &[Descriptor]) -> Vec<Tick> {
    let mut channel = Channel::new(Arc::clone(standard));
    let blocks: Vec<_> = streams
        .iter()
        .map(|stream| channel.push(0, *stream, Watch::Record))
        .collect();
    while channel.advance(Tick::MAX, &mut NoObserver) != Stop::Idle {}
    blocks
        .into_iter()
        .map(|block| channel.completed(block).expect("drained"))
        .collect()
}

fn read(start: u64, bursts: u64) -> Descriptor {
    Descriptor::sequential(Direction::Read, start, bursts)
}

#[test]
fn a_cold_read_takes_activation_latency_and_burst() {
    let standard = standard("npu-only", &[]);
    // tRCD 14 + CL 14 + burst 2, and a burst every 2 ticks of an open row.
    assert_eq!(completions(&standard, &[read(0, 1)]), [30]);
    assert_eq!(completions(&standard, &[read(0, 16)]), [30 + 15 * 2]);
}

#[test]
fn a_row_conflict_pays_row_cycle_time() {
    let standard = standard("npu-only", &[]);
    // Another row of the same bank lies one row of every bank further: 32 banks of 16 bursts.
    let conflict = read(16 * 32, 1);
    // The second activation waits for tRAS 34 + tRP 14.
    assert_eq!(
        completions(&standard, &[read(0, 1), conflict]),
        [30, 48 + 30]
    );
}

#[test]
fn a_write_pays_its_recovery_before_a_conflict() {
    let standard = standard("npu-only", &[]);
    let write = |start| Descriptor::sequential(Direction::Write, start, 1);
    // WR at 14, CWL 4, burst 2: 20. Precharge after CWL + burst + tWR = 22 more ticks, tRP 14,
    // tRCD 14, CWL 4, burst 2.
    assert_eq!(
        completions(&standard, &[write(0), write(16 * 32)]),
        [20, 14 + 22 + 14 + 14 + 6]
    );
}

#[test]
fn a_long_stream_runs_between_refresh_share_and_peak() {
    let standard = standard("npu-only", &[]);
    let bursts = 100_000;
    let ticks = completions(&standard, &[read(0, bursts)])[0];
    let efficiency = (2 * bursts) as f64 / ticks as f64;
    // While one rank refreshes the other goes on, so the loss lies between none and both.
    let worst = 1.0 - 2.0 * 290.0 / 3900.0;
    assert!((worst..1.0).contains(&efficiency), "{efficiency}");
}

/// Ticks of 500 tiles within a long program.
fn tiles(standard: &Arc<Standard>, results: u32, comps: u32) -> Tick {
    let run = |tiles: u32| {
        let mut channel = Channel::new(Arc::clone(standard));
        let ops = (0..tiles)
            .map(|row| PimOp::Tile {
                row: row % 2,
                results,
                comps,
            })
            .collect();
        let block = channel.push_pim(0, PimProgram { ops }, Watch::Record);
        while channel.advance(Tick::MAX, &mut NoObserver) != Stop::Idle {}
        channel.completed(block).expect("drained")
    };
    run(520) - run(20)
}

#[test]
fn tiles_without_refresh_have_the_published_periods() {
    // Newton table measured on the artifact: read-outs x steps of a row against ticks.
    let mut settings = PARITY.to_vec();
    settings.push(NO_REFRESH);
    let parity = standard("neupims", &settings);
    let row = |results, comps| tiles(&parity, results, comps);
    let rows = [row(1, 32), row(2, 16), row(4, 8), row(8, 4)];
    assert_eq!(rows, [143, 177, 197, 241].map(|period| 500 * period));
}

#[test]
fn a_physical_tile_waits_for_its_last_step() {
    let physical = standard("neupims", &[NO_REFRESH]);
    // tRP, four G_ACT of a rank in 90, and from the last of them tRAS; or, a slot later for the
    // second rank's precharge, tRCD, steps and tRTP.
    for comps in [6u32, 16, 32] {
        let period = 14 + 90 + (1 + 14 + 2 * Tick::from(comps) + 6).max(34);
        assert_eq!(tiles(&physical, 1, comps), 500 * period);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// physics.md: T_row = (B/4 - 1) tFAW + max(tRCD + n tCCD + tRTP, tRAS) + tRP bounds a row pass
    /// whose activations are counted in the window, whatever the row buffers.
    #[test]
    fn no_tile_is_faster_than_its_activations(results in 1u32..5, comps in 1u32..33, faw in 8u64..60, dual: bool) {
        let faw_setting = format!("memory.timing.t_faw_tck={faw}");
        let name = if dual { "neupims" } else { "npu-pim" };
        let standard = standard(name, &[NO_REFRESH, &faw_setting]);
        let steps = 2 * u64::from(results) * u64::from(comps);
        let bound = 3 * faw + (14 + steps + 6).max(34) + 14;
        prop_assert!(tiles(&standard, results, comps) >= 500 * bound);
    }
}

#[test]
fn a_product_is_bound_by_memory_or_by_the_arrays() {
    let device = npu("npu-only", &[]);
    let model = memwall_models::registry::get("gpt3-6.7b").expect("embedded");
    let machine = crate::support::machine("npu-only", &[]);
    for (rows, bound_by_arrays) in [(32usize, false), (2048, true)] {
        let mut simulator =
            Simulator::new(&machine, &model, 4, Fidelity::Command).expect("a valid machine");
        let sequences = vec![
            memwall_models::Sequence {
                new_tokens: 1,
                context: 16,
            };
            rows
        ];
        let timing = simulator.step(&sequences, &[]).expect("a valid step");
        let up = timing
            .tasks
            .iter()
            .find(|task| task.name == "ffn_up")
            .expect("a layer has one");
        let ns = up.time.0 / 1000;
        let memory = 2 * 4096 * 4096 / 1024;
        let arrays = rows as u64 * 4096 * 4096 / device.npu.array.macs_per_cycle();
        let bound = memory.max(arrays);
        assert_eq!(arrays > memory, bound_by_arrays);
        assert!(
            ns >= bound && ns < bound + bound / 10,
            "{rows} rows: {ns} against {bound}"
        );
    }
}
