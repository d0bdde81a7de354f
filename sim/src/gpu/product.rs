//! Matrix products on a GPU: their shape, and the model that a machine file chooses for them.

use super::{Kernel, Measured, Tiled};
use crate::time::Ps;

/// `batch` products `[m, k] x [k, n]` in one kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// Products; 1 for a layer, heads and sequences for attention.
    pub batch: u64,
    /// Rows.
    pub m: u64,
    /// Reduction.
    pub k: u64,
    /// Columns.
    pub n: u64,
    /// Bytes of an element.
    pub element: u64,
}

impl Product {
    /// One product of 16-bit elements.
    pub fn half(m: u64, k: u64, n: u64) -> Product {
        let (batch, element) = (1, 2);
        Product {
            batch,
            m,
            k,
            n,
            element,
        }
    }

    /// Two operations for each multiply-accumulate.
    pub fn flop(&self) -> u64 {
        [self.batch, self.m, self.k, self.n]
            .into_iter()
            .fold(2, u64::saturating_mul)
    }

    /// Operands read once and results written once.
    pub fn bytes(&self) -> u64 {
        let matrices = [(self.m, self.k), (self.k, self.n), (self.m, self.n)];
        let elements = matrices.into_iter().fold(0u64, |all, (rows, columns)| {
            all.saturating_add(rows.saturating_mul(columns))
        });
        elements
            .saturating_mul(self.batch)
            .saturating_mul(self.element)
    }
}

/// How the time of a product is found.
#[derive(Debug, Clone, PartialEq)]
pub enum Gemm {
    /// A fixed time and two rates.
    Rates(Kernel),
    /// Tiles, waves and bytes.
    Tiled(Tiled),
    /// Measured times, and between them the rates that they correct.
    Measured(Measured),
}

/// Where the time of a kernel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Fixed time.
    pub overhead: Ps,
    /// The rest.
    pub busy: Ps,
    /// Whether arithmetic is what the rest waits for, rather than bytes.
    pub by_arithmetic: bool,
}

impl Parts {
    /// Both together.
    pub fn time(&self) -> Ps {
        self.overhead + self.busy
    }
}

impl Gemm {
    /// Time of a product.
    pub fn time(&self, product: &Product) -> Ps {
        self.parts(product).time()
    }

    /// Time of a product by part.
    pub fn parts(&self, product: &Product) -> Parts {
        match self {
            Gemm::Rates(kernel) => kernel.parts(product.flop(), product.bytes()),
            Gemm::Tiled(tiled) => tiled.parts(product),
            Gemm::Measured(measured) => measured.parts(product),
        }
    }

    /// Name in machine files.
    pub fn name(&self) -> &'static str {
        match self {
            Gemm::Rates(_) => "three_parameter",
            Gemm::Tiled(_) => "size_dependent",
            Gemm::Measured(_) => "table",
        }
    }
}
