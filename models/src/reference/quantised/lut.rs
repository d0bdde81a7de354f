//! A table of values for each output channel, and a sparse matrix of outliers (the dense and
//! sparse format of Kim et al., "SqueezeLLM", 2024).
//!
//! The dense part has a code for every element, outliers included. No centroid need be zero,
//! so the slot of an outlier decodes to something; the sparse part stores what is missing to
//! the outlier, not the outlier itself.

use half::f16;
use ndarray::{Array2, ArrayView2};

use super::HALF_BYTES;
use crate::reference::linear::product;
use crate::reference::scalar::Scalar;

/// Outliers by output channel, in compressed sparse rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outliers {
    /// Where each output channel's entries begin; one more than there are channels.
    pub starts: Vec<usize>,
    /// Input channel of each entry.
    pub inputs: Vec<usize>,
    /// What each entry adds to the dense part.
    pub corrections: Vec<f32>,
}

/// Codes, tables and outliers.
#[derive(Debug, Clone, PartialEq)]
pub struct Lut {
    /// `[out, 2^bits]`; values of binary16.
    pub centroids: Array2<f32>,
    /// `[in, out]`, each below `2^bits`. Kept a byte each; counted as packed.
    pub codes: Array2<u8>,
    /// Bits of a code.
    pub bits: u32,
    /// The sparse part.
    pub outliers: Outliers,
}

impl Lut {
    pub(super) fn encode(elements: &Array2<f32>, bits: u32, share: f64) -> Self {
        let bits = bits.clamp(1, 8);
        let entries = 1_usize << bits;
        let limit = magnitude_limit(elements, share);
        let mut lut = Self {
            centroids: Array2::zeros((elements.ncols(), entries)),
            codes: Array2::zeros(elements.dim()),
            bits,
            outliers: Outliers {
                starts: vec![0],
                ..Outliers::default()
            },
        };
        for (out, column) in elements.columns().into_iter().enumerate() {
            let kept = column.iter().copied().filter(|value| value.abs() <= limit);
            let table = quantile_means(kept.collect(), entries);
            for (entry, value) in table.iter().enumerate() {
                lut.centroids[[out, entry]] = *value;
            }
            for (input, value) in column.iter().enumerate() {
                let code = nearest(&table, *value);
                lut.codes[[input, out]] = code as u8;
                if value.abs() > limit {
                    lut.outliers.inputs.push(input);
                    let slot = table.get(code).copied().unwrap_or(0.0);
                    lut.outliers.corrections.push(*value - slot);
                }
            }
            lut.outliers.starts.push(lut.outliers.inputs.len());
        }
        lut
    }

    /// The dense part alone, `[in, out]`.
    #[must_use]
    pub fn dense(&self) -> Array2<f32> {
        Array2::from_shape_fn(self.codes.dim(), |(input, out)| {
            self.centroids[[out, usize::from(self.codes[[input, out]])]]
        })
    }

    pub(super) fn decode(&self) -> Array2<f32> {
        let mut elements = self.dense();
        for (out, input, correction) in self.entries() {
            elements[[input, out]] += correction;
        }
        elements
    }

    /// `(output channel, input channel, correction)` of every outlier.
    pub fn entries(&self) -> impl Iterator<Item = (usize, usize, f32)> {
        let Outliers {
            starts,
            inputs,
            corrections,
        } = &self.outliers;
        starts.windows(2).enumerate().flat_map(move |(out, range)| {
            (range[0]..range[1]).map(move |entry| (out, inputs[entry], corrections[entry]))
        })
    }

    /// `input`, `[rows, in]`, times the matrix as hardware does it: the dense part by table,
    /// then the sparse part added to it.
    #[must_use]
    pub fn split_product<S: Scalar>(&self, input: ArrayView2<'_, S>) -> Array2<S> {
        let dense = self.dense().mapv(|element| S::of(f64::from(element)));
        let mut output = product(input, dense.view());
        for (out, channel, correction) in self.entries() {
            let correction = S::of(f64::from(correction));
            for (row, mut result) in input.rows().into_iter().zip(output.rows_mut()) {
                result[out] += row[channel] * correction;
            }
        }
        output
    }

    pub(super) fn stored_bytes(&self) -> u64 {
        // Input channels and row starts are stored in four bytes each.
        const INDEX_BYTES: u64 = 4;
        let codes = (self.codes.len() as u64 * u64::from(self.bits)).div_ceil(8);
        let Outliers {
            starts,
            inputs,
            corrections,
        } = &self.outliers;
        codes
            + HALF_BYTES * (self.centroids.len() + corrections.len()) as u64
            + INDEX_BYTES * (starts.len() + inputs.len()) as u64
    }
}

/// The magnitude that a share of the elements exceeds.
fn magnitude_limit(elements: &Array2<f32>, share: f64) -> f32 {
    let mut magnitudes: Vec<f32> = elements.iter().map(|value| value.abs()).collect();
    magnitudes.sort_by(|one, other| other.total_cmp(one));
    let outliers = (magnitudes.len() as f64 * share.clamp(0.0, 1.0)) as usize;
    magnitudes.get(outliers).copied().unwrap_or(0.0)
}

/// Means of `entries` equal parts of the sorted values, as binary16 keeps them.
fn quantile_means(mut values: Vec<f32>, entries: usize) -> Vec<f32> {
    values.sort_by(f32::total_cmp);
    let bound = |entry: usize| entry * values.len() / entries;
    let mean = |entry: usize| {
        let part = &values[bound(entry)..bound(entry + 1)];
        let sum: f32 = part.iter().sum();
        f16::from_f32(sum / part.len().max(1) as f32).to_f32()
    };
    (0..entries).map(mean).collect()
}

/// Index of the centroid nearest to `value`, the first of equally near ones.
fn nearest(table: &[f32], value: f32) -> usize {
    let distances = table.iter().map(|entry| (entry - value).abs()).enumerate();
    distances
        .min_by(|(_, one), (_, other)| one.total_cmp(other))
        .map_or(0, |(code, _)| code)
}
