//! The PIM stream of a channel: takes the operations of its programs strictly in order and offers
//! the channel one candidate command at a time.
#![deny(clippy::float_arithmetic)]

use super::program::{PimOp, PimProgram, Tile};
use super::{Activation, Arbitration, PimTiming, RowBuffers};
use crate::dram::Standard;
use crate::dram::command::Command;
use crate::dram::gates::Gates;
use crate::dram::rows::{Rows, bits};
use crate::dram::stream::BlockId;
use crate::time::Tick;
use std::collections::VecDeque;

/// The next command of the PIM stream: what, where (a bank; the first bank of a group), and the
/// earliest legal tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub command: Command,
    pub bank: usize,
    pub at: Tick,
    /// Row of the operation.
    pub row: u32,
    /// Multiply-accumulate steps, of a COMPS_READRES.
    pub comps: Tick,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Work {
    release: Tick,
    block: BlockId,
    program: PimProgram,
    next: usize,
}

/// How far the operation at the head has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Waiting,
    Gwrite,
    /// Banks whose rows are in the way.
    Close(u64),
    Header,
    /// Banks whose PIM row is still to be opened.
    Open(u64),
    /// Partial sums left, and of the first of them the steps left and the tick from which on the
    /// pipeline may be drained.
    Compute {
        results: u32,
        steps: u32,
        drained: Tick,
    },
}

/// State of the PIM stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sequencer {
    work: VecDeque<Work>,
    stage: Stage,
    /// A GWRITE in flight stalls the stream until this tick.
    stalled_until: Tick,
    /// The refresh guard refused the head; it passes after the next refresh, come what may.
    refused: bool,
    forced: bool,
    /// The power cap allows no operation to start before this tick.
    powered: Tick,
}

impl Sequencer {
    pub(crate) fn new() -> Sequencer {
        Sequencer {
            work: VecDeque::new(),
            stage: Stage::Waiting,
            stalled_until: 0,
            refused: false,
            forced: false,
            powered: 0,
        }
    }

    /// Forgets what can no longer matter to a stream without work.
    pub(crate) fn settle(&mut self, at: Tick) {
        if self.work.is_empty() {
            self.refused = false;
            self.forced = false;
            if self.stalled_until <= at {
                self.stalled_until = 0;
            }
            if self.powered <= at {
                self.powered = 0;
            }
        }
    }

