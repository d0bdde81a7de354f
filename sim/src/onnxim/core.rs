//! A core: two tiles at most, one instruction a cycle from them into queues of loads, computations
//! and stores, an array that is a pipe and a vector unit that holds one instruction.

use super::OnnximError;
use super::instruction::{Compute, Instruction, Pad, Piece, Work};
use super::lines::{Lines, Run};
use super::machine::CoreShape;
use super::scratchpad::Half;
use super::tile::Tile;
use std::collections::VecDeque;

/// Fewest cycles between two blocks of the array.
const LEAST_ROWS: u64 = 4;

/// A tile at work.
#[derive(Debug)]
struct Running {
    serial: u64,
    operator: usize,
    instructions: VecDeque<Instruction>,
    operands: usize,
    results: usize,
    /// Its last instruction is done; of a store, when it is sent.
    done: bool,
}

/// A tile's instruction on its way, with the halves it works in.
#[derive(Debug)]
struct Issued<T> {
    what: T,
    halves: [usize; 2],
    /// Serial of the tile, if it is its last instruction.
    ends: Option<u64>,
}

/// A block in the array.
#[derive(Debug)]
struct Block {
    start: u64,
    finish: u64,
    rows: u64,
    to: Piece,
    halves: [usize; 2],
    ends: Option<u64>,
}

/// A transfer that waits to be sent or answered.
#[derive(Debug)]
struct Transfer {
    /// What a load fills; none of a store.
    into: Option<(Piece, [usize; 2])>,
    lines: u64,
    awaited: u64,
}

/// Lines to be asked for.
#[derive(Debug)]
struct Requests {
    runs: std::vec::IntoIter<Run>,
    now: Run,
    tag: u32,
    write: bool,
}

/// A line asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) line: u64,
    pub(super) tag: u32,
    pub(super) write: bool,
}

/// A core.
#[derive(Debug)]
pub(super) struct Core {
    shape: CoreShape,
    tiles: Vec<Running>,
    /// Tile of which the last instruction was taken.
    turn: usize,
    serial: u64,
    /// Operator and fusion of the tile issued last.
    last: Option<(usize, usize)>,
    pads: [[Half; 2]; 2],
    loads: VecDeque<Issued<(Piece, Lines)>>,
    stores: VecDeque<Issued<(Piece, Lines)>>,
    compute: Option<Issued<Compute>>,
    array: VecDeque<Block>,
    vector: Option<Block>,
    requests: VecDeque<Requests>,
    transfers: Vec<Transfer>,
    /// Lines written and not acknowledged.
    unacknowledged: u64,
    finished: VecDeque<usize>,
    /// Earliest cycle in which a tick can do anything.
    pub(super) wake: u64,
}

impl Core {
    pub(super) fn new(shape: CoreShape, line_bytes: u64) -> Core {
        let half = |bytes: u64| Half::new(bytes / 2 / line_bytes);
        let pair = |bytes: u64| [half(bytes), half(bytes)];
        Core {
            shape,
            tiles: Vec::new(),
            turn: 0,
            serial: 0,
            last: None,
            pads: [pair(shape.scratchpad_bytes), pair(shape.accumulator_bytes)],
            loads: VecDeque::new(),
            stores: VecDeque::new(),
            compute: None,
            array: VecDeque::new(),
            vector: None,
            requests: VecDeque::new(),
            transfers: Vec::new(),
            unacknowledged: 0,
            finished: VecDeque::new(),
            wake: u64::MAX,
        }
    }

    /// Whether another tile may come.
    pub(super) fn can_issue(&self) -> bool {
        self.tiles.len() < 2
    }

    /// Whether anything is at work, acknowledgements included.
    pub(super) fn is_busy(&self) -> bool {
        !(self.tiles.is_empty()
            && self.array.is_empty()
            && self.vector.is_none()
            && self.unacknowledged == 0
            && self.loads.is_empty()
            && self.stores.is_empty()
            && self.compute.is_none())
    }

