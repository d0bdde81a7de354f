//! What the stages of a PIM operation need: which rows are in the way, which command comes next and
//! when it may go, and what a finished step leads to. Pure functions of the channel's state; the
//! order of operations is the sequencer's.
#![deny(clippy::float_arithmetic)]

use super::program::{PimOp, Tile};
use super::sequencer::{Candidate, Stage};
use super::{Activation, PimTiming, RowBuffers};
use crate::dram::Standard;
use crate::dram::command::Command;
use crate::dram::gates::Gates;
use crate::dram::rows::{Rows, bits};
use crate::time::Tick;

/// First tick from `at` on that lies in the first `length` ticks of a period.
pub(super) fn in_slice(at: Tick, length: Tick, period: Tick) -> Tick {
    let phase = at % period;
    if phase < length {
        at
    } else {
        at - phase + period
    }
}

/// Ticks in which the power cap makes good what an operation takes.
pub(super) fn recharge(op: PimOp, std: &Standard, pim: &PimTiming) -> Tick {
    let (Some(power), Some(tile)) = (&pim.power, op.tile()) else {
        return 0;
    };
    let steps = u64::from(tile.results) * u64::from(tile.comps);
    let of_bank = power.activate_fj + steps * power.comp_fj;
    (std.organisation.banks() as u64 * of_bank).div_ceil(power.fj_per_tick)
}

/// Tick at which the last partial sum of a tile is with the device, or settled in its accumulator.
pub(super) fn result_at(std: &Standard, pim: &PimTiming, candidate: &Candidate) -> Tick {
    match candidate.command {
        Command::CompsReadres | Command::Readres if pim.quirks.result_off_bus => {
            candidate.at + std.timing.read_done()
        }
        Command::CompsReadres | Command::Readres => {
            let read_out = candidate.at + pim.comp * candidate.comps;
            read_out + std.timing.cl + pim.read_out_ticks(std)
        }
        _ => candidate.at + pim.comp,
    }
}

/// Where a tile stands after a command of its steps; `None` at its end.
pub(super) fn after_step(
    stage: Stage,
    command: Command,
    tile: Tile,
    pim: &PimTiming,
    at: Tick,
) -> Option<Stage> {
    let Stage::Compute {
        results,
        steps,
        drained,
    } = stage
    else {
        return Some(stage);
    };
    let next = |results: u32| {
        (results > 0).then_some(Stage::Compute {
            results,
            steps: tile.comps,
            drained: 0,
        })
    };
    if command != Command::Comp {
        return next(results - 1);
    }
    if steps == 1 && !tile.read_out {
        return next(results - 1);
    }
    let drained = if steps == tile.comps {
        at + pim.comp * pim.min_comps
    } else {
        drained
    };
    Some(Stage::Compute {
        results,
        steps: steps - 1,
        drained,
    })
}

/// Banks that the activation of `bank` opens with it.
pub(super) fn unit_banks(std: &Standard, pim: &PimTiming, bank: usize) -> u64 {
    match pim.activation {
        Activation::Group => group_banks(std, bank),
        Activation::Rank => std.rank_banks(std.places[bank].rank),
    }
}

/// Closes the rows that one precharge of a rank closes.
pub(crate) fn close_rank(std: &Standard, pim: &PimTiming, rows: &mut Rows, rank: usize) {
    for bank in bits(std.rank_banks(rank)) {
        rows.close_pim(bank);
        if pim.row_buffers == RowBuffers::Blocked {
            rows.close_host(bank);
        }
    }
}

fn group_banks(std: &Standard, bank: usize) -> u64 {
    let size = std.organisation.banks_per_group;
    ((1 << size) - 1) << (bank / size * size)
}

pub(super) fn compute(op: PimOp) -> Stage {
    match op.tile() {
        Some(tile) => Stage::Compute {
            results: tile.results.max(1),
            steps: tile.comps,
            drained: 0,
        },
        None => Stage::Gwrite,
    }
}

