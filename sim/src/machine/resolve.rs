//! The rules between keys. What passes here can be simulated.

use super::error::ConfigError;
use super::load::Document;
use super::raw::{
    RawBalance, RawGpu, RawKernel, RawLink, RawMachine, RawMemory, RawNpu, RawPagePolicy, RawPim,
    RawQuirks, RawRowBuffers, RawVAppend,
};
use super::{Balance, Device, Machine, NpuDevice, PimPolicy, VAppend};
use crate::dram::{Controller, Digit, Organisation, PagePolicy, Standard, Timing};
use crate::gpu::{Gpu, Kernel};
use crate::link::Link;
use crate::npu::{Array, Npu, VectorUnit};
use crate::pim::{PimQuirks, PimTiming, RowBuffers};
use crate::time::{Clock, Ps};
use std::sync::Arc;

const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

pub(super) fn resolve(
    name: &str,
    machine: &Document<RawMachine>,
    memory: Option<&Document<RawMemory>>,
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
                ("quirks", raw.quirks.is_some()),
            ];
            if let Some((key, _)) = surplus.into_iter().find(|(_, present)| *present) {
                return Err(machine.fault(key, "belongs to a machine with an [npu]"));
            }
            Device::Gpu(resolve_gpu(gpu))
        }
        (Some(npu), None) => {
            let Some(memory) = memory else {
                return Err(machine.fault("npu", "a machine with an [npu] names its 'memory' part"));
            };
            if raw.quirks.is_some() && raw.pim.is_none() {
                return Err(machine.fault("quirks", "these quirks are of a [pim]"));
            }
            let pim = raw
                .pim
                .as_ref()
                .map(|pim| pim_timing(pim, raw.quirks.as_ref()));
            let memory = resolve_memory(memory, raw, pim)?;
            Device::Npu(NpuDevice {
                npu: resolve_npu(machine, npu)?,
                memory: Arc::new(memory),
                pim: raw.pim.as_ref().map(pim_policy),
            })
        }
    };
    let mut configuration = machine.table.clone();
    if let Some(memory) = memory {
        configuration.insert("memory".into(), toml::Value::Table(memory.table.clone()));
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

fn pim_timing(raw: &RawPim, quirks: Option<&RawQuirks>) -> PimTiming {
    let quirks = quirks.cloned().unwrap_or_default();
    PimTiming {
        row_buffers: match raw.row_buffers {
            RawRowBuffers::Blocked => RowBuffers::Blocked,
            RawRowBuffers::Dual => RowBuffers::Dual,
        },
        gwrite: raw.gwrite_tck.0,
        comp: raw.comp_tck.0,
        min_comps: raw.min_comps.0,
        macs_per_bank: raw.macs_per_bank.0,
        vector_buffer_rows: raw.vector_buffer_rows.0,
        header: raw.header,
        quirks: PimQuirks {
            early_pim_release: quirks.early_pim_release,
            result_off_bus: quirks.result_off_bus,
            gact_outside_window: quirks.gact_outside_window,
            coarse_guard: quirks.coarse_guard,
        },
    }
}

fn pim_policy(raw: &RawPim) -> PimPolicy {
    PimPolicy {
        balance: match raw.balance {
            RawBalance::RoundRobin => Balance::RoundRobin,
            RawBalance::LeastLoad => Balance::LeastLoad,
            RawBalance::Trace => Balance::Trace,
        },
        v_append: match raw.v_append {
            RawVAppend::Direct => VAppend::Direct,
            RawVAppend::Untimed => VAppend::Untimed,
        },
    }
}

fn resolve_memory(
    memory: &Document<RawMemory>,
    machine: &RawMachine,
    pim: Option<PimTiming>,
) -> Result<Standard, ConfigError> {
    let raw = &memory.raw;
    let fault = |path: &str, rule: String| Err(memory.fault(path, &rule));
    let Some(clock) = Clock::new(raw.clock_mhz.0.saturating_mul(1_000_000)) else {
        return fault("clock_mhz", "must not be zero".into());
    };
    let o = &raw.organisation;
    let organisation = Organisation {
        channels: o.channels.0 as usize,
        pseudo_channels: o.pseudo_channels.map_or(1, |count| count.0 as usize),
        ranks: o.ranks.0 as usize,
        bank_groups: o.bank_groups.0 as usize,
        banks_per_group: o.banks_per_group.0 as usize,
        rows: o.rows.0,
        row_bytes: o.row_bytes.0,
        burst_bytes: o.burst_bytes.0,
        mapping: match mapping(&o.mapping) {
            Ok(mapping) => mapping,
            Err(rule) => return fault("organisation.mapping", rule),
        },
    };
    for (path, value, most) in [
        ("organisation.channels", o.channels.0, 1 << 12),
        (
            "organisation.pseudo_channels",
            organisation.pseudo_channels as u64,
            4,
        ),
        ("organisation.ranks", o.ranks.0, 16),
        ("organisation.bank_groups", o.bank_groups.0, 16),
        ("organisation.banks_per_group", o.banks_per_group.0, 32),
        ("organisation.rows", o.rows.0, 1 << 24),
        ("organisation.row_bytes", o.row_bytes.0, 1 << 20),
    ] {
        if value > most {
            return fault(path, format!("at most {most}; found {value}"));
        }
    }
    let banks = organisation.banks();
    if banks > 64 {
        return fault(
            "organisation.banks_per_group",
            format!(
                "pseudo_channels x ranks x bank_groups x banks_per_group is at most 64 a channel; found {banks}"
            ),
        );
    }
    if !o.row_bytes.0.is_multiple_of(o.burst_bytes.0) {
        return fault(
            "organisation.row_bytes",
            format!(
                "a row is a whole number of bursts of {} bytes",
                o.burst_bytes.0
            ),
        );
    }
    let timing = resolve_timing(memory)?;
    let c = &raw.controller;
    let columns = organisation.columns();
    if c.bank_queue_bursts.0 < columns {
        return fault(
            "controller.bank_queue_bursts",
            format!("the queue of a bank holds at least one row, {columns} bursts"),
        );
    }
    if c.write_low_bursts.0 >= c.write_high_bursts.0 {
        return fault(
            "controller.write_low_bursts",
            format!(
                "must be below write_high_bursts = {}",
                c.write_high_bursts.0
            ),
        );
    }
    if let Some(pim) = &pim {
        if organisation.mapping[6] != Digit::Column {
            return fault(
                "organisation.mapping",
                "PIM layouts need consecutive columns: the mapping must end in 'co'".into(),
            );
        }
        if !organisation.row_bytes.is_multiple_of(2 * pim.macs_per_bank) {
            return fault(
                "organisation.row_bytes",
                format!(
                    "a row is a whole number of PIM steps of {} fp16",
                    pim.macs_per_bank
                ),
            );
        }
        if pim.gwrite > timing.refi / organisation.ranks as u64 {
            return fault(
                "timing.t_refi_tck",
                format!(
                    "the refresh interval of a rank is below one GWRITE of {}",
                    pim.gwrite
                ),
            );
        }
    }
    Ok(Standard::new(
        (
            machine.memory.clone().unwrap_or_default(),
            raw.description.clone(),
        ),
        clock,
        organisation,
        timing,
        Controller {
            bank_queue_bursts: c.bank_queue_bursts.0,
            write_high: c.write_high_bursts.0,
            write_low: c.write_low_bursts.0,
            page_policy: match c.page_policy {
                RawPagePolicy::Open => PagePolicy::Open,
                RawPagePolicy::CloseOnIdle => PagePolicy::CloseOnIdle,
            },
            max_lease: u64::MAX,
        },
        pim,
    ))
}

fn resolve_timing(memory: &Document<RawMemory>) -> Result<Timing, ConfigError> {
    let t = &memory.raw.timing;
    let ranks = memory.raw.organisation.ranks.0;
    let timing = Timing {
        cl: t.cl_tck.0,
        cwl: t.cwl_tck.0,
        burst: t.burst_tck.0,
        rcd_rd: t.t_rcd_rd_tck.0,
        rcd_wr: t.t_rcd_wr_tck.0,
        rp: t.t_rp_tck.0,
        ras: t.t_ras_tck.0,
        rc: t.t_ras_tck.0 + t.t_rp_tck.0,
        rrd_s: t.t_rrd_s_tck.0,
        rrd_l: t.t_rrd_l_tck.0,
        faw: t.t_faw_tck.0,
        ccd_s: t.t_ccd_s_tck.0,
        ccd_l: t.t_ccd_l_tck.0,
        wtr_s: t.t_wtr_s_tck.0,
        wtr_l: t.t_wtr_l_tck.0,
        wr: t.t_wr_tck.0,
        rtp: t.t_rtp_tck.0,
        rtrs: t.t_rtrs_tck.0,
        rfc: t.t_rfc_tck.0,
        refi: t.t_refi_tck.0,
    };
    // A row opened just before a refresh falls due delays it by a row cycle, every open bank by a
    // slot; after the refresh a row must open and serve before the next falls due.
    let organisation = &memory.raw.organisation;
    let banks = organisation.bank_groups.0 * organisation.banks_per_group.0;
    let write = timing.rcd_wr + timing.write_done() + timing.wr;
    let read = timing.rcd_rd + timing.rtp;
    let held = write.max(read).max(timing.ras) + timing.rp + banks;
    let access = held + timing.rcd_rd.max(timing.rcd_wr) + 1;
    let rules: [(&str, bool, String); 6] = [
        (
            "timing.t_ras_tck",
            timing.ras >= timing.rcd_rd,
            format!("a row stays open at least t_rcd_rd_tck = {}", timing.rcd_rd),
        ),
        (
            "timing.t_rrd_l_tck",
            timing.rrd_l >= timing.rrd_s,
            format!("not below t_rrd_s_tck = {}", timing.rrd_s),
        ),
        (
            "timing.t_ccd_l_tck",
            timing.ccd_l >= timing.ccd_s,
            format!("not below t_ccd_s_tck = {}", timing.ccd_s),
        ),
        (
            "timing.t_wtr_l_tck",
            timing.wtr_l >= timing.wtr_s,
            format!("not below t_wtr_s_tck = {}", timing.wtr_s),
        ),
        (
            "timing.t_faw_tck",
            timing.faw >= timing.rrd_s,
            format!("not below t_rrd_s_tck = {}", timing.rrd_s),
        ),
        (
            "timing.t_refi_tck",
            timing.refi / ranks > timing.rfc + access,
            format!(
                "between two refreshes of {ranks} ranks there must be time for one, \
                 t_rfc_tck = {}, and for closing all banks and an access, {access}",
                timing.rfc
            ),
        ),
    ];
    match rules.into_iter().find(|(_, holds, _)| !holds) {
        Some((path, _, rule)) => Err(memory.fault(path, &rule)),
        None => Ok(timing),
    }
}

fn mapping(text: &str) -> Result<[Digit; 7], String> {
    let rule = || {
        format!(
            "address digits, most significant first: each of ro ra bg ba ch co once, pc at most \
             once (where absent it stands after ra); found '{text}'"
        )
    };
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err(rule());
    }
    let mut digits = Vec::with_capacity(7);
    for index in 0..text.len() / 2 {
        let name = &text[2 * index..2 * index + 2];
        let known = Digit::NAMES.iter().find(|(known, _)| *known == name);
        digits.push(known.ok_or_else(rule)?.1);
    }
    if !digits.contains(&Digit::PseudoChannel) {
        let rank = digits.iter().position(|&digit| digit == Digit::Rank);
        digits.insert(rank.ok_or_else(rule)? + 1, Digit::PseudoChannel);
    }
    if Digit::NAMES
        .iter()
        .any(|(_, digit)| !digits.contains(digit))
    {
        return Err(rule());
    }
    digits.try_into().map_err(|_| rule())
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