    /// Takes a tile. Halves alternate with the tile at work, or go to the second.
    pub(super) fn issue(&mut self, tile: Tile) {
        let (mut operands, mut results) = (0, 0);
        if let [other] = self.tiles.as_slice() {
            (operands, results) = (other.operands, other.results);
        }
        operands ^= 1;
        self.pads[Pad::Operands as usize][operands].flush();
        let of = (tile.operator, tile.header.fused);
        if !(tile.header.accumulates && self.last == Some(of)) {
            results ^= 1;
            self.pads[Pad::Accumulators as usize][results].flush();
        }
        self.last = Some(of);
        if tile.header.skipped {
            self.finished.push_back(tile.operator);
            return;
        }
        self.serial += 1;
        self.tiles.push(Running {
            serial: self.serial,
            operator: tile.operator,
            instructions: tile.instructions,
            operands,
            results,
            done: false,
        });
    }

    /// Operator of the next tile that is finished.
    pub(super) fn pop_finished(&mut self) -> Option<usize> {
        self.finished.pop_front()
    }

    /// Lines wait to be sent.
    pub(super) fn has_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    /// The next line to be sent.
    pub(super) fn pop_request(&mut self) -> Option<Request> {
        let of = self.requests.front_mut()?;
        let request = Request {
            line: of.now.first,
            tag: of.tag,
            write: of.write,
        };
        of.now.first += 1;
        of.now.count -= 1;
        if of.now.count == 0 {
            match of.runs.next() {
                Some(run) => of.now = run,
                None => {
                    self.requests.pop_front();
                }
            }
        }
        Some(request)
    }

    /// An answer; says whether it changed what the core can do, or whether it is at work.
    pub(super) fn answered(&mut self, tag: u32) -> bool {
        let Some(transfer) = self.transfers.get_mut(tag as usize) else {
            return false;
        };
        transfer.awaited -= 1;
        let Some((piece, halves)) = transfer.into else {
            self.unacknowledged -= 1;
            return false;
        };
        if transfer.awaited > 0 {
            return false;
        }
        let fills = transfer.lines;
        let pad = piece.pad as usize;
        self.pads[pad][halves[pad]].fill(piece.at, fills);
        true
    }

    /// Cycle `now`.
    pub(super) fn tick(&mut self, now: u64) -> Result<(), OnnximError> {
        let mut worked = self.retire(now);
        if let Some(load) = self.loads.pop_front() {
            worked = true;
            self.load(load)?;
        }
        worked |= self.execute(now)?;
        if let Some(store) = self.stores.pop_front() {
            worked = true;
            self.store(store);
        }
        worked |= self.dispatch();
        if let Some(done) = self
            .tiles
            .iter()
            .position(|tile| tile.instructions.is_empty() && tile.done)
        {
            worked = true;
            let tile = self.tiles.remove(done);
            self.finished.push_back(tile.operator);
        }
        // A tile that is passed over is finished without work.
        self.wake = if worked || !self.finished.is_empty() {
            now + 1
        } else {
            let array = self.array.front().map_or(u64::MAX, |block| block.finish);
            let vector = self.vector.as_ref().map_or(u64::MAX, |block| block.finish);
            array.min(vector).max(now + 1)
        };
        Ok(())
    }

    fn half(&mut self, piece: Piece, halves: [usize; 2]) -> &mut Half {
        let pad = piece.pad as usize;
        &mut self.pads[pad][halves[pad]]
    }

    fn is_valid(&self, piece: Piece, halves: [usize; 2]) -> bool {
        let pad = piece.pad as usize;
        self.pads[pad][halves[pad]].is_valid(piece.at)
    }

    fn end(&mut self, ends: Option<u64>) {
        let of = |tile: &&mut Running| Some(tile.serial) == ends;
        if let Some(tile) = self.tiles.iter_mut().find(of) {
            tile.done = true;
        }
    }

    /// One block leaves the array, and the vector unit its instruction.
    fn retire(&mut self, now: u64) -> bool {
        let array = self.array.pop_front_if(|block| block.finish <= now);
        let vector = self.vector.take_if(|block| block.finish <= now);
        let worked = array.is_some() || vector.is_some();
        for block in array.into_iter().chain(vector) {
            self.half(block.to, block.halves).fill(block.to.at, 1);
            self.end(block.ends);
        }
        worked
    }

