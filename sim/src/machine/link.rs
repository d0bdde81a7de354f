//! `[link]`: what joins the devices of a group.

use super::number::{Amount, Positive};
use crate::link::{Fabric, Link, Overlap, Ring};
use crate::time::Ps;
use serde::Deserialize;

/// Chunks of an overlapped sum at most, unless the file says otherwise.
const CHUNKS: u64 = 8;

/// `[link]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLink {
    /// What one device can send while it receives as much.
    pub bandwidth_gb_per_s: Option<Amount>,
    /// Fixed cost of one step of a collective.
    pub step_latency_us: Option<Amount>,
    /// Overlap of sums with the products before them.
    #[serde(default)]
    pub overlap: RawOverlap,
    /// Chunks of an overlapped sum at most.
    pub chunks: Option<Positive>,
}

/// `overlap`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawOverlap {
    #[default]
    None,
    Chunks,
}

impl RawLink {
    pub(super) fn overlap(&self) -> Overlap {
        match self.overlap {
            RawOverlap::None => Overlap::None,
            RawOverlap::Chunks => Overlap::Chunks(self.chunks.map_or(CHUNKS, |chunks| chunks.0)),
        }
    }
}

/// The ring of a machine without a topology; `None` if the table gives no rate.
pub(super) fn resolve(raw: &RawLink) -> Option<Link> {
    let (bandwidth, latency) = raw.bandwidth_gb_per_s.zip(raw.step_latency_us)?;
    Some(Link {
        fabric: Fabric::Ring(Ring {
            bytes_per_s: (bandwidth.0 * 1e9) as u64,
            step_latency: Ps((latency.0 * 1e6) as u64),
        }),
        overlap: raw.overlap(),
    })
}
