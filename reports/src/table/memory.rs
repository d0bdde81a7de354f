//! What the memory of a device holds: whether a batch fits decides which runs can be compared at
//! all.

use crate::figures::{gib, percent};
use memwall_sim::record::Record;

/// Capacity, weights and the most KV cache over the run, on one device.
pub fn memory(record: &Record) -> String {
    let memory = &record.memory;
    let share = |bytes: u64| percent(bytes as f64 / memory.capacity_bytes as f64);
    format!(
        " memory of one device: {} GiB\n weights {} GiB ({} %), KV cache at most {} GiB ({} %)\n",
        gib(memory.capacity_bytes),
        gib(memory.weights_bytes),
        share(memory.weights_bytes),
        gib(memory.kv_peak_bytes),
        share(memory.kv_peak_bytes),
    )
}
