//! A GPU by the time of its kernels. Matrix products follow one of three models (rates, tiles and
//! waves, or measured times), attention follows its streams and its blocks, and row-wise work
//! follows its bytes. Parameters are fitted to measured kernels ([`fit`]); each machine file cites
//! the measurements and the error.

mod attention;
pub mod fit;
mod kernel;
mod logarithm;
mod measured;
mod product;
mod tiled;

pub use attention::{Attention, AttentionWork, BLOCK, DecodeParameters, PrefillParameters};
pub use kernel::{Kernel, RatesParameters, RowsParameters};
pub use measured::{Measured, Sample};
pub use product::{Gemm, Parts, Product};
pub use tiled::{Tiled, TiledParameters};

use crate::time::Ps;

/// Resolved `[gpu]` table.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu {
    /// What its measurements are called in tables of recorded kernels.
    pub measured_as: Option<String>,
    /// Data sheet.
    pub peaks: Peaks,
    /// Device memory.
    pub memory_bytes: u64,
    /// Last-level cache; zero if the file does not say. No model counts on it.
    pub cache_bytes: u64,
    /// Time between kernels: what the host takes to launch one, zero where a graph or a full queue
    /// hides it.
    pub launch: Ps,
    /// Matrix products.
    pub gemm: Gemm,
    /// Fused attention.
    pub attention: Attention,
    /// Norms.
    pub norm: Kernel,
    /// Softmax as a kernel of its own.
    pub softmax: Kernel,
    /// The function between the feed-forward products.
    pub activation: Kernel,
    /// Rotation, addition.
    pub elementwise: Kernel,
    /// Gathers and appends.
    pub copy: Kernel,
    /// Which operators share a kernel.
    pub fusion: Fusion,
    /// How well each fitted table reproduces what it was fitted to.
    pub fits: Vec<(&'static str, Fit)>,
}

/// What the data sheet calls 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peaks {
    /// Dense fp16, FLOP/s.
    pub flop_per_s: u64,
    /// Memory, B/s.
    pub bytes_per_s: u64,
    /// Streaming multiprocessors.
    pub multiprocessors: u64,
}

/// Operators that share a kernel.
#[allow(clippy::struct_excessive_bools)] // each is a choice of its own
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fusion {
    /// Logit, softmax and attend as one kernel; scores never reach memory.
    pub attention: bool,
    /// Q, K and V as one product.
    pub qkv: bool,
    /// The addition to the residual stream with the norm behind it. The addition at the end of a
    /// layer and the first norm of the next are in different layers and stay apart.
    pub residual_norm: bool,
    /// The activation with its product by the gate.
    pub gated_activation: bool,
    /// The products of all experts of a mixture as one kernel, instead of expert after expert.
    pub experts: bool,
}

impl Default for Fusion {
    /// As serving engines run them.
    fn default() -> Fusion {
        Fusion {
            attention: true,
            qkv: true,
            residual_norm: false,
            gated_activation: true,
            experts: true,
        }
    }
}

/// Relative errors of a fit on its own rows, per cent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// Measured kernels.
    pub rows: u64,
    /// Mean.
    pub mean_percent: f64,
    /// Median.
    pub median_percent: f64,
    /// 90th percentile.
    pub p90_percent: f64,
}

/// A kernel, by what decides its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelWork {
    /// A matrix product, or several of one shape.
    Product(Product),
    /// Fused attention of a batch.
    Attention(AttentionWork),
    /// Row-wise work.
    Rows {
        /// Its class.
        class: RowsClass,
        /// Bytes to and from memory.
        bytes: u64,
    },
}

/// Classes of row-wise kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsClass {
    /// Layer or RMS norm.
    Norm,
    /// Softmax.
    Softmax,
    /// GELU, SiLU and the like.
    Activation,
    /// Addition, rotation.
    Elementwise,
    /// Gathers and appends.
    Copy,
}

impl Gpu {
    /// Time of a kernel, its launch included.
    pub fn time(&self, work: &KernelWork) -> Ps {
        let kernel = match work {
            KernelWork::Product(product) => return self.product(product).time(),
            KernelWork::Attention(work) => self.attention.time(work),
            KernelWork::Rows { class, bytes } => self.rows(*class).time(0, *bytes),
        };
        self.launch + kernel
    }

    /// Time of a product by part, its launch in the fixed time.
    pub fn product(&self, product: &Product) -> Parts {
        let parts = self.gemm.parts(product);
        Parts {
            overhead: self.launch + parts.overhead,
            ..parts
        }
    }

    /// Rates of a class of row-wise kernels.
    pub fn rows(&self, class: RowsClass) -> &Kernel {
        match class {
            RowsClass::Norm => &self.norm,
            RowsClass::Softmax => &self.softmax,
            RowsClass::Activation => &self.activation,
            RowsClass::Elementwise => &self.elementwise,
            RowsClass::Copy => &self.copy,
        }
    }
}

/// `amount / rate` seconds, rounded up to a picosecond; a rate of zero counts as one.
pub(crate) fn ratio(amount: u64, rate: u64) -> Ps {
    let ps = (u128::from(amount) * 1_000_000_000_000).div_ceil(u128::from(rate.max(1)));
    Ps(u64::try_from(ps).unwrap_or(u64::MAX))
}

/// `permille` thousandths of a rate.
fn share(rate: u64, permille: u64) -> u64 {
    u64::try_from(u128::from(rate) * u128::from(permille) / 1000).unwrap_or(u64::MAX)
}

/// Hundredths of a microsecond, in which fitted times are given.
fn hundredths_us(count: u64) -> Ps {
    Ps(count.saturating_mul(10_000))
}
