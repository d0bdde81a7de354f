//! Matrix-vector products of any shape in the banks: how the matrix is laid out over channels,
//! banks and rows, and the programs that multiply it.

mod mapping;
mod run;

pub use mapping::{Mapping, Order, Share};
pub use run::{Failed, Run, run, streaming};

use super::format::Format;

/// A product of a matrix of `m` rows and `k` columns with `vectors` vectors of `k` elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gemv {
    /// Rows of the matrix: elements of a result.
    pub m: u64,
    /// Columns: elements of a vector.
    pub k: u64,
    /// Vectors that share an open row as far as the vector buffer allows.
    pub vectors: u64,
    /// Elements of matrix and vectors.
    pub format: Format,
}

impl Gemv {
    /// Bytes of the matrix, packed.
    pub fn weight_bytes(&self) -> u64 {
        self.format.bytes(self.m * self.k)
    }

    /// Multiply-accumulates that the product needs.
    pub fn macs(&self) -> u64 {
        self.m * self.k * self.vectors
    }
}