/// Banks that must be closed before the row can be opened everywhere: those that hold another row,
/// or this one in the wrong buffer, and those of a group that is open in part only, because a group
/// is opened as a whole.
fn in_the_way(row: u32, std: &Standard, pim: &PimTiming, rows: &Rows) -> u64 {
    let on_row = bits(rows.pim_open)
        .filter(|&bank| rows.pim(bank) == Some(row))
        .fold(0, |mask, bank| mask | 1 << bank);
    let whole = (0..std.organisation.banks())
        .step_by(unit_banks(std, pim, 0).count_ones() as usize)
        .map(|bank| unit_banks(std, pim, bank))
        .filter(|group| on_row & group == *group)
        .fold(0, |mask, group| mask | group);
    let others = rows.pim_open & !whole;
    match pim.row_buffers {
        RowBuffers::Blocked => others | rows.host_open,
        RowBuffers::Dual => bits(rows.host_open)
            .filter(|&bank| rows.host(bank) == Some(row))
            .fold(others, |mask, bank| mask | 1 << bank),
    }
}

pub(super) fn first_stage(op: PimOp, std: &Standard, pim: &PimTiming, rows: &Rows) -> Stage {
    let Some(tile) = op.tile() else {
        return Stage::Gwrite;
    };
    match in_the_way(tile.row, std, pim, rows) {
        0 => after_close(op, std, pim, rows),
        mask => Stage::Close(mask),
    }
}

pub(super) fn after_close(op: PimOp, std: &Standard, pim: &PimTiming, rows: &Rows) -> Stage {
    if pim.header {
        Stage::Header
    } else {
        after_header(op, std, rows)
    }
}

pub(super) fn after_header(op: PimOp, std: &Standard, rows: &Rows) -> Stage {
    let Some(tile) = op.tile() else {
        return Stage::Gwrite;
    };
    let closed = (0..std.organisation.banks())
        .filter(|&bank| rows.pim(bank) != Some(tile.row))
        .fold(0, |mask, bank| mask | 1 << bank);
    if closed == 0 {
        compute(op)
    } else {
        Stage::Open(closed)
    }
}

pub(super) fn next_command(
    op: PimOp,
    stage: Stage,
    std: &Standard,
    pim: &PimTiming,
    rows: &Rows,
    gates: &Gates,
    floor: Tick,
) -> Option<Candidate> {
    let (PimOp::Gwrite { row, .. } | PimOp::Tile { row, .. } | PimOp::Accumulate { row, .. }) = op;
    let candidate = |command, bank, at, comps| Candidate {
        command,
        bank,
        at,
        row,
        comps,
    };
    let ready = |command, bank| gates.ready(command, std.places[bank]);
    match (stage, op) {
        (Stage::Gwrite | Stage::Waiting, PimOp::Gwrite { bank, row }) => {
            let bank = usize::from(bank);
            let blocked = pim.row_buffers == RowBuffers::Blocked;
            let command = if rows.pim(bank) == Some(row) || (blocked && rows.pim(bank).is_some()) {
                pim.row_buffers.close_command()
            } else {
                match rows.host(bank) {
                    Some(open) if open == row => Command::Gwrite,
                    Some(_) => Command::Pre,
                    None => Command::Act,
                }
            };
            let mut at = ready(command, bank);
            if command == Command::Act {
                at = at.max(gates.window(std.places[bank].rank, 1));
            }
            Some(candidate(command, bank, at, 0))
        }
        (Stage::Close(mask), _) => {
            let mut best: Option<Candidate> = None;
            let whole = ranks_closed_at_once(mask, std, pim, rows);
            for bank in bits(mask) {
                let rank = std.rank_banks(std.places[bank].rank);
                if rank & whole != 0 {
                    // One command a rank, offered for the first of its banks.
                    if mask & rank & ((1 << bank) - 1) != 0 {
                        continue;
                    }
                    let command = pim.row_buffers.close_all_command();
                    let at = ready(command, bank).max(floor);
                    if best.is_none_or(|best| at < best.at) {
                        let first = rank.trailing_zeros() as usize;
                        best = Some(candidate(command, first, at, 0));
                    }
                    continue;
                }
                let command = if rows.pim(bank).is_some() {
                    pim.row_buffers.close_command()
                } else {
                    Command::Pre
                };
                let at = ready(command, bank).max(floor);
                if best.is_none_or(|best| at < best.at) {
                    best = Some(candidate(command, bank, at, 0));
                    if at == floor {
                        break;
                    }
                }
            }
            best
        }
        (Stage::Header, _) => Some(candidate(Command::Header, 0, floor, 0)),
        (Stage::Open(mask), _) => {
            let mut best: Option<Candidate> = None;
            let mut rest = mask;
            while rest != 0 {
                let bank = rest.trailing_zeros() as usize;
                let unit = unit_banks(std, pim, bank);
                rest &= !unit;
                let at = open_at(pim, std, gates, unit);
                if best.is_none_or(|best| at < best.at) {
                    let first = unit.trailing_zeros() as usize;
                    best = Some(candidate(pim.activation.command(), first, at, 0));
                }
            }
            best
        }
        (Stage::Compute { steps, drained, .. }, _) => {
            let tile = op.tile()?;
            if pim.composite && tile.read_out {
                let at = gates.ready_everywhere(Command::CompsReadres);
                let steps = pim.steps(tile.comps);
                return Some(candidate(Command::CompsReadres, 0, at, steps));
            }
            if steps == 0 {
                let at = gates.ready_everywhere(Command::Readres).max(drained);
                return Some(candidate(Command::Readres, 0, at, 0));
            }
            let at = gates.ready_everywhere(Command::Comp);
            Some(candidate(Command::Comp, 0, at, 1))
        }
        _ => None,
    }
}

