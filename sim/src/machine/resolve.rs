//! The rules between keys. What passes here can be simulated.

use super::error::ConfigError;
use super::load::{Document, PartDocuments};
use super::raw::{RawGpu, RawKernel, RawLink, RawMachine, RawNpu};
use super::{Device, Machine, NpuDevice, pim};
use crate::gpu::{Gpu, Kernel};
use crate::link::Link;
use crate::npu::{Array, Npu, VectorUnit};
use crate::time::{Clock, Ps};
use std::sync::Arc;

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

pub(super) fn resolve(
    name: &str,
    machine: &Document<RawMachine>,
    memory: Option<&PartDocuments>,
) -> Result<Machine, ConfigError> {
    let raw = &machine.raw;
    let device = match (&raw.npu, &raw.gpu) {
        (Some(_), Some(_)) => {
            return Err(machine.fault("gpu", "a machine has an [npu] or a [gpu], not both"));
        }
        (None, None) => {
            return Err(machine.fault("", "a machine needs an [npu] or a [gpu] table"));
        }
        (None, Some(gpu)) => {
            let surplus = [
                ("memory", raw.memory.is_some()),
                ("pim", raw.pim.is_some()),
                ("hbm_pim", raw.hbm_pim.is_some()),
                ("attacc", raw.attacc.is_some()),
                ("quirks", raw.quirks.is_some()),
            ];
            if let Some((key, _)) = surplus.into_iter().find(|(_, present)| *present) {
                return Err(machine.fault(key, "belongs to a machine with an [npu]"));
            }
            Device::Gpu(resolve_gpu(gpu))
        }
        (Some(npu), None) => {
            let alone = [
                ("hbm_pim", raw.hbm_pim.is_some()),
                ("attacc", raw.attacc.is_some()),
            ];
            if let Some((key, _)) = alone.into_iter().find(|(_, given)| *given) {
                let rule = "an iteration is lowered to [pim] only; memwall pim gemv runs products";
                return Err(machine.fault(key, rule));
            }
            let Some(memory) = memory else {
                return Err(machine.fault("npu", "a machine with an [npu] names its 'memory' part"));
            };
            let memory = pim::standard(machine, memory)?;
            Device::Npu(NpuDevice {
                npu: resolve_npu(machine, npu)?,
                memory: Arc::new(memory),
                pim: raw.pim.as_ref().map(pim::policy),
            })
        }
    };
    let mut configuration = machine.table.clone();
    if let Some(memory) = memory {
        configuration.insert(
            "memory".into(),
            toml::Value::Table(memory.part.table.clone()),
        );
    }
    Ok(Machine {
        name: name.to_owned(),
        description: raw.description.clone(),
        device,
        link: raw.link.as_ref().map(resolve_link),
        configuration,
    })
}

fn resolve_npu(machine: &Document<RawMachine>, raw: &RawNpu) -> Result<Npu, ConfigError> {
    let fault = |path: &str, rule: &str| Err(machine.fault(path, rule));
    let Some(clock) = Clock::new(raw.clock_mhz.0.saturating_mul(1_000_000)) else {
        return fault("npu.clock_mhz", "must not be zero");
    };
    let array = Array {
        rows: raw.rows.0,
        columns: raw.columns.0,
        count: raw.arrays.0,
    };
    if raw.rows.0 > 1 << 16 || raw.columns.0 > 1 << 16 || raw.arrays.0 > 1 << 16 {
        return fault(
            "npu.arrays",
            "arrays, rows and columns are at most 65536 each",
        );
    }
    let npu = Npu {
        clock,
        array,
        vector: VectorUnit {
            pipes: raw.vector_pipes.0,
            lanes: raw.vector_lanes.0,
        },
        scratchpad_bytes: raw.scratchpad_kib.0.saturating_mul(KIB),
        accumulator_bytes: raw.accumulator_kib.0.saturating_mul(KIB),
    };
    // Both halves of the double buffer hold at least one weight block of every array.
    let block = 2 * 2 * raw.rows.0 * raw.columns.0;
    if npu.scratchpad_bytes < 2 * block * raw.arrays.0 {
        return fault(
            "npu.scratchpad_kib",
            "the scratchpad must hold four fp16 blocks of rows x columns for each array",
        );
    }
    if npu.accumulator_rows() == 0 {
        return fault(
            "npu.accumulator_kib",
            "the accumulators must hold one fp32 row of 'columns' for each array, twice",
        );
    }
    Ok(npu)
}

fn resolve_gpu(raw: &RawGpu) -> Gpu {
    let kernel = |kernel: &RawKernel| Kernel {
        overhead: Ps((kernel.overhead_us.0 * 1e6) as u64),
        flop_per_s: (raw.peak_tflop_per_s.0 * kernel.compute_efficiency.0 * 1e12) as u64,
        bytes_per_s: (raw.bandwidth_gb_per_s.0 * kernel.bandwidth_efficiency.0 * 1e9) as u64,
    };
    Gpu {
        peak_flop_per_s: (raw.peak_tflop_per_s.0 * 1e12) as u64,
        peak_bytes_per_s: (raw.bandwidth_gb_per_s.0 * 1e9) as u64,
        memory_bytes: raw.memory_gib.0.saturating_mul(GIB),
        gemm: kernel(&raw.gemm),
        attention: kernel(&raw.attention),
        elementwise: kernel(&raw.elementwise),
    }
}

fn resolve_link(raw: &RawLink) -> Link {
    Link {
        bytes_per_s: (raw.bandwidth_gb_per_s.0 * 1e9) as u64,
        step_latency: Ps((raw.step_latency_us.0 * 1e6) as u64),
    }
}
