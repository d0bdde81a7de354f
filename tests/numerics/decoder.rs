//! N12, N15, N16, and what a batch and a cache may not change.

use super::{FAMILIES, apart, decoder, prompt, run};
use memwall_models::Dtype;
use memwall_models::reference::{
    Ask, Cache, Format, Lane, Precision, Reference, ReferenceError, greedy,
};
use ndarray::{Array2, Axis, Slice};
use proptest::prelude::*;

const EXACT: Precision = Precision {
    weights: memwall_models::reference::Storage::Exact,
    activations: memwall_models::reference::Storage::Exact,
    kv: memwall_models::reference::Storage::Exact,
};

fn whole(reference: &Reference<f32>, tokens: &[u32]) -> Array2<f32> {
    run(reference, &mut reference.cache(), tokens, 0)
}

fn chunked(reference: &Reference<f32>, tokens: &[u32], ends: &[usize]) -> Array2<f32> {
    let mut cache = reference.cache();
    let mut all = Array2::zeros((0, 61));
    let mut start = 0;
    for end in ends.iter().filter(|end| **end > 0) {
        if *end > start {
            let part = run(reference, &mut cache, &tokens[start..*end], 0);
            all = ndarray::concatenate![Axis(0), all, part];
            start = *end;
        }
    }
    all
}

