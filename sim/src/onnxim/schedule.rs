//! Which operator is at work and which core gets its tiles: one operator at a time, and the next
//! when all of its tiles are finished.

use super::operator::Operator;
use super::tile::Tile;
use std::collections::VecDeque;

/// An operator that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorLog {
    /// Its name.
    pub name: String,
    /// Core cycle in which it began.
    pub start: u64,
    /// Core cycle in which its last tile was seen to be finished.
    pub finish: u64,
    /// Tiles.
    pub tiles: usize,
}

/// The list of operators and the queues of the cores.
#[derive(Debug)]
pub(super) struct Schedule {
    operators: Vec<Operator>,
    /// Operator at work.
    current: Option<usize>,
    started: u64,
    /// Tiles of it that are not finished.
    left: usize,
    queues: Vec<VecDeque<usize>>,
    /// Tiles without a core of their own go to cores in turn, over all operators.
    turn: usize,
    pub(super) log: Vec<OperatorLog>,
}

impl Schedule {
    /// Begins with the first operator.
    pub(super) fn new(operators: Vec<Operator>, cores: usize) -> Schedule {
        let mut schedule = Schedule {
            operators,
            current: None,
            started: 0,
            left: 0,
            queues: vec![VecDeque::new(); cores],
            turn: 0,
            log: Vec::new(),
        };
        schedule.begin(0, 0);
        schedule
    }

    fn begin(&mut self, operator: usize, now: u64) {
        let Some(next) = self.operators.get(operator) else {
            self.current = None;
            return;
        };
        self.current = Some(operator);
        self.started = now;
        self.left = next.tiles();
        let cores = self.queues.len();
        for tile in 0..self.left {
            // Every operator begins one core further.
            let core = if let Some(core) = next.header(tile).core {
                core + operator + 1
            } else {
                self.turn += 1;
                self.turn - 1
            };
            self.queues[core % cores].push_back(tile);
        }
    }

    /// Whether every operator is done.
    pub(super) fn is_done(&self) -> bool {
        self.current.is_none()
    }

    /// Whether a tile waits for a core.
    pub(super) fn has_tile(&self, core: usize) -> bool {
        !self.queues[core].is_empty()
    }

    /// The next tile of a core.
    pub(super) fn pop(&mut self, core: usize) -> Option<Tile> {
        let operator = self.current?;
        let tile = self.queues[core].pop_front()?;
        Some(self.operators[operator].tile(operator, tile))
    }

    /// A tile is finished; whether another operator has begun.
    pub(super) fn finish(&mut self, now: u64) -> bool {
        self.left = self.left.saturating_sub(1);
        let (0, Some(operator)) = (self.left, self.current) else {
            return false;
        };
        self.log.push(OperatorLog {
            name: self.operators[operator].name.clone(),
            start: self.started,
            finish: now,
            tiles: self.operators[operator].tiles(),
        });
        self.begin(operator + 1, now);
        self.current.is_some()
    }

    /// Multiply-accumulates of all operators.
    pub(super) fn macs(&self) -> u64 {
        self.operators.iter().map(Operator::macs).sum()
    }
}
