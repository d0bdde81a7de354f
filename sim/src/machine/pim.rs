//! The PIM side of a machine: `[pim]` and `[quirks]`, and the rules between their keys.

use super::error::ConfigError;
use super::load::{Document, PartDocuments};
use super::pim_check;
use super::pim_raw::{
    RawActivation, RawArbitration, RawAttAcc, RawBalance, RawHbmPim, RawLevel, RawPim, RawPower,
    RawRowBuffers, RawVAppend,
};
use super::raw::{RawMachine, RawQuirks};
use super::{Balance, PimPolicy, VAppend};
use crate::dram::Standard;
use crate::pim::{
    Activation, Arbitration, Format, PimQuirks, PimTiming, Power, RowBuffers, attacc, hbm_pim,
};
use memwall_models::spelling;
use std::sync::Arc;

/// Longest time slice and most accumulators: far above any sense, low enough to multiply.
const MOST: u64 = 1 << 20;

/// A memory part with its PIM side, apart from what computes beside it.
#[derive(Debug, Clone)]
pub struct PimDevice {
    /// Name of its file.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// The part.
    pub memory: Arc<Standard>,
    /// Its commands.
    pub set: CommandSet,
}

/// Families of PIM commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandSet {
    /// Newton, AiM, NeuPIMs: `[pim]`, resolved into the part's PIM side.
    Newton,
    /// HBM-PIM: `[hbm_pim]`.
    HbmPim(hbm_pim::Parameters),
    /// AttAcc: `[attacc]`.
    AttAcc(attacc::Parameters),
}

impl CommandSet {
    /// Name in records.
    pub fn name(&self) -> &'static str {
        match self {
            CommandSet::Newton => "newton",
            CommandSet::HbmPim(_) => "hbm_pim",
            CommandSet::AttAcc(_) => "attacc",
        }
    }
}

/// A device whose banks compute, without what computes beside it.
pub(super) fn device(
    name: &str,
    machine: &Document<RawMachine>,
    memory: Option<&PartDocuments>,
) -> Result<PimDevice, ConfigError> {
    let raw = &machine.raw;
    let sets = [
        ("pim", raw.pim.is_some()),
        ("hbm_pim", raw.hbm_pim.is_some()),
        ("attacc", raw.attacc.is_some()),
    ];
    let mut given = sets.iter().filter(|(_, given)| *given);
    let (Some(memory), Some(_)) = (memory, given.next()) else {
        let rule = "has no [pim], [hbm_pim] or [attacc], so nothing computes in its banks";
        return Err(machine.fault("", rule));
    };
    if let Some((second, _)) = given.next() {
        return Err(machine.fault(second, "a device has one set of PIM commands"));
    }
    let standard = standard(machine, memory)?;
    let fault = |rule: String| machine.fault("memory", &rule);
    let set = if let Some(raw) = &raw.hbm_pim {
        let parameters = hbm_pim(raw);
        hbm_pim::check(&standard, &parameters).map_err(|error| fault(error.to_string()))?;
        CommandSet::HbmPim(parameters)
    } else if let Some(raw) = &raw.attacc {
        let parameters = attacc(raw);
        if let Some(command) = attacc::lacks(&standard, parameters.level) {
            let rule = format!(
                "the part has no {}, which AttAcc issues",
                command.mnemonic()
            );
            return Err(fault(rule));
        }
        pim_check::attacc_steps(&standard, parameters.level).map_err(fault)?;
        CommandSet::AttAcc(parameters)
    } else {
        CommandSet::Newton
    };
    Ok(PimDevice {
        name: name.to_owned(),
        description: raw.description.clone(),
        memory: Arc::new(standard),
        set,
    })
}