/// Banks of the ranks whose rows in the way are closed by one command: no other row of the rank is
/// to stay open.
fn ranks_closed_at_once(mask: u64, std: &Standard, pim: &PimTiming, rows: &Rows) -> u64 {
    if pim.quirks.per_bank_precharge {
        return 0;
    }
    let closed = match pim.row_buffers {
        RowBuffers::Blocked => rows.pim_open | rows.host_open,
        RowBuffers::Dual => rows.pim_open,
    };
    (0..std.organisation.units())
        .map(|rank| std.rank_banks(rank))
        .filter(|rank| closed & rank != 0 && mask & rank == closed & rank)
        .fold(0, |ranks, rank| ranks | rank)
}

/// Earliest activation of a unit: every bank closed long enough, and the activation window.
fn open_at(pim: &PimTiming, std: &Standard, gates: &Gates, unit: u64) -> Tick {
    let command = pim.activation.command();
    let ready = |bank: usize| gates.ready(command, std.places[bank]);
    if pim.activation == Activation::Group && pim.quirks.gact_outside_window {
        // The artifact looks at the first bank of the group that is ready, and at no window.
        return bits(unit).map(ready).min().unwrap_or(0);
    }
    let rows = unit.count_ones() as usize;
    let window = if pim.quirks.all_bank_act_outside_window && pim.activation == Activation::Rank {
        0
    } else {
        gates.window(std.places[unit.trailing_zeros() as usize].rank, rows.min(4))
    };
    bits(unit).map(ready).fold(window, Tick::max)
}

/// Ticks from the first command of an operation until its rows may be closed again, alone on the
/// channel: what the refresh guard compares with the time left.
pub(super) fn duration(
    op: PimOp,
    stage: Stage,
    std: &Standard,
    pim: &PimTiming,
    rows: &Rows,
) -> Tick {
    let t = &std.timing;
    match op {
        PimOp::Gwrite { bank, row } => {
            let bank = usize::from(bank);
            let shared = pim.row_buffers == RowBuffers::Blocked && rows.pim(bank).is_some();
            let open = match rows.host(bank) {
                Some(open) if open == row => 0,
                Some(_) => t.rp + t.rcd_rd,
                None if shared => t.rp + t.rcd_rd,
                None => t.rcd_rd,
            };
            open + pim.gwrite
        }
        PimOp::Tile { .. } | PimOp::Accumulate { .. } => {
            let closes = match stage {
                Stage::Close(mask) => {
                    let whole = ranks_closed_at_once(mask, std, pim, rows);
                    let ranks = (0..std.organisation.units())
                        .filter(|&rank| std.rank_banks(rank) & whole != 0);
                    ranks.count() as Tick + Tick::from((mask & !whole).count_ones())
                }
                _ => 0,
            };
            let Some(tile) = op.tile() else { return 0 };
            if !pim.quirks.coarse_guard {
                return super::estimate::tile(std, pim, closes, tile);
            }
            let span = t.faw.max(t.rrd_s) * (std.organisation.bank_groups as Tick - 1);
            let results = Tick::from(tile.results.max(1));
            let steps = (Tick::from(tile.comps) * results).next_power_of_two();
            let read_outs = pim.comp * (steps.max(pim.min_comps) + results - 1);
            t.rtp * closes + span + t.rcd_rd + read_outs
        }
    }
}
