//! `[link]`: what joins the devices of a group.

use super::error::ConfigError;
use super::load::Document;
use super::number::{Amount, Positive};
use super::raw::RawMachine;
use crate::link::{Fabric, Link, Measured, Overlap, Ring};
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
    /// Measured all-reduces.
    pub all_reduce: Option<RawAllReduce>,
}

/// `[link.all_reduce]`: measured times, and the ring that they correct.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAllReduce {
    /// Devices of the group that was measured.
    pub devices: Positive,
    /// What one device could send.
    pub bandwidth_gb_per_s: Amount,
    /// Fixed cost of a step of its ring.
    pub step_latency_us: Amount,
    /// Bytes on each device, ascending.
    pub bytes: Vec<Positive>,
    /// Time of each.
    pub us: Vec<Amount>,
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

fn ring(bandwidth_gb_per_s: Amount, step_latency_us: Amount) -> Ring {
    Ring {
        bytes_per_s: (bandwidth_gb_per_s.0 * 1e9) as u64,
        step_latency: Ps((step_latency_us.0 * 1e6) as u64),
    }
}

/// The ring of a machine without a topology; `None` if the table gives no rate.
pub(super) fn resolve(machine: &Document<RawMachine>) -> Result<Option<Link>, ConfigError> {
    let Some(raw) = &machine.raw.link else {
        return Ok(None);
    };
    let Some((bandwidth, latency)) = raw.bandwidth_gb_per_s.zip(raw.step_latency_us) else {
        return Ok(None);
    };
    let measured = match &raw.all_reduce {
        Some(table) => Some(measured(machine, table)?),
        None => None,
    };
    Ok(Some(Link {
        fabric: Fabric::Ring(ring(bandwidth, latency)),
        overlap: raw.overlap(),
        measured,
    }))
}

fn measured(machine: &Document<RawMachine>, table: &RawAllReduce) -> Result<Measured, ConfigError> {
    if table.devices.0 < 2 {
        return Err(machine.fault(
            "link.all_reduce.devices",
            "at least 2: one has nothing to sum",
        ));
    }
    if table.bytes.is_empty() || table.bytes.len() != table.us.len() {
        let rule = "as many times as sizes in 'bytes', and at least one";
        return Err(machine.fault("link.all_reduce.us", rule));
    }
    if table.bytes.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(machine.fault("link.all_reduce.bytes", "ascending, each once"));
    }
    let rows = table.bytes.iter().zip(&table.us);
    Ok(Measured {
        devices: table.devices.0,
        ring: ring(table.bandwidth_gb_per_s, table.step_latency_us),
        rows: rows
            .map(|(bytes, us)| (bytes.0, Ps((us.0 * 1e6) as u64)))
            .collect(),
    })
}