fn attacc(raw: &RawAttAcc) -> attacc::Parameters {
    let level = match raw.level {
        RawLevel::Bank => attacc::Level::Bank,
        RawLevel::BankGroup => attacc::Level::BankGroup,
        RawLevel::Buffer => attacc::Level::Buffer,
    };
    let quirks = &raw.quirks;
    attacc::Parameters {
        queue: raw.queue.0.min(MOST) as usize,
        quirks: attacc::Quirks {
            all_bank_act_outside_window: quirks.all_bank_act_outside_window,
            macs_beside_moves: quirks.macs_beside_moves,
            checked_on_one_path: quirks.checked_on_one_path,
            barriers_take_slots: quirks.barriers_take_slots,
            one_command_a_tick: quirks.one_command_a_tick,
            // The others concern attention, which is run by `validate pim-attention` alone.
            ..attacc::Quirks::default()
        },
        ..attacc::Parameters::new(level)
    }
}

fn hbm_pim(raw: &RawHbmPim) -> hbm_pim::Parameters {
    let quirks = &raw.quirks;
    hbm_pim::Parameters {
        queue: raw.queue_bursts.0.min(MOST) as usize,
        quirks: hbm_pim::Quirks {
            two_bank_view: quirks.two_bank_view,
            no_activation_window: quirks.no_activation_window,
            refresh_beside_precharge: quirks.refresh_beside_precharge,
            refresh_yields: quirks.refresh_yields,
        },
    }
}

/// The part and the PIM side of a machine file; `None` if it has no `[pim]`.
pub(super) fn standard(
    machine: &Document<RawMachine>,
    memory: &PartDocuments,
) -> Result<Standard, ConfigError> {
    let Some(raw) = &machine.raw.pim else {
        if machine.raw.quirks.is_some() {
            return Err(machine.fault("quirks", "these quirks are of a [pim]"));
        }
        return memory.standard(None);
    };
    let pim = timing(machine, memory, raw)?;
    let standard = memory.standard(Some(pim))?;
    if let Some(pim) = &standard.pim {
        pim_check::check(machine, &standard, pim)?;
    }
    Ok(standard)
}

fn timing(
    machine: &Document<RawMachine>,
    memory: &PartDocuments,
    raw: &RawPim,
) -> Result<PimTiming, ConfigError> {
    let fault = |path: &str, rule: &str| Err(machine.fault(path, rule));
    let accumulators = raw.accumulators.map_or(1, |count| count.0);
    let result_bytes = raw.result_bytes.map_or(2, |bytes| bytes.0);
    for (path, value) in [
        ("pim.accumulators", accumulators),
        ("pim.result_bytes", result_bytes),
        ("pim.vector_buffer_rows", raw.vector_buffer_rows.0),
        ("pim.min_comps", raw.min_comps.0),
        ("pim.comp_tck", raw.comp_tck.0),
        ("pim.gwrite_tck", raw.gwrite_tck.0),
    ] {
        if value > MOST {
            return fault(path, &format!("at most {MOST}; found {value}"));
        }
    }
    if raw.composite && accumulators > 1 {
        return fault(
            "pim.accumulators",
            "a composite command reads out after its steps, so nothing stays in a bank; \
             composite = false keeps partial sums",
        );
    }
    let quirks = machine.raw.quirks.clone().unwrap_or_default();
    Ok(PimTiming {
        row_buffers: match raw.row_buffers {
            RawRowBuffers::Blocked => RowBuffers::Blocked,
            RawRowBuffers::Dual => RowBuffers::Dual,
        },
        gwrite: raw.gwrite_tck.0,
        comp: raw
            .comp_tck
            .0
            .max(raw.comp_current_tck.map_or(0, |ticks| ticks.0)),
        step_bytes: raw.step_bytes.map(|bytes| bytes.0),
        min_comps: raw.min_comps.0,
        macs_per_bank: raw.macs_per_bank.0,
        other_formats: formats(machine, raw)?,
        vector_buffer_rows: raw.vector_buffer_rows.0,
        accumulators,
        result_bytes,
        header: raw.header,
        activation: match raw.activation {
            Some(RawActivation::Rank) => Activation::Rank,
            Some(RawActivation::Group) | None => Activation::Group,
        },
        composite: raw.composite,
        arbitration: arbitration(machine, raw)?,
        power: match &raw.power {
            Some(raw) => Some(power(machine, memory, raw)?),
            None => None,
        },
        quirks: flags(&quirks),
    })
}

