//! Rows held out: a model fitted to one half of the rows speaks for the other, so that no row is
//! judged by parameters that it helped to choose. The halves are the even and the odd rows of one
//! GPU and kind, counted from 0 in the order of the table.

use crate::gpu::fit::Timed;
use crate::gpu::{Kernel, Measured, Product, Sample};
use crate::time::Ps;

/// A half of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Rows 0, 2, 4, ...
    Even,
    /// Rows 1, 3, 5, ...
    Odd,
}

impl Half {
    /// The half of a row.
    pub fn of(index: usize) -> Half {
        if index.is_multiple_of(2) {
            Half::Even
        } else {
            Half::Odd
        }
    }
}

/// The rows of a half.
pub fn half<T: Clone>(rows: &[T], half: Half) -> Vec<T> {
    let of = |(index, row): (usize, &T)| (Half::of(index) == half).then(|| row.clone());
    rows.iter().enumerate().filter_map(of).collect()
}

/// For each row the time by the model fitted to the half that the row is not in.
pub(super) fn held_out<W: Copy, M>(
    rows: &[Timed<W>],
    fit: impl Fn(&[Timed<W>]) -> M,
    time: impl Fn(&M, &W) -> Ps,
) -> Vec<Ps> {
    let of_even = fit(&half(rows, Half::Even));
    let of_odd = fit(&half(rows, Half::Odd));
    let by_other = |(index, row): (usize, &Timed<W>)| match Half::of(index) {
        Half::Even => time(&of_odd, &row.work),
        Half::Odd => time(&of_even, &row.work),
    };
    rows.iter().enumerate().map(by_other).collect()
}

/// For each product the time by a table of all other rows, other recordings of the same shape left
/// out too. `rates` are what the table corrects for the rows of each half.
pub(super) fn left_out(rows: &[Timed<Product>], rates: impl Fn(Half) -> Kernel) -> Vec<Option<Ps>> {
    let (even, odd) = (rates(Half::Even), rates(Half::Odd));
    let by_others = |(index, row): (usize, &Timed<Product>)| {
        let others: Vec<Sample> = rows
            .iter()
            .filter(|other| other.work != row.work)
            .map(|other| Sample {
                m: other.work.m,
                k: other.work.k,
                n: other.work.n,
                time: Ps((other.us * 1e6).round() as u64),
            })
            .collect();
        let rates = match Half::of(index) {
            Half::Even => odd,
            Half::Odd => even,
        };
        let table = Measured::new(rates, &others)?;
        Some(table.time(&row.work))
    };
    rows.iter().enumerate().map(by_others).collect()
}
