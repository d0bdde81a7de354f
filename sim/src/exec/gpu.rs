//! Kernels of a GPU, back to back.

use crate::gpu::{Gpu, Kernel};
use crate::lower::KernelClass;

/// The rates of a class.
pub(super) fn rates(gpu: &Gpu, class: KernelClass) -> &Kernel {
    match class {
        KernelClass::Gemm => &gpu.gemm,
        KernelClass::Attention => &gpu.attention,
        KernelClass::Elementwise => &gpu.elementwise,
    }
}
