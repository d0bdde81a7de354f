//! Decoders on machines: what is timed, executed.

use super::{decoder_of, prompt};
use crate::support::machine;
use memwall_models::Dtype;
use memwall_models::reference::{Precision, Reference, greedy};
use memwall_sim::exec::SimError;
use memwall_sim::machine::{Device, Machine};
use memwall_sim::numerics::{
    Chance, Executed, Fault, NumericsError, OperatorCheck, StepCheck, Tolerance,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// The toys of the end-to-end runs: four layers of each family.
fn toy(family: &str, precision: Precision) -> Reference<f32> {
    decoder_of(family, Some(4), 11, precision)
}

const CLOSE: Tolerance = Tolerance { share: 1e-4 };

fn passes(check: &StepCheck) {
    assert_eq!(check.first_wrong().and_then(OperatorCheck::fault), None);
}

#[test]
fn the_same_tokens_as_the_reference() {
    for family in ["llama", "mixtral", "opt", "gpt2"] {
        for name in ["npu-only", "npu-pim", "neupims"] {
            let reference = toy(family, Precision::default());
            let machine = machine(name, &[]);
            let mut executed = Executed::new(&machine, &reference, 1, CLOSE).expect("it fits");
            let mut chance = Chance::none();
            let prompt = prompt(5, 48);
            let mut check = executed.step(&[&prompt], &mut chance).expect("prefill");
            passes(&check);
            for step in 0..32 {
                let token = greedy(check.logits.row(0));
                assert_eq!(
                    token,
                    greedy(check.expected.row(0)),
                    "{family} on {name}, token {step}"
                );
                let apart = (&check.logits - &check.expected).mapv(f32::abs);
                assert!(
                    apart.iter().all(|apart| *apart <= 1e-4),
                    "{family} on {name}"
                );
                check = executed
                    .step(&[&[token as u32]], &mut chance)
                    .expect("decode");
                passes(&check);
            }
        }
    }
}

/// A prefill of two prompts, a chunk beside a decode, and a decode of both: every kind of attention
/// that the machine has. `each` says whether to go on.
fn short_run(
    machine: &Machine,
    reference: &Reference<f32>,
    chance: &mut Chance,
    mut each: impl FnMut(&StepCheck) -> bool,
) {
    let mut executed = Executed::new(machine, reference, 2, CLOSE).expect("it fits");
    let (first, second) = (prompt(1, 9), prompt(2, 5));
    let steps: [[&[u32]; 2]; 3] = [
        [&first, &second],
        [&first[..1], &second[..3]],
        [&first[1..2], &second[1..2]],
    ];
    for tokens in &steps {
        if !each(&executed.step(tokens, chance).expect("a step")) {
            return;
        }
    }
}

/// Faults that a machine can have, each at 50 places of a run drawn from a seed.
fn faults(name: &str, settings: &[&str], least: usize) {
    let all = Fault::ALL.map(|(_, fault, _)| fault);
    faults_of("llama", name, settings, &all, least);
}

/// Of those `tried`, at `least` of which the machine has any place.
fn faults_of(family: &str, name: &str, settings: &[&str], tried: &[Fault], least: usize) {
    let reference = decoder_of(family, Some(2), 11, Precision::default());
    let machine = machine(name, settings);
    let mut clean = Chance::none();
    short_run(&machine, &reference, &mut clean, |check| {
        passes(check);
        true
    });
    let (mut made, mut caught, mut kinds) = (0, 0, 0);
    for &fault in tried {
        let word = fault.name();
        let places = clean.places(fault);
        let mut random = Pcg64::seed_from_u64(17);
        let mut missed = Vec::new();
        let tries = if places > 0 { 50 } else { 0 };
        kinds += usize::from(places > 0);
        for _ in 0..tries {
            let place = random.random_range(0..places);
            let mut chance = Chance::at(fault, place);
            let mut found = false;
            short_run(&machine, &reference, &mut chance, |check| {
                found = check.first_wrong().is_some();
                !found
            });
            made += 1;
            if found {
                assert!(chance.has_struck(), "{word} at {place}");
                caught += 1;
            } else {
                missed.push(place);
            }
        }
        println!("{name} {word}: {places} places, missed {missed:?} of {tries}");
    }
    println!("{name}: {caught} of {made}");
    assert!(kinds >= least, "{name} has {kinds} kinds of faults");
    assert!(100 * caught >= 99 * made, "{name}: {caught} of {made}");
}

const SMALL_ARRAYS: [&str; 3] = ["npu.rows=16", "npu.columns=16", "npu.arrays=2"];

#[test]
fn faults_of_an_npu_are_caught() {
    faults("npu-only", &SMALL_ARRAYS, 11);
}

#[test]
fn faults_of_a_blocked_pim_are_caught() {
    faults("npu-pim", &SMALL_ARRAYS, 14);
}

#[test]
fn faults_of_a_dual_pim_are_caught() {
    faults("neupims", &SMALL_ARRAYS, 14);
}

/// Several cores and tiles, parts of the reduction, partial sums that go to memory and come back.
#[test]
fn faults_of_small_cores_are_caught() {
    let settings = [
        "npu.rows=16",
        "npu.columns=16",
        "npu.scratchpad_kib=8",
        "npu.accumulator_kib=2",
        "npu.vector.softmax=online",
    ];
    faults("tpuv4-like", &settings, 11);
}

#[test]
fn faults_of_experts_are_caught() {
    let tried = [
        Fault::MisplaceToken,
        Fault::WrongExpert,
        Fault::LoseExpert,
        Fault::LoseStore,
    ];
    faults_of("mixtral", "npu-only", &SMALL_ARRAYS, &tried, 4);
}

#[test]
fn bytes_are_those_of_the_reference() {
    for family in ["llama", "mixtral", "opt", "gpt2"] {
        for name in [
            "npu-only",
            "npu-pim",
            "neupims",
            "tpuv4-like",
            "llmcompass-a100",
        ] {
            let reference = toy(family, Precision::default());
            let machine = machine(name, &[]);
            let Device::Npu(device) = &machine.device else {
                panic!("{name} is a GPU");
            };
            let element = reference.recipe.model.dtype.bytes();
            let burst = device.memory.burst_bytes();
            short_run(&machine, &reference, &mut Chance::none(), |check| {
                passes(check);
                assert_eq!(
                    check.bytes_differ(element, burst),
                    None,
                    "{family} on {name}"
                );
                true
            });
        }
    }
}

/// Rounded to fp16 wherever the machine stores, and held to what the reference rounds alike.
#[test]
fn half_precision_stays_close() {
    let half = Tolerance { share: 2e-2 };
    for family in ["llama", "mixtral", "opt", "gpt2"] {
        for name in ["npu-only", "npu-pim", "neupims"] {
            let reference = toy(family, Precision::uniform(Dtype::F16));
            let machine = machine(name, &[]);
            let mut executed = Executed::new(&machine, &reference, 1, half).expect("it fits");
            let mut chance = Chance::none();
            let prompt = prompt(5, 48);
            let mut tokens = prompt;
            let mut worst: f32 = 0.0;
            for _ in 0..9 {
                let check = executed.step(&[&tokens], &mut chance).expect("a step");
                passes(&check);
                let apart = (&check.logits - &check.expected).mapv(f32::abs);
                worst = apart.iter().fold(worst, |worst, apart| worst.max(*apart));
                tokens = vec![greedy(check.expected.row(0)) as u32];
            }
            println!("{family} on {name}: logits at most {worst:.1e} apart");
        }
    }
}

/// Two sub-batches that take turns: each sequence decodes as it does in the whole batch.
#[test]
fn sub_batches_decode_as_the_whole() {
    for family in ["llama", "mixtral"] {
        for name in ["npu-only", "neupims"] {
            let reference = toy(family, Precision::default());
            let machine = machine(name, &[]);
            let new = || Executed::new(&machine, &reference, 4, CLOSE).expect("it fits");
            let (mut whole, mut halves) = (new(), new());
            let mut chance = Chance::none();
            let lengths = [9_usize, 3, 14, 6];
            let mut tokens: Vec<Vec<u32>> =
                (0..4).map(|i| prompt(i, lengths[i as usize])).collect();
            for _ in 0..4 {
                let batch: Vec<&[u32]> = tokens.iter().map(Vec::as_slice).collect();
                let all = whole.step(&batch, &mut chance).expect("a step");
                passes(&all);
                let mut next = Vec::new();
                for members in [0..2, 2..4] {
                    let own = &batch[members.clone()];
                    let half = halves.sub_batch(members, own, &mut chance).expect("a step");
                    passes(&half);
                    next.extend(half.logits.rows().into_iter().map(greedy));
                }
                let together: Vec<usize> = all.logits.rows().into_iter().map(greedy).collect();
                assert_eq!(next, together, "{family} on {name}");
                tokens = next.into_iter().map(|token| vec![token as u32]).collect();
            }
        }
    }
}

/// More tokens than a row has elements, several queries of a KV head, fewer or more vectors than the
/// buffer holds, windows: what rows of banks and vectors are numbered for.
#[test]
fn banks_attend_over_several_rows_of_tokens() {
    for (family, buffer) in [("llama", 1), ("llama", 3), ("qwen2", 2), ("mistral", 1)] {
        for name in ["npu-pim", "neupims"] {
            let reference = decoder_of(family, Some(1), 11, Precision::default());
            let machine = machine(name, &[&format!("pim.vector_buffer_rows={buffer}")]);
            let mut executed = Executed::new(&machine, &reference, 2, CLOSE).expect("it fits");
            let mut chance = Chance::none();
            let (long, short) = (prompt(5, 530), prompt(6, 31));
            for tokens in [[&long[..], &short[..]], [&long[..1], &short[..1]]] {
                let check = executed.step(&tokens, &mut chance).expect("a step");
                passes(&check);
                assert_eq!(check.bytes_differ(2, 64), None, "{family} on {name}");
            }
        }
    }
}

/// Any mapping of any array: the executed product is the product.
mod schedules {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn of_any_machine_compute_the_decoder(
            cores in 1u64..4, arrays in 1u64..3, rows in 3u64..20, columns in 3u64..20,
            scratchpad in 4u64..32, accumulator in 2u64..16,
            dataflow in prop::sample::select(vec!["ws", "is", "os"]),
            buffering in prop::sample::select(vec!["tile", "block"]),
            layout in prop::sample::select(vec!["tiled", "row_major"]),
            softmax in prop::sample::select(vec!["online", "classic"]),
            credits in prop::option::of(4u64..64), family in 0usize..4,
            lengths in (1usize..12, 1usize..12),
        ) {
            let mut settings = vec![
                format!("npu.cores={cores}"), format!("npu.arrays={arrays}"),
                format!("npu.rows={rows}"), format!("npu.columns={columns}"),
                format!("npu.scratchpad_kib={scratchpad}"), format!("npu.accumulator_kib={accumulator}"),
                format!("npu.dataflow={dataflow}"), format!("npu.buffering={buffering}"),
                format!("npu.layout={layout}"), format!("npu.vector.softmax={softmax}"),
            ];
            if let Some(credits) = credits {
                settings.push(format!("npu.dma.credits={credits}"));
                settings.push("npu.dma.request_bytes=64".to_owned());
            }
            let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
            let Ok(machine) = crate::support::try_machine("npu-only", &settings) else {
                return Ok(());
            };
            let reference = decoder_of(["llama", "opt", "gpt2", "mixtral"][family], Some(1), 11, Precision::default());
            let mut executed = Executed::new(&machine, &reference, 2, CLOSE).expect("it fits");
            let (first, second) = (prompt(3, lengths.0), prompt(4, lengths.1));
            for tokens in [[&first[..], &second[..]], [&first[..1], &second[..]]] {
                let check = match executed.step(&tokens, &mut Chance::none()) {
                    Ok(check) => check,
                    Err(NumericsError::Machine(SimError::NoTile { .. })) => return Ok(()),
                    Err(error) => panic!("{error}"),
                };
                let wrong = check.first_wrong().and_then(OperatorCheck::fault);
                prop_assert_eq!(wrong, None);
                prop_assert_eq!(check.bytes_differ(2, 64), None);
            }
        }
    }
}
