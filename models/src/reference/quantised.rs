//! Weights in fewer bits: how codes are packed, what they decode to, what they occupy.
//!
//! Each format is a pair of functions, encode and decode, over a matrix `[in, out]`. The
//! encoders are plain (symmetric rounding, quantiles): they exist so that a machine's decoding
//! can be checked on weights of its format, not to lose as little accuracy as possible.

mod int4;
mod int8;
mod lut;

use ndarray::Array2;

pub use int4::{GROUP, Int4, pack, unpack};
pub use int8::Int8;
pub use lut::{Lut, Outliers};

/// Which format to encode to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Format {
    /// One byte an element, one scale a column.
    Int8,
    /// Half a byte an element, one scale for each group of 128 rows of a column.
    Int4,
    /// A table of values a column, and the elements that fit it worst kept apart.
    Lut {
        /// Bits of a code, 1 to 8.
        bits: u32,
        /// Share of all elements kept as outliers, 0 to 1.
        outliers: f64,
    },
}

/// A matrix `[in, out]` in one of the formats.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantised {
    /// See [`Format::Int8`].
    Int8(Int8),
    /// See [`Format::Int4`].
    Int4(Int4),
    /// See [`Format::Lut`].
    Lut(Lut),
}

/// Bytes of a scale or a table entry: binary16.
const HALF_BYTES: u64 = 2;

impl Quantised {
    /// Encodes `elements`, `[in, out]`.
    #[must_use]
    pub fn encode(elements: &Array2<f32>, format: Format) -> Self {
        match format {
            Format::Int8 => Self::Int8(Int8::encode(elements)),
            Format::Int4 => Self::Int4(Int4::encode(elements)),
            Format::Lut { bits, outliers } => Self::Lut(Lut::encode(elements, bits, outliers)),
        }
    }

    /// The elements, `[in, out]`.
    #[must_use]
    pub fn decode(&self) -> Array2<f32> {
        match self {
            Self::Int8(codes) => codes.decode(),
            Self::Int4(codes) => codes.decode(),
            Self::Lut(codes) => codes.decode(),
        }
    }

    /// Bytes of codes, scales, tables and outliers.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        match self {
            Self::Int8(codes) => codes.stored_bytes(),
            Self::Int4(codes) => codes.stored_bytes(),
            Self::Lut(codes) => codes.stored_bytes(),
        }
    }
}

/// A scale that maps `largest` to `steps`, as stored in binary16; 1 for a column of zeros.
fn scale(values: impl Iterator<Item = f32>, steps: f32) -> f32 {
    let largest = values.fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let stored = half::f16::from_f32(largest / steps).to_f32();
    if stored > 0.0 { stored } else { 1.0 }
}
