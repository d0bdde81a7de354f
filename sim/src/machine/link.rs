//! `[link]`: what joins the devices of a group.

use super::number::Amount;
use crate::link::Link;
use crate::time::Ps;
use serde::Deserialize;

/// `[link]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLink {
    /// What one device can send while it receives as much.
    pub bandwidth_gb_per_s: Amount,
    /// Fixed cost of one step of a collective.
    pub step_latency_us: Amount,
}

pub(super) fn resolve(raw: &RawLink) -> Link {
    Link {
        bytes_per_s: (raw.bandwidth_gb_per_s.0 * 1e9) as u64,
        step_latency: Ps((raw.step_latency_us.0 * 1e6) as u64),
    }
}
