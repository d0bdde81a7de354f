//! N4 to N7 and N28: packed weights, and products that do not depend on their batch.

use super::{random, relative};
use memwall_models::reference::{
    Format, Linear, Lut, Matrix, Quantised, Scalar, pack, product, unpack,
};
use ndarray::{Array2, Axis, Slice};
use proptest::prelude::*;

const TOLERANCE: f64 = 5e-6;

fn weights() -> Array2<f32> {
    random::<f32>(21, 300, 96).mapv(|value| value.powi(3))
}

fn lut() -> Lut {
    let format = Format::Lut {
        bits: 3,
        outliers: 0.0045,
    };
    let Quantised::Lut(lut) = Quantised::encode(&weights(), format) else {
        panic!("a table was asked for");
    };
    lut
}

proptest! {
    #[test]
    fn n4_nibbles_come_back(codes in prop::collection::vec(-8_i8..8, 0..300)) {
        let packed = pack(&codes);
        prop_assert_eq!(packed.len(), codes.len().div_ceil(2));
        prop_assert_eq!(unpack(&packed, codes.len()), codes);
    }
}

#[test]
fn n5_a_scale_per_group_may_follow_the_partial_sum() {
    let Quantised::Int4(int4) = Quantised::encode(&weights(), Format::Int4) else {
        panic!("four bits were asked for");
    };
    let input = random::<f32>(22, 5, 300);
    let decoded = Quantised::Int4(int4.clone()).decode();
    let error = relative(
        int4.grouped_product(input.view()).view(),
        product(input.view(), decoded.view()).view(),
    );
    assert!(error > 0.0 && error <= TOLERANCE, "{error:e}");
    // A scale of the next group is not lost in the tolerance.
    let mut shifted = int4;
    shifted.scales.invert_axis(Axis(0));
    let wrong = relative(
        shifted.grouped_product(input.view()).view(),
        product(input.view(), decoded.view()).view(),
    );
    assert!(wrong > 100.0 * TOLERANCE, "{wrong:e}");
}

/// Entries of each output channel in reverse: another order of the same sparse rows.
fn reversed(mut lut: Lut) -> Lut {
    for range in lut.outliers.starts.windows(2) {
        lut.outliers.inputs[range[0]..range[1]].reverse();
        lut.outliers.corrections[range[0]..range[1]].reverse();
    }
    lut
}

#[test]
fn n6_dense_plus_sparse_is_the_materialised_matrix() {
    let input = random::<f32>(23, 5, 300);
    let lut = lut();
    assert_eq!(lut.outliers.inputs.len(), 129, "0.45 % of 28,800");
    let whole = product(input.view(), Quantised::Lut(lut.clone()).decode().view());
    for lut in [reversed(lut.clone()), lut] {
        let error = relative(lut.split_product(input.view()).view(), whole.view());
        assert!(error <= TOLERANCE, "{error:e}");
    }
}

#[test]
fn n6_outliers_come_back_and_codes_are_the_nearest_entries() {
    let (weights, lut) = (weights(), lut());
    let decoded = Quantised::Lut(lut.clone()).decode();
    for (out, input, _) in lut.entries() {
        let (stored, meant) = (decoded[[input, out]], weights[[input, out]]);
        assert!((stored - meant).abs() <= 1e-6 * meant.abs());
    }
    let dense = lut.dense();
    for ((input, out), value) in dense.indexed_iter() {
        let meant = weights[[input, out]];
        for entry in lut.centroids.row(out) {
            assert!((value - meant).abs() <= (entry - meant).abs());
        }
    }
}

#[test]
fn n7_outliers_that_forget_their_slot_fail_n6() {
    let input = random::<f32>(23, 5, 300);
    let lut = lut();
    let whole = product(input.view(), Quantised::Lut(lut.clone()).decode().view());
    // The defect: the sparse part holds the outlier itself, over a slot that is not zero.
    let mut forgetful = lut.clone();
    let slots: Vec<f32> = lut
        .entries()
        .map(|(out, input, _)| lut.dense()[[input, out]])
        .collect();
    for (correction, slot) in forgetful.outliers.corrections.iter_mut().zip(slots) {
        *correction += slot;
    }
    let error = relative(forgetful.split_product(input.view()).view(), whole.view());
    assert!(error > 100.0 * TOLERANCE, "{error:e}");
}

#[test]
fn quantised_layers_use_the_decoded_matrix_and_count_what_is_stored() {
    let dense = Linear::dense(weights());
    assert_eq!(dense.stored_bytes(2), 300 * 96 * 2);
    let input = random::<f32>(24, 4, 300);
    for (format, bytes, error) in [
        (Format::Int8, 300 * 96 + 2 * 96, 0.01),
        (Format::Int4, 300 * 96 / 2 + 2 * 3 * 96, 0.2),
        (
            Format::Lut {
                bits: 4,
                outliers: 0.0,
            },
            300 * 96 / 2 + 2 * 16 * 96 + 4 * 97,
            0.2,
        ),
    ] {
        let packed = dense.clone().quantise(format);
        assert_eq!(packed.stored_bytes(2), bytes, "{format:?}");
        assert!(matches!(packed.matrix, Matrix::Quantised(_)));
        let lost = relative(
            packed.apply(input.view()).view(),
            dense.apply(input.view()).view(),
        );
        assert!(lost > 0.0 && lost < error, "{format:?}: {lost:e}");
    }
}

/// Every row of a product alone, against the same row of the whole.
fn rows_alone<S: Scalar>(rows: usize, inner: usize, columns: usize, seed: u64) -> usize {
    let input = random::<S>(seed, rows, inner);
    let matrix = Linear::dense(random::<S>(seed + 1, inner, columns));
    let together = matrix.apply(input.view());
    let differing = (0..rows).map(|row| {
        let alone = matrix.apply(input.slice_axis(Axis(0), Slice::from(row..=row)));
        let pairs = alone.into_iter().zip(together.row(row));
        pairs.filter(|(alone, batched)| alone != *batched).count()
    });
    differing.sum()
}

#[test]
fn n28_a_row_of_a_product_does_not_depend_on_its_batch() {
    // Inner sizes on both sides of the blocks that the product works in.
    for (index, inner) in [1, 7, 64, 255, 256, 257, 1000].into_iter().enumerate() {
        let seed = 100 + index as u64;
        assert_eq!(rows_alone::<f32>(7, inner, 33, seed), 0, "inner {inner}");
        assert_eq!(rows_alone::<f64>(7, inner, 33, seed), 0, "inner {inner}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn n28_holds_for_any_shape(
        rows in 1_usize..70,
        inner in 1_usize..600,
        columns in 1_usize..40,
        seed: u16,
    ) {
        prop_assert_eq!(rows_alone::<f32>(rows, inner, columns, u64::from(seed)), 0);
    }
}
