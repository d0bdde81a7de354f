//! Energy of a part: from supply currents or energy per bit to femtojoules a command and a tick.

use super::error::ConfigError;
use super::load::Document;
use super::number::Amount;
use super::part_raw::{RawIdd, RawMemory, RawPerBit};
use crate::dram::energy::{Background, Basis, Energy, PerBit};
use crate::dram::{Organisation, Refreshes, Timing};
use crate::time::Clock;

pub(super) fn resolve(
    memory: &Document<RawMemory>,
    clock: Clock,
    organisation: &Organisation,
    timing: &Timing,
    refreshes: &Refreshes,
) -> Result<Option<Energy>, ConfigError> {
    let Some(raw) = &memory.raw.energy else {
        return Ok(None);
    };
    match (&raw.idd, &raw.per_bit) {
        (Some(idd), None) => Ok(Some(of_currents(idd, clock, timing, refreshes))),
        (None, Some(per_bit)) => Ok(Some(of_bits(per_bit, organisation))),
        _ => Err(memory.fault("energy", "has one of the tables 'idd' and 'per_bit'")),
    }
}

/// Volts x milliamperes x nanoseconds are picojoules. The differences are those of the current
/// specifications of JEDEC data sheets (IDD0 covers an activation and a precharge every tRC, IDD4
/// and IDD5 stand on active standby), as DRAMsim3 uses them.
fn of_currents(raw: &RawIdd, clock: Clock, timing: &Timing, refreshes: &Refreshes) -> Energy {
    let (numerator, denominator) = clock.period_ps();
    let tick_ns = numerator as f64 / denominator as f64 / 1e3;
    let scale = raw.vdd_v.0 * raw.devices.0 as f64 * tick_ns * 1e3;
    let fj = |milliampere_ticks: f64| (scale * milliampere_ticks).max(0.0).round() as u64;
    let standby = raw.idd3n_ma.0 * timing.ras as f64 + raw.idd2n_ma.0 * timing.rp as f64;
    let burst = timing.burst as f64;
    let above = |current: Amount, ticks: f64| fj((current.0 - raw.idd3n_ma.0) * ticks);
    Energy {
        basis: Basis::Currents,
        activate_fj: fj(raw.idd0_ma.0 * (timing.ras + timing.rp) as f64 - standby),
        read_fj: above(raw.idd4r_ma, burst),
        write_fj: above(raw.idd4w_ma, burst),
        refresh_fj: Some(above(raw.idd5ab_ma, timing.rfc as f64)),
        refresh_bank_fj: raw
            .idd5pb_ma
            .zip(refreshes.one_bank.or(refreshes.same_bank))
            .map(|(current, ticks)| above(current, ticks as f64)),
        background: Some(Background {
            active_fj: fj(raw.idd3n_ma.0),
            idle_fj: fj(raw.idd2n_ma.0),
        }),
    }
}

fn of_bits(raw: &RawPerBit, organisation: &Organisation) -> Energy {
    let fj = |amount: Option<Amount>| amount.map_or(0, |pj| (pj.0 * 1e3).round() as u64);
    let whole = |amount: Amount| (amount.0 * 1e6).round() as u64;
    let split = PerBit {
        cell_fj: fj(raw.cell_pj),
        mux_fj: fj(raw.mux_pj),
        global_fj: fj(raw.global_pj),
        tsv_fj: fj(raw.tsv_pj),
        io_fj: fj(raw.io_pj),
    };
    let burst = 8 * organisation.burst_bytes * split.total_fj();
    Energy {
        basis: Basis::PerBit(split),
        activate_fj: raw.activate_nj.map_or(0, whole),
        read_fj: burst,
        write_fj: burst,
        refresh_fj: raw.refresh_nj.map(whole),
        refresh_bank_fj: None,
        background: None,
    }
}
