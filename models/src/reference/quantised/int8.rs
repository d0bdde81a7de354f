//! Eight bits an element, symmetric, one scale for each output channel.

use ndarray::{Array1, Array2};

use super::{HALF_BYTES, scale};

/// Codes from -127 to 127.
#[derive(Debug, Clone, PartialEq)]
pub struct Int8 {
    /// `[in, out]`.
    pub codes: Array2<i8>,
    /// `[out]`; values of binary16.
    pub scales: Array1<f32>,
}

impl Int8 {
    pub(super) fn encode(elements: &Array2<f32>) -> Self {
        const STEPS: f32 = 127.0;
        let scales: Array1<f32> = elements
            .columns()
            .into_iter()
            .map(|column| scale(column.iter().copied(), STEPS))
            .collect();
        let code = |((_, column), value): ((usize, usize), &f32)| {
            (value / scales[column]).round().clamp(-STEPS, STEPS) as i8
        };
        let codes: Vec<i8> = elements.indexed_iter().map(code).collect();
        let columns = elements.ncols();
        Self {
            codes: Array2::from_shape_fn(elements.dim(), |(row, column)| {
                codes[row * columns + column]
            }),
            scales,
        }
    }

    pub(super) fn decode(&self) -> Array2<f32> {
        self.codes.mapv(f32::from) * &self.scales
    }

    pub(super) fn stored_bytes(&self) -> u64 {
        self.codes.len() as u64 + HALF_BYTES * self.scales.len() as u64
    }
}
