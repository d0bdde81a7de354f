//! The PIM stream of a channel: takes the operations of its programs strictly in order and offers
//! the channel one candidate command at a time.
#![deny(clippy::float_arithmetic)]

use super::program::{PimOp, PimProgram};
use super::stages::{
    after_close, after_header, after_step, close_rank, compute, duration, first_stage, in_slice,
    next_command, recharge, result_at, unit_banks,
};
use super::{Arbitration, PimTiming, RowBuffers};
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
    /// The results of the last read-out have left the data bus at this tick.
    bus_free: Tick,
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
            bus_free: 0,
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
            if self.bus_free <= at {
                self.bus_free = 0;
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
        if reads_out(&candidate, pim) {
            // Its data comes a read latency behind its steps.
            let ahead = pim.comp * candidate.comps + std.timing.cl;
            candidate.at = candidate.at.max(self.bus_free.saturating_sub(ahead));
        }
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
        if reads_out(&candidate, pim) {
            self.bus_free = result_at(std, pim, &candidate);
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

/// Whether a command puts results on the data bus.
fn reads_out(candidate: &Candidate, pim: &PimTiming) -> bool {
    let command = candidate.command;
    matches!(command, Command::CompsReadres | Command::Readres) && !pim.quirks.result_off_bus
}
