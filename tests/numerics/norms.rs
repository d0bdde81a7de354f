//! N1 to N3: norms of rows whose mean is large beside their deviation.

use super::{apart, random};
use memwall_models::reference::NormWeights;
use ndarray::{Array1, Array2, Axis, Slice};

const WIDTH: usize = 4096;

/// Mean over deviation, and the error allowed at it.
const RATIOS: [(f64, f64); 4] = [(0.0, 1e-6), (10.0, 1e-5), (100.0, 1e-4), (1000.0, 5e-4)];

fn plain<S: memwall_models::reference::Scalar>(shift: bool) -> NormWeights<S> {
    NormWeights {
        scale: Array1::ones(WIDTH),
        shift: shift.then(|| Array1::zeros(WIDTH)),
        epsilon: 1e-5,
    }
}

/// Errors of the reference and of a one-pass variance, in f32 against f64.
fn errors(ratio: f64) -> (f64, f64) {
    let input = random::<f32>(11, 8, WIDTH).mapv(|value| value + ratio as f32);
    let truth = plain::<f64>(true).apply(input.mapv(f64::from).view());
    let two_pass = plain::<f32>(true).apply(input.view());
    let mut one_pass = input.clone();
    for mut row in one_pass.rows_mut() {
        let count = WIDTH as f32;
        let mean = row.sum() / count;
        let square = row.iter().map(|value| value * value).sum::<f32>() / count;
        let inverse = ((square - mean * mean).max(0.0) + 1e-5).sqrt().recip();
        row.mapv_inplace(|value| (value - mean) * inverse);
    }
    (
        apart(two_pass.view(), truth.view()),
        apart(one_pass.view(), truth.view()),
    )
}

#[test]
fn n1_layer_norm_meets_its_truth_in_f64() {
    for (ratio, tolerance) in RATIOS {
        let (error, _) = errors(ratio);
        assert!(error <= tolerance, "mean {ratio}: {error:e}");
    }
}

#[test]
fn n2_a_one_pass_variance_fails_n1() {
    for (ratio, tolerance) in &RATIOS[2..] {
        let (_, error) = errors(*ratio);
        assert!(error > *tolerance, "mean {ratio}: {error:e}");
    }
}

#[test]
fn n3_a_row_does_not_depend_on_its_batch() {
    let input = random::<f32>(12, 7, WIDTH);
    for shift in [true, false] {
        let norm = plain::<f32>(shift);
        let together = norm.apply(input.view());
        for row in 0..7 {
            let alone: Array2<f32> = norm.apply(input.slice_axis(Axis(0), Slice::from(row..=row)));
            assert_eq!(alone.row(0), together.row(row));
        }
    }
}
