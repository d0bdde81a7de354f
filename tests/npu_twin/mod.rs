//! A systolic array stepped cycle by cycle, with values in its registers: what it computes and when its
//! last result is there, beside the product and the closed forms. It knows registers, wires and what
//! may not happen on them, and no formula; folds start as early as nothing of that happens.

mod moving;
mod staying;

use memwall_sim::npu::{Array, Dataflow, Folding, PartialFolds, Schedule};
use proptest::prelude::*;

type Matrix = Vec<Vec<i64>>;

/// The array's elements, and whether folds that do not fill it are cut short.
#[derive(Debug, Clone, Copy)]
struct Hardware {
    rows: usize,
    columns: usize,
    latency: usize,
    serial: bool,
    exact: bool,
}

/// A fold: where it is in the product, and its operands.
#[derive(Debug, Clone)]
struct Fold {
    /// What comes in by the rows, in the order of its coming: `[time][row]`.
    left: Matrix,
    /// What stays, `[row][column]`, or comes in by the columns, `[time][column]`.
    other: Matrix,
    rows: usize,
    columns: usize,
}

/// Results of a fold, and the cycle by which each had left.
#[derive(Debug, Clone, Default)]
struct Left {
    results: Vec<(usize, usize, usize, i64)>,
    end: usize,
}

/// Runs `folds` with starts as early as `run` allows; returns the results and the end.
fn earliest(
    hardware: Hardware,
    folds: &[Fold],
    load: impl Fn(&Fold) -> usize,
    run: impl Fn(Hardware, &[Fold], &[usize]) -> Option<Left>,
) -> Left {
    let mut starts: Vec<usize> = Vec::new();
    let mut done = Left::default();
    for (index, fold) in folds.iter().enumerate() {
        let mut start = match starts.last() {
            Some(before) if !hardware.serial => before + 1,
            _ => done.end + load(fold),
        };
        done = loop {
            let tried: Vec<usize> = starts.iter().copied().chain([start]).collect();
            if let Some(left) = run(hardware, &folds[..=index], &tried) {
                break left;
            }
            start += 1;
            assert!(start < 100_000, "no start is free of hazards");
        };
        starts.push(start);
    }
    done
}

fn cut(matrix: &Matrix, (row, rows): (usize, usize), (column, columns): (usize, usize)) -> Matrix {
    let value = |row: usize, column: usize| {
        let line = matrix.get(row)?;
        line.get(column).copied()
    };
    let line = |at: usize| {
        let values = (0..columns).map(|offset| value(at, column + offset).unwrap_or(0));
        values.collect()
    };
    (row..row + rows).map(line).collect()
}

fn transposed(matrix: &Matrix) -> Matrix {
    let line = |column: usize| matrix.iter().map(|row| row[column]).collect();
    (0..matrix[0].len()).map(line).collect()
}

/// Where folds of an extent begin, and how many lanes of `side` each has.
fn parts(extent: usize, side: usize, exact: bool) -> Vec<(usize, usize)> {
    let begins = (0..extent).step_by(side);
    begins
        .map(|begin| {
            (
                begin,
                if exact {
                    side.min(extent - begin)
                } else {
                    side
                },
            )
        })
        .collect()
}