fn flags(raw: &RawQuirks) -> PimQuirks {
    PimQuirks {
        early_pim_release: raw.early_pim_release,
        result_off_bus: raw.result_off_bus,
        gact_outside_window: raw.gact_outside_window,
        coarse_guard: raw.coarse_guard,
        per_bank_precharge: raw.per_bank_precharge,
        all_bank_act_outside_window: raw.all_bank_act_outside_window,
    }
}

fn formats(
    machine: &Document<RawMachine>,
    raw: &RawPim,
) -> Result<Vec<(Format, u64)>, ConfigError> {
    let mut formats = Vec::new();
    for (name, macs) in &raw.formats {
        let path = format!("pim.formats.{name}");
        let names = || Format::NAMES.map(|(name, _)| name);
        let Some((_, format)) = Format::NAMES.iter().find(|(known, _)| known == name) else {
            let rule = format!("no format '{name}'; there are {}", names().join(", "));
            let mut error = machine.fault(&path, &rule);
            error.nearest = spelling::nearest(name, names()).map(str::to_owned);
            return Err(error);
        };
        if *format == Format::Fp16 {
            return Err(machine.fault(&path, "that of fp16 is macs_per_bank"));
        }
        formats.push((*format, macs.0));
    }
    Ok(formats)
}

fn arbitration(machine: &Document<RawMachine>, raw: &RawPim) -> Result<Arbitration, ConfigError> {
    let sliced = matches!(raw.arbitration, Some(RawArbitration::TimeSliced));
    match (&raw.slices_tck, sliced) {
        (Some([pim, host]), true) => {
            if pim.0 > MOST || host.0 > MOST {
                let rule = format!("a slice has at most {MOST} ticks");
                return Err(machine.fault("pim.slices_tck", &rule));
            }
            Ok(Arbitration::TimeSliced {
                pim: pim.0,
                host: host.0,
            })
        }
        (None, true) => Err(machine.fault(
            "pim.arbitration",
            "time_sliced needs slices_tck = [PIM, host]",
        )),
        (Some(_), false) => Err(machine.fault(
            "pim.slices_tck",
            "slices are of arbitration = \"time_sliced\"",
        )),
        (None, false) => Ok(match raw.arbitration {
            Some(RawArbitration::MemoryFirst) => Arbitration::MemoryFirst,
            _ => Arbitration::PimFirst,
        }),
    }
}

fn power(
    machine: &Document<RawMachine>,
    memory: &PartDocuments,
    raw: &RawPower,
) -> Result<Power, ConfigError> {
    let (clock, channels) = (memory.clock()?, memory.channels());
    // Watts are femtojoules a femtosecond.
    let fj_per_s = raw.average_w.0 * 1e15 / channels as f64;
    let fj_per_tick = (fj_per_s / clock.hz() as f64) as u64;
    if fj_per_tick == 0 {
        let rule = "leaves a channel not a femtojoule a tick";
        return Err(machine.fault("pim.power.average_w", rule));
    }
    let power = Power {
        fj_per_tick,
        activate_fj: (raw.activate_nj.0 * 1e6) as u64,
        comp_fj: (raw.comp_pj.0 * 1e3) as u64,
    };
    // A whole row takes this long at the cap; longer than a second is a slip of units.
    let row = power.activate_fj.saturating_add(power.comp_fj << 10);
    if row / power.fj_per_tick > clock.hz() {
        let rule = "a row would take more than a second at this cap; check the units";
        return Err(machine.fault("pim.power.average_w", rule));
    }
    Ok(power)
}

pub(super) fn policy(raw: &RawPim) -> PimPolicy {
    PimPolicy {
        balance: match raw.balance {
            Some(RawBalance::RoundRobin) => Balance::RoundRobin,
            Some(RawBalance::LeastLoad) | None => Balance::LeastLoad,
            Some(RawBalance::Trace) => Balance::Trace,
        },
        v_append: match raw.v_append {
            Some(RawVAppend::Direct) | None => VAppend::Direct,
            Some(RawVAppend::Untimed) => VAppend::Untimed,
        },
    }
}
