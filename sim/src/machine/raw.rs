//! Machine files as written: every key, with its unit in its name. Nothing is derived
//! here; `resolve` checks the rules between keys.

use super::gpu::RawGpu;
use super::link::RawLink;
use super::npu::RawNpu;
use super::pim_raw::{RawAttAcc, RawHbmPim, RawPim};
use super::plain::RawPlain;
use serde::Deserialize;

/// A machine file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMachine {
    /// One sentence for `hw list`.
    pub description: String,
    /// Name of the memory part (`hw-configs/parts`); machines with an NPU need one.
    pub memory: Option<String>,
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
    /// Departures from the physical model, for parity with a reference simulator.
    pub quirks: Option<RawQuirks>,
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