/// The product [m, k] x [k, n] on the stepped array, and the cycles it took.
fn stepped(hardware: Hardware, flow: Dataflow, left: &Matrix, right: &Matrix) -> (Matrix, usize) {
    let (m, k, n) = (left.len(), right.len(), right[0].len());
    let mut product = vec![vec![0; n]; m];
    let part = |extent, side| parts(extent, side, hardware.exact);
    let mut folds = Vec::new();
    let mut places = Vec::new();
    // What streams, [time][row], and what stays, [row][column].
    let (streams, stays) = match flow {
        Dataflow::InputStationary => (transposed(right), transposed(left)),
        _ => (left.clone(), right.clone()),
    };
    if flow == Dataflow::OutputStationary {
        for &column in &part(n, hardware.columns) {
            for &row in &part(m, hardware.rows) {
                folds.push(Fold {
                    left: transposed(&cut(left, row, (0, k))),
                    other: cut(right, (0, k), column),
                    rows: row.1,
                    columns: column.1,
                });
                places.push((row.0, column.0));
            }
        }
        let done = earliest(hardware, &folds, |_| 0, staying::run);
        for (fold, row, column, value) in done.results {
            let (top, first) = places[fold];
            if let Some(place) = product
                .get_mut(top + row)
                .and_then(|line| line.get_mut(first + column))
            {
                *place += value;
            }
        }
        return (product, done.end);
    }
    for &column in &part(stays[0].len(), hardware.columns) {
        for &row in &part(k, hardware.rows) {
            folds.push(Fold {
                left: cut(&streams, (0, streams.len()), row),
                other: cut(&stays, row, column),
                rows: row.1,
                columns: column.1,
            });
            places.push((0, column.0));
        }
    }
    let done = earliest(hardware, &folds, |fold| fold.rows, moving::run);
    for (fold, time, column, value) in done.results {
        let column = places[fold].1 + column;
        let place = match flow {
            Dataflow::InputStationary => {
                product.get_mut(column).and_then(|line| line.get_mut(time))
            }
            _ => product.get_mut(time).and_then(|line| line.get_mut(column)),
        };
        if let Some(place) = place {
            *place += value;
        }
    }
    (product, done.end)
}

fn plain(a: &Matrix, b: &Matrix) -> Matrix {
    let columns = transposed(b);
    let dot = |row: &Vec<i64>, column: &Vec<i64>| row.iter().zip(column).map(|(x, y)| x * y).sum();
    a.iter()
        .map(|row| columns.iter().map(|column| dot(row, column)).collect())
        .collect()
}

fn values(rows: usize, columns: usize, seed: i64) -> Matrix {
    let mut next = seed;
    let mut value = |_| {
        next = (next * 31 + 17) % 1009;
        next % 23 - 11
    };
    (0..rows)
        .map(|_| (0..columns).map(&mut value).collect())
        .collect()
}

fn check(hardware: Hardware, flow: Dataflow, (m, k, n): (usize, usize, usize)) {
    let (left, right) = (values(m, k, 3), values(k, n, 5));
    let (product, cycles) = stepped(hardware, flow, &left, &right);
    assert_eq!(
        product,
        plain(&left, &right),
        "the array computes the product"
    );
    let array = Array {
        dataflow: flow,
        folding: if hardware.serial {
            Folding::Serial
        } else {
            Folding::Overlapped
        },
        mac_latency: hardware.latency as u64,
        partial_folds: if hardware.exact {
            PartialFolds::Exact
        } else {
            PartialFolds::Full
        },
        ..Array::new(hardware.rows as u64, hardware.columns as u64)
    };
    let (m, k, n) = (m as u64, k as u64, n as u64);
    assert_eq!(
        array.product_cycles(m, k, n),
        cycles as u64,
        "{array:?} {m} {k} {n}"
    );
    let mut schedule = Schedule::new(array, 0);
    for round in array.rounds(m, k, n, 1) {
        schedule.run(round, 0);
    }
    assert_eq!(schedule.end(), cycles as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn stepped_arrays_take_the_cycles_of_the_closed_forms(
        sides in (1usize..6, 1usize..6),
        latency in 1usize..5,
        (serial, exact) in (any::<bool>(), any::<bool>()),
        flow in 0usize..3,
        extents in (1usize..12, 1usize..12, 1usize..12),
    ) {
        let hardware = Hardware {
            rows: sides.0,
            columns: sides.1,
            latency,
            serial,
            exact,
        };
        check(hardware, Dataflow::NAMES[flow].1, extents);
    }
}

/// The published example: a fold that fills the array.
#[test]
fn a_full_fold_is_that_of_scale_sim() {
    for (flow, cycles) in [
        (Dataflow::WeightStationary, 2 * 8 + 8 + 8 - 2),
        (Dataflow::OutputStationary, 8 + 8 + 8 - 2),
        (Dataflow::InputStationary, 2 * 8 + 8 + 8 - 2),
    ] {
        let hardware = Hardware {
            rows: 8,
            columns: 8,
            latency: 1,
            serial: true,
            exact: false,
        };
        let (a, b) = (values(8, 8, 1), values(8, 8, 2));
        let (product, taken) = stepped(hardware, flow, &a, &b);
        assert_eq!(product, plain(&a, &b));
        assert_eq!(taken, cycles);
    }
}
