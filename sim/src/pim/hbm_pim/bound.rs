//! Closed forms: what no program on the units can exceed.
#![deny(clippy::float_arithmetic)]

use super::parameters::{BURST_BYTES, units};
use crate::dram::{Command, Scope, Standard};
use crate::pim::bound::{ClosedForm, RowPass};
use crate::time::Tick;

/// Ticks between two all-bank columns.
fn stride(standard: &Standard) -> Tick {
    let between = |scope| {
        let distances = &standard.distances;
        distances.get(Command::RdAb, Command::RdAb, scope)
    };
    let scopes = Scope::NAMES.iter();
    scopes
        .map(|(_, scope)| between(*scope))
        .max()
        .unwrap_or(0)
        .max(1)
}

/// Ticks from opening a row in all banks of a side to the next, with every column of it read:
/// `max(tRCD + n tCCD_L + tRTP, tRAS) + tRP`, no less than tRC. One activation opens all banks, so no
/// window counts.
pub fn row_ticks(standard: &Standard) -> Tick {
    let t = &standard.timing;
    let columns = standard.organisation.columns() * stride(standard);
    let open = (t.rcd_rd + columns + t.rtp).max(t.ras);
    (open + t.rp).max(t.rc)
}

/// Bytes per second that the units of all channels can read from open rows.
pub fn peak_bytes_per_s(standard: &Standard) -> u64 {
    rate(standard, BURST_BYTES, stride(standard))
}

/// Bytes per second of all units, each of which takes `bytes` in `ticks`.
fn rate(standard: &Standard, bytes: u64, ticks: Tick) -> u64 {
    let all_units = u128::from(units(standard)) * standard.organisation.channels as u128;
    let per_s = all_units * u128::from(bytes) * u128::from(standard.clock.hz());
    u64::try_from(per_s / u128::from(ticks)).unwrap_or(u64::MAX)
}

/// Bytes per second of a program that opens one row after the other on one side at a time.
pub fn row_bytes_per_s(standard: &Standard) -> u64 {
    rate(
        standard,
        standard.organisation.row_bytes,
        row_ticks(standard),
    )
}

/// Ticks below which no product reads its weights: at the peak of the columns, and a row at a time,
/// without refresh, rounded down; and no sooner than a row is open and its columns follow each other.
pub fn gemv_ticks(standard: &Standard, weight_bytes: u64) -> Tick {
    let organisation = &standard.organisation;
    let all_units = u128::from(units(standard)) * organisation.channels as u128;
    let ticks = |bytes: u64, ticks: Tick| {
        let most = u128::from(weight_bytes) * u128::from(ticks) / (all_units * u128::from(bytes));
        Tick::try_from(most).unwrap_or(Tick::MAX)
    };
    let step = u64::try_from(all_units * u128::from(BURST_BYTES)).unwrap_or(u64::MAX);
    let steps = weight_bytes.div_ceil(step.max(1));
    let first_row = match steps {
        0 => 0,
        steps => standard.timing.rcd_rd + (steps - 1) * stride(standard),
    };
    let rows = ticks(organisation.row_bytes, row_ticks(standard));
    ticks(BURST_BYTES, stride(standard))
        .max(rows)
        .max(first_row)
}

/// The same as parts of a row pass.
pub fn closed_form(standard: &Standard) -> ClosedForm {
    let t = &standard.timing;
    let organisation = &standard.organisation;
    let steps = organisation.columns();
    ClosedForm {
        pass: RowPass {
            activations: 0,
            steps: steps * stride(standard),
            rcd: t.rcd_rd,
            rtp: t.rtp,
            ras: t.ras,
            rp: t.rp,
            groups: 1,
            apart: 0,
        },
        steps,
        bytes: organisation.row_bytes * units(standard) * organisation.channels as u64,
        // The units work on the first rank.
        refresh: (t.refi, t.rfc),
        hz: standard.clock.hz(),
    }
}
