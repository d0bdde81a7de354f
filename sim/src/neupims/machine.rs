//! The whole: scheduler, core, channels and interconnect, cycle by cycle.

use super::NeuPimsError;
use super::clock::interconnect_first;
use super::core::{Core, TileState};
use super::interconnect::{Interconnect, Side};
use super::stage::{Mode, Operator, Program, Stage};
use super::tile::Tile;
use crate::pim::newton::port::Port;
use crate::time::Tick;
use std::collections::VecDeque;

/// What became of an operator, in the core's cycles, as the artifact logs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorLog {
    /// Name.
    pub name: &'static str,
    /// Side that it ran on.
    pub side: Side,
    /// Core cycle in which its first tile was issued.
    pub start: Tick,
    /// Core cycle in which its last tile was taken.
    pub end: Tick,
    /// Lines read and written, in bytes.
    pub read_bytes: u64,
    /// Lines written, in bytes.
    pub write_bytes: u64,
    /// Cycles in which the head of a pipe was of this operator, summed over pipes.
    pub compute_cycles: Tick,
    /// Simulated cycle in which it finished; the core's stands still between stages.
    pub finished: Tick,
}

/// What became of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageLog {
    /// Which.
    pub stage: Stage,
    /// Simulated cycle in which its end was noted.
    pub done: Tick,
    /// Operators in the order of their ends.
    pub operators: Vec<OperatorLog>,
}

/// What became of all stages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// Stages, in order.
    pub stages: Vec<StageLog>,
    /// Cycles of the core, which stands still between stages.
    pub worked: Tick,
}

/// One side's program at work.
#[derive(Debug)]
struct Work {
    operators: Vec<Operator>,
    /// The operator at work.
    current: usize,
    /// Its tiles not yet issued.
    tiles: VecDeque<Tile>,
    /// Its tiles not yet finished.
    remaining: usize,
    log: Option<OperatorLog>,
}

impl Work {
    /// `None` for a program of nothing.
    fn new(operators: Vec<Operator>) -> Result<Option<Work>, NeuPimsError> {
        let mut work = Work {
            operators,
            current: 0,
            tiles: VecDeque::new(),
            remaining: 0,
            log: None,
        };
        Ok(work.load()?.then_some(work))
    }

    /// Readies the current operator, if there is one.
    fn load(&mut self) -> Result<bool, NeuPimsError> {
        let Some(operator) = self.operators.get(self.current) else {
            return Ok(false);
        };
        self.tiles = operator.tiles()?.into();
        self.remaining = self.tiles.len();
        self.log = None;
        Ok(true)
    }

    /// Takes a finished tile in; gives the operator's log with its last.
    fn finish(&mut self, tile: &TileState, now: Tick) -> Option<OperatorLog> {
        let log = self.log.get_or_insert(OperatorLog {
            name: self.operators[tile.operator].name,
            side: tile.side,
            start: tile.start,
            end: tile.end,
            read_bytes: 0,
            write_bytes: 0,
            compute_cycles: 0,
            finished: now,
        });
        log.start = log.start.min(tile.start);
        log.end = log.end.max(tile.end);
        log.read_bytes += tile.read_bytes;
        log.write_bytes += tile.write_bytes;
        log.compute_cycles += tile.busy;
        log.finished = now;
        self.remaining -= 1;
        (self.remaining == 0).then_some(*log)
    }
}

/// Cycles without any movement after which a run is given up: far beyond a refresh.
const PATIENCE: Tick = 1_000_000;

/// A core with its channels.
#[derive(Debug)]
pub struct Machine<P> {
    core: Core,
    memory: Interconnect<P>,
    /// Programs of the stage at work.
    work: [Option<Work>; 2],
    /// Cycles gone through.
    now: Tick,
    /// Cycle of the last movement.
    moved: Tick,
}

impl<P: Port> Machine<P> {
    /// A machine whose channels `port` makes, one after the other. Transfers run through
    /// `address_space` bytes.
    pub fn new(port: impl FnMut() -> P, mode: Mode, address_space: u64) -> Machine<P> {
        Machine {
            core: Core::new(address_space, mode == Mode::Blocked),
            memory: Interconnect::new(port, mode == Mode::SubBatches),
            work: [None, None],
            now: 0,
            moved: 0,
        }
    }

    /// Runs stages one after the other.
    pub fn run(
        &mut self,
        stages: impl IntoIterator<Item = (Stage, Program)>,
    ) -> Result<Run, NeuPimsError> {
        let mut run = Run::default();
        // In the first cycle requests arrive.
        self.cycle(&mut Vec::new())?;
        for (stage, program) in stages {
            self.work = [Work::new(program.array)?, Work::new(program.pim)?];
            let mut operators = Vec::new();
            while self.is_working() {
                self.cycle(&mut operators)?;
            }
            // The end is noted in the cycle that begins the next stage.
            run.stages.push(StageLog {
                stage,
                done: self.now,
                operators,
            });
        }
        run.worked = self.core.cycle;
        Ok(run)
    }

    fn is_working(&self) -> bool {
        self.work.iter().any(Option::is_some)
    }

    fn cycle(&mut self, logs: &mut Vec<OperatorLog>) -> Result<(), NeuPimsError> {
        let first = interconnect_first(self.now);
        if first {
            self.tick_interconnect();
        }
        self.tick_core(logs)?;
        self.memory.tick_channels(self.now);
        if !first {
            self.tick_interconnect();
        }
        self.tick_interconnect();
        self.now += 1;
        if self.is_working() && self.now - self.moved > PATIENCE {
            return Err(NeuPimsError::Stalled(self.now));
        }
        Ok(())
    }

    fn tick_interconnect(&mut self) {
        let (core, moved, now) = (&mut self.core, &mut self.moved, self.now);
        self.memory.tick(|tag| {
            core.answered(tag);
            *moved = now;
        });
    }

    fn tick_core(&mut self, logs: &mut Vec<OperatorLog>) -> Result<(), NeuPimsError> {
        if let Some(tile) = self.core.pop_finished() {
            self.moved = self.now;
            let work = &mut self.work[tile.side as usize];
            if let Some(at_work) = work
                && let Some(log) = at_work.finish(&tile, self.now)
            {
                logs.push(log);
                at_work.current += 1;
                if !at_work.load()? {
                    *work = None;
                }
            }
        }
        if !self.is_working() {
            // The core stands still, its counter too.
            return Ok(());
        }
        for side in [Side::Array, Side::Pim] {
            if let Some(work) = &mut self.work[side as usize]
                && let Some(tile) = work.tiles.front()
                && self.core.can_issue(side, tile)
            {
                self.core.issue(side, work.current, tile);
                work.tiles.pop_front();
            }
        }
        if self.core.tick(&mut self.memory) {
            self.moved = self.now;
        }
        Ok(())
    }
}
