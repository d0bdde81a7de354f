//! Four bits an element, symmetric, one scale for each group of 128 rows of a column.

use ndarray::{Array2, ArrayView2, Axis};

use super::{HALF_BYTES, scale};
use crate::reference::linear::product;
use crate::reference::part;
use crate::reference::scalar::Scalar;

/// Rows of a column that share a scale.
pub const GROUP: usize = 128;

/// Codes from -8 to 7, two a byte.
#[derive(Debug, Clone, PartialEq)]
pub struct Int4 {
    /// Codes of the matrix in row-major order, the even element in the low nibble.
    pub nibbles: Vec<u8>,
    /// `[groups, out]`; values of binary16.
    pub scales: Array2<f32>,
    /// Rows of the matrix.
    pub rows: usize,
}

/// Packs codes from -8 to 7, two a byte, the first in the low nibble; the last high nibble of
/// an odd number is 0. Other codes lose their upper bits.
#[must_use]
pub fn pack(codes: &[i8]) -> Vec<u8> {
    let nibble = |code: &i8| code.to_ne_bytes()[0] & 0xf;
    codes
        .chunks(2)
        .map(|pair| nibble(&pair[0]) | pair.get(1).map_or(0, nibble) << 4)
        .collect()
}

/// The first `count` codes of `nibbles`.
#[must_use]
pub fn unpack(nibbles: &[u8], count: usize) -> Vec<i8> {
    // Shifted up and back so that the sign bit of the nibble fills the byte.
    let signed = |nibble: u8| i8::from_ne_bytes([nibble << 4]) >> 4;
    nibbles
        .iter()
        .flat_map(|byte| [signed(byte & 0xf), signed(byte >> 4)])
        .take(count)
        .collect()
}

impl Int4 {
    pub(super) fn encode(elements: &Array2<f32>) -> Self {
        const STEPS: f32 = 7.0;
        let groups = elements.nrows().div_ceil(GROUP);
        let mut scales = Array2::ones((groups, elements.ncols()));
        for (group, rows) in elements.axis_chunks_iter(Axis(0), GROUP).enumerate() {
            for (column, values) in rows.columns().into_iter().enumerate() {
                scales[[group, column]] = scale(values.iter().copied(), STEPS);
            }
        }
        let code = |((row, column), value): ((usize, usize), &f32)| {
            let scaled = value / scales[[row / GROUP, column]];
            scaled.round().clamp(-8.0, 7.0) as i8
        };
        let codes: Vec<i8> = elements.indexed_iter().map(code).collect();
        Self {
            nibbles: pack(&codes),
            scales,
            rows: elements.nrows(),
        }
    }

    /// The codes, `[in, out]`.
    #[must_use]
    pub fn codes(&self) -> Array2<i8> {
        let columns = self.scales.ncols();
        let codes = unpack(&self.nibbles, self.rows * columns);
        Array2::from_shape_fn((self.rows, columns), |(row, column)| {
            codes[row * columns + column]
        })
    }

    pub(super) fn decode(&self) -> Array2<f32> {
        let mut elements = self.codes().mapv(f32::from);
        for (mut rows, scales) in elements
            .axis_chunks_iter_mut(Axis(0), GROUP)
            .zip(self.scales.rows())
        {
            rows *= &scales;
        }
        elements
    }

    pub(super) fn stored_bytes(&self) -> u64 {
        self.nibbles.len() as u64 + HALF_BYTES * self.scales.len() as u64
    }

    /// `input`, `[rows, in]`, times the matrix as hardware does it: products with the bare
    /// codes, summed over a group, then scaled once per group.
    #[must_use]
    pub fn grouped_product<S: Scalar>(&self, input: ArrayView2<'_, S>) -> Array2<S> {
        let codes = self.codes().mapv(|code| S::of(f64::from(code)));
        let mut output = Array2::zeros((input.nrows(), codes.ncols()));
        for (group, scales) in self.scales.rows().into_iter().enumerate() {
            let rows = group * GROUP..self.rows.min((group + 1) * GROUP);
            let input = part::columns(input, rows.clone());
            let partial = product(input, part::rows(codes.view(), rows));
            output += &(partial * scales.mapv(|scale| S::of(f64::from(scale))));
        }
        output
    }
}