#[test]
fn n12_chunked_prefill_is_one_pass() {
    let tokens = prompt(1, 48);
    for family in FAMILIES {
        let reference = decoder::<f32>(family, 2, EXACT);
        let whole = whole(&reference, &tokens);
        let deviation = whole.std(0.0);
        assert!((0.3..6.0).contains(&deviation), "{family}: {deviation}");
        for chunk in [1, 5, 16, 47] {
            let ends: Vec<usize> = (1..=48)
                .filter(|end| end % chunk == 0 || *end == 48)
                .collect();
            let error = apart(chunked(&reference, &tokens, &ends).view(), whole.view());
            assert!(error <= 1e-4, "{family}, chunks of {chunk}: {error:e}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn n12_any_chunks(
        mut ends in prop::collection::vec(1_usize..48, 0..8),
        family in prop::sample::select(FAMILIES.to_vec()),
    ) {
        ends.push(48);
        ends.sort_unstable();
        let tokens = prompt(3, 48);
        let reference = decoder::<f32>(family, 4, EXACT);
        let gap = apart(
            chunked(&reference, &tokens, &ends).view(),
            whole(&reference, &tokens).view(),
        );
        prop_assert!(gap <= 1e-4, "{family} {ends:?}: {gap:e}");
    }
}

#[test]
fn n15_masked_padding_changes_nothing_and_seen_padding_does() {
    let tokens = prompt(5, 20);
    let padded: Vec<u32> = [vec![0; 7], tokens.clone()].concat();
    for family in FAMILIES {
        let reference = decoder::<f32>(family, 6, EXACT);
        let plain = whole(&reference, &tokens);
        let mut cache = reference.cache();
        let masked = run(&reference, &mut cache, &padded, 7);
        assert_eq!(
            masked.slice_axis(Axis(0), Slice::from(7..)),
            plain,
            "{family}"
        );
        // And so does the step after it.
        let mut alone = reference.cache();
        run(&reference, &mut alone, &tokens, 0);
        assert_eq!(
            run(&reference, &mut cache, &[9], 0),
            run(&reference, &mut alone, &[9], 0)
        );
        let seen = run(&reference, &mut reference.cache(), &padded, 0);
        let error = apart(seen.slice_axis(Axis(0), Slice::from(7..)), plain.view());
        assert!(error > 0.1, "{family}: {error:e}");
    }
}

#[test]
fn n16_rotary_positions_may_all_be_shifted() {
    let tokens = prompt(7, 40);
    for family in ["llama", "mistral", "qwen2"] {
        let reference = decoder::<f32>(family, 8, EXACT);
        let plain = whole(&reference, &tokens);
        let mut cache = Cache::starting_at(&reference.recipe.model, 1000);
        let shifted = run(&reference, &mut cache, &tokens, 0);
        let error = apart(shifted.view(), plain.view());
        assert!(error > 0.0 && error <= 1e-4, "{family}: {error:e}");
    }
    let reference = decoder::<f32>("opt", 8, EXACT);
    let mut cache = Cache::starting_at(&reference.recipe.model, 5);
    let shifted = run(&reference, &mut cache, &tokens, 0);
    assert!(apart(shifted.view(), whole(&reference, &tokens).view()) > 0.1);
}

#[test]
fn a_sequence_does_not_depend_on_its_batch() {
    for family in FAMILIES {
        let reference = decoder::<f32>(family, 9, EXACT);
        let prompts = [prompt(10, 13), prompt(11, 1), prompt(12, 30)];
        let news = [prompt(13, 1), prompt(14, 6), prompt(15, 1)];
        let mut caches: Vec<_> = prompts.iter().map(|_| reference.cache()).collect();
        let mut alone = Vec::new();
        for (cache, (prompt, new)) in caches.iter_mut().zip(prompts.iter().zip(&news)) {
            run(&reference, cache, prompt, 0);
            alone.push(run(&reference, &mut cache.clone(), new, 0));
        }
        let mut lanes: Vec<_> = caches
            .iter_mut()
            .zip(&news)
            .map(|(cache, tokens)| Lane {
                tokens,
                padding: 0,
                cache,
            })
            .collect();
        let together = reference.step(&mut lanes, Ask::default()).expect("a step");
        for (row, alone) in together.logits.rows().into_iter().zip(&alone) {
            assert_eq!(row, alone.row(alone.nrows() - 1), "{family}");
        }
    }
}

#[test]
fn a_truncated_cache_is_one_that_never_grew() {
    let reference = decoder::<f64>("llama", 16, EXACT);
    let tokens = prompt(17, 12);
    let (mut grown, mut plain) = (reference.cache(), reference.cache());
    run(&reference, &mut grown, &tokens, 0);
    run(&reference, &mut plain, &tokens, 0);
    run(&reference, &mut grown, &prompt(18, 5), 0);
    grown.truncate(12);
    assert_eq!(grown, plain);
    assert_eq!(grown.position(), 12);
}

#[test]
fn storage_costs_what_its_bits_say() {
    let tokens = prompt(19, 24);
    let truth = run(
        &decoder::<f64>("llama", 20, EXACT),
        &mut decoder::<f64>("llama", 20, EXACT).cache(),
        &tokens,
        0,
    );
    let error = |precision| {
        let reference = decoder::<f64>("llama", 20, precision);
        apart(
            run(&reference, &mut reference.cache(), &tokens, 0).view(),
            truth.view(),
        )
    };
    let single = error(Precision::uniform(Dtype::F32));
    let half = error(Precision::uniform(Dtype::F16));
    let brain = error(Precision::uniform(Dtype::Bf16));
    assert!(single < 1e-5, "{single:e}");
    assert!((1e-4..5e-2).contains(&half), "{half:e}");
    assert!(brain > 3.0 * half && brain < 0.5, "{brain:e}");
}

#[test]
fn quantised_layers_stay_close_and_finite() {
    let tokens = prompt(21, 24);
    let mut reference = decoder::<f64>("qwen2", 22, EXACT);
    let truth = run(&reference, &mut reference.cache(), &tokens, 0);
    reference.weights = reference.weights.quantise(Format::Int8);
    let error = apart(
        run(&reference, &mut reference.cache(), &tokens, 0).view(),
        truth.view(),
    );
    assert!(error > 0.0 && error < 0.3, "{error:e}");
}

#[test]
fn greedy_decode_with_a_cache_is_greedy_decode_without() {
    for family in FAMILIES {
        let reference = decoder::<f64>(family, 23, EXACT);
        let mut tokens = prompt(24, 6);
        let mut cache = reference.cache();
        let mut logits = run(&reference, &mut cache, &tokens, 0);
        for _ in 0..12 {
            let next = greedy(logits.row(logits.nrows() - 1)) as u32;
            tokens.push(next);
            logits = run(&reference, &mut cache, &[next], 0);
            let fresh = run(&reference, &mut reference.cache(), &tokens, 0);
            let last = fresh.row(fresh.nrows() - 1);
            assert_eq!(greedy(last), greedy(logits.row(0)), "{family}");
        }
    }
}

#[test]
fn the_trace_holds_every_operator_and_leads_to_the_logits() {
    let reference = decoder::<f64>("mistral", 25, EXACT);
    let (mut first, mut second) = (reference.cache(), reference.cache());
    let (long, short) = (prompt(26, 11), prompt(27, 2));
    let mut lanes = [
        Lane {
            tokens: &long,
            padding: 0,
            cache: &mut first,
        },
        Lane {
            tokens: &short,
            padding: 0,
            cache: &mut second,
        },
    ];
    let ask = Ask {
        trace: true,
        ..Ask::default()
    };
    let output = reference.step(&mut lanes, ask).expect("a step");
    let dim = |layer, operator, sequence| {
        let found = output.trace.get(layer, operator, sequence);
        found.map(|tensor| tensor.dim())
    };
    assert_eq!(dim(None, "embedding", 0), Some((13, 64)));
    assert_eq!(dim(Some(2), "qkv", 0), Some((13, 128)));
    assert_eq!(dim(Some(1), "kv_append", 0), Some((13, 64)));
    assert_eq!(dim(Some(1), "logit", 0), Some((4 * 11, 11)));
    assert_eq!(dim(Some(1), "softmax", 1), Some((4 * 2, 2)));
    assert_eq!(dim(Some(1), "attend", 0), Some((13, 64)));
    assert_eq!(dim(Some(2), "activation", 0), Some((13, 96)));
    assert_eq!(dim(Some(3), "qkv", 0), None);
    let last = output.trace.get(None, "lm_head", 0).expect("the head");
    assert_eq!(last, output.logits);
    // 12 operators a layer and one more tensor each for logit and softmax; 3 outside.
    assert_eq!(output.trace.iter().count(), 3 * (14 + 2) + 3);
}

#[test]
fn batches_that_make_no_sense_are_refused_and_leave_the_cache_alone() {
    let reference = decoder::<f32>("gpt2", 28, EXACT);
    let refused = |tokens: &[u32]| {
        let mut cache = reference.cache();
        let mut lanes = [Lane {
            tokens,
            padding: 0,
            cache: &mut cache,
        }];
        let error = reference.step(&mut lanes, Ask::default());
        assert!(cache.is_empty());
        error.expect_err("refused")
    };
    assert_eq!(refused(&[]), ReferenceError::NoNewTokens { sequence: 0 });
    assert_eq!(
        refused(&[3, 61]).to_string(),
        "sequence 0: a token must be below the vocabulary (61), found 61"
    );
    assert_eq!(
        refused(&[0; 97]).to_string(),
        "sequence 0: a position must be below those of the table (96), found 96"
    );
    assert_eq!(
        reference.step(&mut [], Ask::default()).expect_err("empty"),
        ReferenceError::EmptyBatch
    );
}