    pub(crate) fn push(&mut self, release: Tick, block: BlockId, program: PimProgram) {
        self.work.push_back(Work {
            release,
            block,
            program,
            next: 0,
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.work.is_empty()
    }

    pub(crate) fn next_release(&self, now: Tick) -> Option<Tick> {
        self.work
            .front()
            .map(|work| work.release)
            .filter(|&release| release > now)
    }

    /// The kind of the stage that the head is in.
    pub(crate) fn stage(&self) -> std::mem::Discriminant<Stage> {
        std::mem::discriminant(&self.stage)
    }

    /// Whether an operation has begun whose rows must stay open until it ends.
    pub(crate) fn busy(&self) -> bool {
        self.stage != Stage::Waiting
    }

    /// Whether released operations wait or run.
    pub(crate) fn has_work(&self, now: Tick) -> bool {
        self.work.front().is_some_and(|work| work.release <= now)
    }

    fn head(&self, now: Tick) -> Option<PimOp> {
        let work = self.work.front().filter(|work| work.release <= now)?;
        work.program.ops.get(work.next).copied()
    }

    /// The row that no host command may open: that of the tile in progress.
    pub(crate) fn reserved_row(&self, now: Tick) -> Option<u32> {
        let tile = self.head(now)?.tile()?;
        self.busy().then_some(tile.row)
    }

    /// Banks that host commands must leave alone: that of the GWRITE being prepared, or those being
    /// closed for a tile.
    pub(crate) fn held_banks(&self, now: Tick) -> u64 {
        match (self.stage, self.head(now)) {
            (Stage::Gwrite, Some(PimOp::Gwrite { bank, .. })) => 1 << bank,
            (Stage::Close(mask), _) => mask,
            _ => 0,
        }
    }

    /// Whether host activations would push out the four-row activations that the stream waits for.
    pub(crate) fn opening(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// The head's next command, not before `floor`, if it may go. `guard` is the tick before which
    /// a new operation must be over: the next refresh. `host_waits` says whether host work is there
    /// that time slices would give their share to.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn candidate(
        &mut self,
        std: &Standard,
        rows: &Rows,
        gates: &Gates,
        now: Tick,
        floor: Tick,
        guard: Option<Tick>,
        host_waits: bool,
    ) -> Option<Candidate> {
        let pim = std.pim.as_ref()?;
        let op = self.head(now)?;
        let stage = match self.stage {
            Stage::Waiting => first_stage(op, std, pim, rows),
            stage => stage,
        };
        let floor = floor.max(self.stalled_until);
        let mut candidate = next_command(op, stage, std, pim, rows, gates, floor)?;
        candidate.at = candidate.at.max(floor);
        if self.stage == Stage::Waiting {
            candidate.at = candidate.at.max(self.powered);
            if let Arbitration::TimeSliced { pim, host } = pim.arbitration
                && host_waits
            {
                candidate.at = in_slice(candidate.at, pim, pim + host);
            }
            let guard = guard?;
            let over = candidate.at + duration(op, stage, std, pim, rows);
            if over > guard && !self.forced {
                self.refused = true;
                return None;
            }
        }
        Some(candidate)
    }

    /// A refresh was issued: an operation refused before it may now start.
    pub(crate) fn refreshed(&mut self) {
        self.forced |= self.refused;
    }

    /// Takes note of a command of the stream issued at `at`; returns the block that this command
    /// completes, with the tick of its last result.
    pub(crate) fn issued(
        &mut self,
        std: &Standard,
        rows: &mut Rows,
        candidate: Candidate,
    ) -> Option<(BlockId, Tick)> {
        let pim = std.pim.as_ref()?;
        let op = self.work.front()?;
        let op = *op.program.ops.get(op.next)?;
        if self.stage == Stage::Waiting {
            self.stage = first_stage(op, std, pim, rows);
            self.refused = false;
            self.forced = false;
            self.powered = self.powered.max(candidate.at) + recharge(op, std, pim);
        }
        let bank = candidate.bank;
        match candidate.command {
            Command::Pre if pim.row_buffers == RowBuffers::Blocked => {
                rows.close_host(bank);
                rows.close_pim(bank);
            }
            Command::Pre => rows.close_host(bank),
            Command::PimPre => rows.close_pim(bank),
            Command::PreAll | Command::PimPreAll => {
                close_rank(std, pim, rows, std.places[bank].rank);
            }
            Command::Act => {
                if let PimOp::Gwrite { row, .. } = op {
                    rows.open_host(bank, row);
                }
            }
            Command::GAct | Command::ActAb => {
                if let Some(tile) = op.tile() {
                    for bank in bits(unit_banks(std, pim, bank)) {
                        rows.open_pim(bank, tile.row);
                    }
                }
            }
            _ => {}
        }
        self.stage = match (self.stage, candidate.command) {
            (Stage::Gwrite, Command::Gwrite) => {
                self.stalled_until = candidate.at + pim.gwrite;
                return self.finish(candidate.at + pim.gwrite);
            }
            (Stage::Close(mask), command) => {
                let closed = match command {
                    Command::PreAll | Command::PimPreAll => std.rank_banks(std.places[bank].rank),
                    _ => 1 << bank,
                };
                match mask & !closed {
                    0 => after_close(op, std, pim, rows),
                    rest => Stage::Close(rest),
                }
            }
            (Stage::Header, _) => after_header(op, std, rows),
            (Stage::Open(mask), _) => match mask & !unit_banks(std, pim, bank) {
                0 => compute(op),
                rest => Stage::Open(rest),
            },
            (stage @ Stage::Compute { .. }, command) => {
                let tile = op.tile()?;
                match after_step(stage, command, tile, pim, candidate.at) {
                    Some(stage) => stage,
                    None => return self.finish(result_at(std, pim, &candidate)),
                }
            }
            (stage, _) => stage,
        };
        None
    }

    fn finish(&mut self, at: Tick) -> Option<(BlockId, Tick)> {
        self.stage = Stage::Waiting;
        let work = self.work.front_mut()?;
        work.next += 1;
        if work.next < work.program.ops.len() {
            return None;
        }
        let block = work.block;
        self.work.pop_front();
        Some((block, at))
    }
}

/// First tick from `at` on that lies in the first `length` ticks of a period.
fn in_slice(at: Tick, length: Tick, period: Tick) -> Tick {
    let phase = at % period;
    if phase < length {
        at
    } else {
        at - phase + period
    }
}

/// Ticks in which the power cap makes good what an operation takes.
fn recharge(op: PimOp, std: &Standard, pim: &PimTiming) -> Tick {
    let (Some(power), Some(tile)) = (&pim.power, op.tile()) else {
        return 0;
    };
    let steps = u64::from(tile.results) * u64::from(tile.comps);
    let of_bank = power.activate_fj + steps * power.comp_fj;
    (std.organisation.banks() as u64 * of_bank).div_ceil(power.fj_per_tick)
}

/// Tick at which the last partial sum of a tile is with the device, or settled in its accumulator.
fn result_at(std: &Standard, pim: &PimTiming, candidate: &Candidate) -> Tick {
    match candidate.command {
        Command::CompsReadres if pim.quirks.result_off_bus => candidate.at + std.timing.read_done(),
        Command::CompsReadres => candidate.at + pim.comp * candidate.comps + std.timing.read_done(),
        Command::Readres => candidate.at + std.timing.read_done(),
        _ => candidate.at + pim.comp,
    }
}

/// Where a tile stands after a command of its steps; `None` at its end.
fn after_step(
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
fn unit_banks(std: &Standard, pim: &PimTiming, bank: usize) -> u64 {
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

fn compute(op: PimOp) -> Stage {
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

fn first_stage(op: PimOp, std: &Standard, pim: &PimTiming, rows: &Rows) -> Stage {
    let Some(tile) = op.tile() else {
        return Stage::Gwrite;
    };
    match in_the_way(tile.row, std, pim, rows) {
        0 => after_close(op, std, pim, rows),
        mask => Stage::Close(mask),
    }
}

fn after_close(op: PimOp, std: &Standard, pim: &PimTiming, rows: &Rows) -> Stage {
    if pim.header {
        Stage::Header
    } else {
        after_header(op, std, rows)
    }
}

fn after_header(op: PimOp, std: &Standard, rows: &Rows) -> Stage {
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

fn next_command(
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
    let window = if rows > 4 {
        // Only machines that may ignore the window open so many at once.
        0
    } else {
        gates.window(std.places[unit.trailing_zeros() as usize].rank, rows)
    };
    bits(unit).map(ready).fold(window, Tick::max)
}

/// Ticks from the first command of an operation until its rows may be closed again, alone on the
/// channel: what the refresh guard compares with the time left.
fn duration(op: PimOp, stage: Stage, std: &Standard, pim: &PimTiming, rows: &Rows) -> Tick {
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
