//! Values: what the units leave in the banks against plain products, for shapes that leave lanes,
//! registers, units, tiles and sides over.

use super::{DIE, PARITY, with};
use memwall_sim::dram::Standard;
use memwall_sim::pim::hbm_pim::values::{f16, sum};
use memwall_sim::pim::hbm_pim::{HbmPimError, Operation, Parameters, execute};
use proptest::prelude::*;
use std::sync::Arc;

/// Two channels: 128 outputs a tile, so that several tiles are small.
fn small(name: &str) -> Arc<Standard> {
    with(name, &[("channels", 2)], &[])
}

fn modes() -> [(Arc<Standard>, Parameters); 2] {
    [
        (small(PARITY), Parameters::pimsimulator()),
        (small(DIE), Parameters::default()),
    ]
}

/// Whole numbers from -2 to 2: sums stay exact in fp16, whatever their order.
fn whole(seed: u64, index: usize) -> i32 {
    let mixed = (seed ^ index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 40) % 5) as i32 - 2
}

fn halves(values: &[i32]) -> Vec<f16> {
    values
        .iter()
        .map(|&value| f16::from_f32(value as f32))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_output_is_the_plain_product(m in 1usize..400, k in 1usize..900, seed in any::<u64>()) {
        let weights: Vec<i32> = (0..m * k).map(|index| whole(seed, index)).collect();
        let vector: Vec<i32> = (0..k).map(|index| whole(!seed, index)).collect();
        let expected: Vec<i32> = weights
            .chunks(k)
            .map(|row| row.iter().zip(&vector).map(|(a, b)| a * b).sum())
            .collect();
        for (standard, parameters) in modes() {
            let sums = execute::gemv(&standard, &parameters, &halves(&weights), &halves(&vector))
                .expect("it fits");
            let found: Vec<i32> = sums
                .iter()
                .map(|lanes| lanes.iter().map(|lane| lane.to_f32() as i32).sum())
                .collect();
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn element_wise_kernels_are_exact(
        n in 1usize..9000,
        seed in any::<u64>(),
    ) {
        let a: Vec<i32> = (0..n).map(|index| whole(seed, index)).collect();
        let b: Vec<i32> = (0..n).map(|index| whole(!seed, index)).collect();
        let of = |combine: fn(i32, i32) -> i32| -> Vec<i32> {
            a.iter().zip(&b).map(|(a, b)| combine(*a, *b)).collect()
        };
        for (standard, parameters) in modes() {
            for (operation, expected) in [
                (Operation::Add, of(|a, b| a + b)),
                (Operation::Mul, of(|a, b| a * b)),
                (Operation::Relu, of(|a, _| a.max(0))),
            ] {
                let second = if operation == Operation::Relu { Vec::new() } else { halves(&b) };
                let found = execute::elementwise(
                    &standard, &parameters, operation, &halves(&a), &second,
                ).expect("it fits");
                let found: Vec<i32> = found.iter().map(|value| value.to_f32() as i32).collect();
                prop_assert_eq!(&found, &expected, "{:?}", operation);
            }
        }
    }
}

/// Fractions: fp16 rounds after every product and sum, so an output of 500 terms of about one is off
/// by no more than 500 half units of the largest partial sum, and far less on average.
#[test]
fn fractions_are_near_the_exact_product() {
    let (m, k) = (150, 500);
    let value = |seed, index| {
        let fraction = whole(seed, index) as f32 / 3.0 + whole(seed + 1, index) as f32 / 7.0;
        f16::from_f32(fraction)
    };
    let weights: Vec<f16> = (0..m * k).map(|index| value(3, index)).collect();
    let vector: Vec<f16> = (0..k).map(|index| value(11, index)).collect();
    let sums = execute::gemv(&small(DIE), &Parameters::default(), &weights, &vector);
    let mut off = 0;
    for (row, lanes) in weights.chunks(k).zip(sums.expect("it fits")) {
        let exact: f64 = row
            .iter()
            .zip(&vector)
            .map(|(a, b)| a.to_f64() * b.to_f64())
            .sum();
        let found = sum(&lanes).to_f64();
        assert!((found - exact).abs() < 0.25, "{found} {exact}");
        off += usize::from((found - exact).abs() > 1e-9);
    }
    assert!(off > m / 2, "fp16 rounds: {off} of {m} outputs differ");
}

#[test]
fn operands_that_do_not_go_together_are_refused() {
    let one = [f16::ONE; 7];
    let (die, parameters) = (small(DIE), Parameters::default());
    for (weights, vector) in [(&one[..7], &one[..2]), (&one[..7], &one[..0])] {
        let error = execute::gemv(&die, &parameters, weights, vector).unwrap_err();
        assert!(matches!(error, HbmPimError::Shape { .. }));
    }
    let add = |b| execute::elementwise(&die, &parameters, Operation::Add, &one, b);
    assert!(matches!(add(&one[..6]), Err(HbmPimError::Shape { .. })));
    assert!(add(&one).is_ok());
}
