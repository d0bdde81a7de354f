//! Accesses that the devices' times do not need: bytes of the scratchpads and elements of the
//! vector unit.

use crate::lower::{Task, Work};
use crate::npu::Npu;

/// Bytes of an accumulator.
const SUM: u64 = 4;

/// Bytes read from and written to the scratchpads and accumulators by one run of a task.
///
/// A product with stationary weights writes each weight once and reads it once, reads its
/// activations once for every column block, and adds into its sums once for every row block.
/// Attention on the arrays does so with keys and values. Row-wise work reads and writes its rows.
pub fn sram_bytes(npu: &Npu, task: &Task) -> u64 {
    let bytes = &task.bytes;
    match &task.work {
        &Work::Gemm { m, k, n, element } => {
            let folds = |size: u64, by: u64| size.div_ceil(by.max(1));
            let weights = 2 * k * n * element;
            let streamed = m * k * element * folds(n, npu.array.columns);
            let sums = 2 * m * n * SUM * folds(k, npu.array.rows);
            weights + streamed + sums
        }
        Work::ArrayAttention(_) => 2 * bytes.kv_read + bytes.input + bytes.output,
        Work::Vector { .. } => bytes.input + bytes.output,
        _ => 0,
    }
}

/// Elements that the vector unit makes in one run of a task.
pub fn vector_elements(task: &Task) -> u64 {
    match task.work {
        Work::Vector { rows, width, .. } => rows * width,
        _ => 0,
    }
}
