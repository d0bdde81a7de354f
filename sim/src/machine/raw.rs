//! Machine files as written: every key, with its unit in its name. Nothing is derived
//! here; `resolve` checks the rules between keys.

use super::gpu::RawGpu;
use super::link::RawLink;
use super::npu::RawNpu;
use super::pim_raw::{RawAttAcc, RawHbmPim, RawPim};
use super::plain::RawPlain;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A machine file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMachine {
    /// One sentence for `hw list`.
    pub description: String,
    /// Memory part: its name (`hw-configs/parts`), or its keys in a table, as `hw show` prints them;
    /// machines with an NPU need one.
    pub memory: Option<RawMemoryOf>,
    /// A bandwidth and a latency instead of a memory part.
    pub plain_memory: Option<RawPlain>,
    /// Neural processing unit.
    pub npu: Option<RawNpu>,
    /// Processing in the memory part.
    pub pim: Option<RawPim>,
    /// HBM-PIM, instead of `[pim]`; for products in the banks alone.
    pub hbm_pim: Option<RawHbmPim>,
    /// AttAcc, instead of `[pim]`; for products in the banks alone.
    pub attacc: Option<RawAttAcc>,
    /// Graphics processing unit, instead of an NPU.
    pub gpu: Option<RawGpu>,
    /// Link between the devices of a tensor-parallel group.
    pub link: Option<RawLink>,
    /// Name of a topology (`hw-configs/topologies`), instead of the ring of `[link]`.
    pub topology: Option<String>,
    /// Name of a table of energies (`hw-configs/energy`).
    pub energy: Option<String>,
    /// Departures from the physical model, for parity with a reference simulator.
    pub quirks: Option<RawQuirks>,
}

/// `memory`
#[derive(Debug, Clone)]
pub(super) enum RawMemoryOf {
    /// A part by name.
    Named(String),
    /// The keys of a part.
    Own(toml::Table),
}

struct MemoryVisitor;

impl<'de> Visitor<'de> for MemoryVisitor {
    type Value = RawMemoryOf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a memory part, or a table of its keys")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<RawMemoryOf, E> {
        Ok(RawMemoryOf::Named(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawMemoryOf, A::Error> {
        let table = toml::Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(RawMemoryOf::Own(table))
    }
}

impl<'de> Deserialize<'de> for RawMemoryOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemoryVisitor)
    }
}

/// `[quirks]`: all off unless named. Each is independent of the others.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub(super) struct RawQuirks {
    pub early_pim_release: bool,
    pub result_off_bus: bool,
    pub gact_outside_window: bool,
    pub coarse_guard: bool,
    pub per_bank_precharge: bool,
    pub all_bank_act_outside_window: bool,
}