    fn ask(&mut self, lines: Lines, into: Option<(Piece, [usize; 2])>) {
        let count = lines.count();
        let tag = self.transfers.len() as u32;
        self.transfers.push(Transfer {
            into,
            lines: count,
            awaited: count,
        });
        let mut runs = lines.0.into_iter();
        if let Some(now) = runs.next() {
            self.requests.push_back(Requests {
                runs,
                now,
                tag,
                write: into.is_none(),
            });
        }
    }

    fn load(&mut self, load: Issued<(Piece, Lines)>) -> Result<(), OnnximError> {
        let (piece, lines) = load.what;
        let count = lines.count();
        self.half(piece, load.halves)
            .allocate(piece.at, count, count)?;
        self.ask(lines, Some((piece, load.halves)));
        Ok(())
    }

    fn store(&mut self, store: Issued<(Piece, Lines)>) {
        self.unacknowledged += store.what.1.count();
        self.ask(store.what.1, None);
        self.end(store.ends);
    }

    fn can_compute(&self, compute: &Compute, halves: [usize; 2]) -> bool {
        let sources = compute.from.iter().flatten();
        let ready = sources.copied().all(|piece| self.is_valid(piece, halves));
        let free = match compute.work {
            Work::Product { .. } => (self.array.len() as u64) < self.shape.array,
            Work::Vector { .. } => self.vector.is_none(),
        };
        ready && free
    }

    /// Starts the computation that waits, if it can be.
    fn execute(&mut self, now: u64) -> Result<bool, OnnximError> {
        let waiting = self.compute.take();
        let Some(Issued { what, halves, ends }) = waiting else {
            return Ok(false);
        };
        if !self.can_compute(&what, halves) {
            self.compute = Some(Issued { what, halves, ends });
            return Ok(false);
        }
        self.half(what.to, halves).expect(what.to.at, what.lines)?;
        let mut block = Block {
            start: now,
            finish: now,
            rows: 0,
            to: what.to,
            halves,
            ends,
        };
        match what.work {
            Work::Product { rows, preload } => {
                block.rows = rows;
                block.start = self.start(now, preload);
                let side = self.shape.array;
                block.finish = block.start + side + side - 2 + rows.max(LEAST_ROWS);
                self.array.push_back(block);
            }
            Work::Vector { cycles } => {
                block.finish = now + cycles;
                self.vector = Some(block);
            }
        }
        Ok(true)
    }

    /// When a block enters the array. New weights go in behind those at work.
    fn start(&self, now: u64, preload: bool) -> u64 {
        let side = self.shape.array;
        match self.array.back() {
            Some(before) => {
                let rows = before.rows.max(LEAST_ROWS);
                let rows = if preload { rows.max(side) } else { rows };
                now.max(before.start + rows)
            }
            // Weights through their buffer and down the array.
            None if preload => now + 2 * side - 1,
            None => now,
        }
    }

    /// Takes one instruction from a tile, beginning with the one that gave the last.
    fn dispatch(&mut self) -> bool {
        for step in 0..self.tiles.len() {
            let index = (self.turn + step) % self.tiles.len();
            let tile = &self.tiles[index];
            let halves = [tile.operands, tile.results];
            let goes = match tile.instructions.front() {
                None => false,
                Some(Instruction::Load { .. }) => true,
                Some(Instruction::Store { from, .. }) => self.is_valid(*from, halves),
                Some(Instruction::Compute(compute)) => {
                    self.compute.is_none() && self.can_compute(compute, halves)
                }
            };
            if goes {
                self.take(index, halves);
                self.turn = index;
                return true;
            }
        }
        false
    }

    fn take(&mut self, index: usize, halves: [usize; 2]) {
        let tile = &mut self.tiles[index];
        let Some(instruction) = tile.instructions.pop_front() else {
            return;
        };
        let ends = tile.instructions.is_empty().then_some(tile.serial);
        match instruction {
            Instruction::Load { to, lines } => self.loads.push_back(Issued {
                what: (to, lines),
                halves,
                ends,
            }),
            Instruction::Store { from, lines } => self.stores.push_back(Issued {
                what: (from, lines),
                halves,
                ends,
            }),
            Instruction::Compute(what) => self.compute = Some(Issued { what, halves, ends }),
        }
    }
}
