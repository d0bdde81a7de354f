//! `[plain_memory]`: memory of which only bandwidth and latency are known.

use super::error::ConfigError;
use super::load::Document;
use super::number::{Amount, Positive, Whole};
use super::raw::RawMachine;
use crate::memory::Plain;
use crate::time::Ps;
use serde::Deserialize;

const GIB: u64 = 1 << 30;

/// `[plain_memory]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlain {
    pub bandwidth_gb_per_s: Amount,
    pub latency_ns: Whole,
    pub capacity_gib: Positive,
}

pub(super) fn resolve(
    machine: &Document<RawMachine>,
    raw: &RawPlain,
) -> Result<Plain, ConfigError> {
    let bytes_per_s = (raw.bandwidth_gb_per_s.0 * 1e9) as u64;
    if bytes_per_s == 0 {
        let rule = "at least one byte a second";
        return Err(machine.fault("plain_memory.bandwidth_gb_per_s", rule));
    }
    Ok(Plain {
        bytes_per_s,
        latency: Ps::from_ns(raw.latency_ns.0),
        capacity_bytes: raw.capacity_gib.0.saturating_mul(GIB),
    })
}
