//! Accesses that the devices' times do not need: bytes of the scratchpads and elements of the
//! vector unit. Products count their own, block by block.

use crate::lower::{Task, Work};

/// Bytes read from and written to the scratchpads by one run of a task that is no product: keys
/// and values of attention on the arrays are written and read once, row-wise work reads and writes
/// its rows. Scores and probabilities go from accumulators to the vector unit and on to the arrays
/// and are not counted.
pub fn sram_bytes(task: &Task) -> u64 {
    let bytes = &task.bytes;
    match &task.work {
        Work::ArrayAttention(_) => 2 * bytes.kv_read + bytes.input + bytes.output,
        Work::Vector { .. } => bytes.input + bytes.output,
        _ => 0,
    }
}

/// Elements that the vector unit makes in one run of a task: of attention, a probability for each
/// pair of a query and a token that it sees.
pub fn vector_elements(task: &Task) -> u64 {
    match &task.work {
        Work::Vector { rows, width, .. } => rows * width,
        Work::ArrayAttention(entries) | Work::PimAttention(entries) => entries
            .iter()
            .map(|entry| entry.head.kv_heads * entry.group() * entry.pairs())
            .sum(),
        _ => 0,
    }
}
