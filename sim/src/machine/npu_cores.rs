//! `[npu]` keys about cores, and the tables `[npu.dma]`, `[npu.noc]`, `[npu.shared]`. Without them a
//! machine has one core whose way to memory is never the limit.

use super::error::ConfigError;
use super::load::Document;
use super::npu::RawNpu;
use super::number::{Positive, Whole};
use super::raw::RawMachine;
use crate::npu::{Buffering, Cores, Dma, Layout, MappingRule, Noc, Shared, Topology};
use serde::Deserialize;

const KIB: u64 = 1 << 10;
/// Bytes of a DMA request where none are given: a cache line.
const REQUEST_BYTES: u64 = 64;
const MOST_CORES: u64 = 1 << 12;
/// Cycles of a hop at most: far beyond any network on a chip.
const MOST_LATENCY: u64 = 1 << 20;

/// `npu.mapping`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawMapping {
    #[default]
    Search,
    Gemmini,
}

/// `npu.buffering`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawBuffering {
    #[default]
    Tile,
    Block,
}

/// `npu.layout`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawLayout {
    #[default]
    Tiled,
    RowMajor,
}

/// `[npu.dma]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDma {
    /// Engines of a core.
    pub engines: Option<Positive>,
    pub request_bytes: Option<Positive>,
    /// Requests in flight of an engine.
    pub credits: Option<Positive>,
    /// Requests that an engine issues in a cycle.
    pub requests_per_cycle: Option<Positive>,
}

/// `npu.noc.topology`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawTopology {
    Crossbar,
    Mesh,
}

/// `[npu.noc]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNoc {
    pub topology: RawTopology,
    pub port_bytes_per_cycle: Positive,
    pub latency_cycles: Whole,
    /// Cores of a row of a mesh.
    pub columns: Option<Positive>,
}

/// `[npu.shared]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawShared {
    pub capacity_kib: Positive,
    pub bytes_per_cycle: Positive,
    #[serde(default)]
    pub multicast: bool,
}

pub(super) fn resolve(machine: &Document<RawMachine>, raw: &RawNpu) -> Result<Cores, ConfigError> {
    let fault = |path: &str, rule: String| Err(machine.fault(path, &rule));
    let count = raw.cores.map_or(1, |cores| cores.0);
    if count > MOST_CORES {
        return fault("npu.cores", format!("at most {MOST_CORES}; found {count}"));
    }
    let latency = raw.noc.as_ref().map_or(0, |noc| noc.latency_cycles.0);
    if latency > MOST_LATENCY {
        let rule = format!("at most {MOST_LATENCY}; found {latency}");
        return fault("npu.noc.latency_cycles", rule);
    }
    let noc = match &raw.noc {
        None => None,
        Some(noc) => Some(Noc {
            topology: match (noc.topology, noc.columns) {
                (RawTopology::Crossbar, None) => Topology::Crossbar,
                (RawTopology::Crossbar, Some(_)) => {
                    return fault("npu.noc.columns", "belongs to a mesh".to_owned());
                }
                (RawTopology::Mesh, None) => {
                    return fault(
                        "npu.noc.columns",
                        "a mesh gives the cores of a row".to_owned(),
                    );
                }
                (RawTopology::Mesh, Some(columns)) if count.is_multiple_of(columns.0) => {
                    Topology::Mesh { columns: columns.0 }
                }
                (RawTopology::Mesh, Some(columns)) => {
                    let rule = format!("{count} cores do not fill rows of {}", columns.0);
                    return fault("npu.noc.columns", rule);
                }
            },
            bytes_per_cycle: noc.port_bytes_per_cycle.0,
            latency: noc.latency_cycles.0,
        }),
    };
    let engines = raw.dma.engines.map_or(1, |engines| engines.0);
    let request_bytes = raw.dma.request_bytes.map_or(REQUEST_BYTES, |bytes| bytes.0);
    let of_all = |value: Option<Positive>| value.map(|value| value.0.saturating_mul(engines));
    Ok(Cores {
        count,
        mapping: match raw.mapping {
            RawMapping::Search => MappingRule::Search,
            RawMapping::Gemmini => MappingRule::Gemmini,
        },
        buffering: match raw.buffering {
            RawBuffering::Tile => Buffering::Tile,
            RawBuffering::Block => Buffering::Block,
        },
        layout: match raw.layout {
            RawLayout::Tiled => Layout::Tiled,
            RawLayout::RowMajor => Layout::RowMajor,
        },
        prefetch_weights: raw.prefetch_weights,
        dma: Dma {
            request_bytes,
            credits: of_all(raw.dma.credits),
            bytes_per_cycle: of_all(raw.dma.requests_per_cycle)
                .map(|requests| requests.saturating_mul(request_bytes)),
        },
        noc,
        shared: raw.shared.as_ref().map(|shared| Shared {
            bytes: shared.capacity_kib.0.saturating_mul(KIB),
            bytes_per_cycle: shared.bytes_per_cycle.0,
            multicast: shared.multicast,
        }),
    })
}
