//! The core: queues of instructions, scratchpads, the systolic pipe and the vector pipes, for both
//! sides. Sizes are those of `configs/systolic_ws_128x128_dev.json` of casys-kaist/NeuPIMs.

use super::address::{AddressCounter, LINE_BYTES, place};
use super::interconnect::{Interconnect, Side};
use super::scratchpad::Half;
use super::tile::{Compute, Load, Place, Store, Tile, Unit};
use crate::pim::newton::port::{Ask, Port, Transaction};
use crate::time::Tick;
use std::collections::VecDeque;

/// Rows and columns of a systolic array.
pub(super) const BLOCK: u64 = 128;
/// Cycles from one streamed block to the next: rows of a block over eight arrays.
const STREAM: Tick = BLOCK / 8;
/// Cycles before a preloaded block of an empty pipe starts: the stationary operand through the
/// buffer and down the array.
const FILL: Tick = 2 * BLOCK - 1;
/// Cycles of a block in the arrays.
const LATENCY: Tick = 2 * BLOCK - 2 + STREAM;
/// Vector pipes.
const PIPES: usize = 8;

/// What a tile has still to do, and what it did.
#[derive(Debug, Clone, Copy)]
pub(super) struct TileState {
    pub(super) side: Side,
    /// Operator it belongs to, by the caller's count.
    pub(super) operator: usize,
    /// Core cycle of issue, and of retirement.
    pub(super) start: Tick,
    pub(super) end: Tick,
    pub(super) read_bytes: u64,
    pub(super) write_bytes: u64,
    /// Cycles in which a pipe's head was of this tile, summed over pipes.
    pub(super) busy: Tick,
    loads: u64,
    computes: u64,
    /// Computations and stores.
    results: u64,
    operand_half: usize,
    result_half: usize,
}

impl TileState {
    fn finished(&self) -> bool {
        self.loads == 0 && self.computes == 0 && self.results == 0
    }
}

/// What an answer of memory is for.
#[derive(Debug, Clone, Copy)]
struct Target {
    tile: usize,
    /// Place filled by a load; none of stores and of copies into the vector buffer.
    into: Option<Place>,
    store: bool,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    start: Tick,
    finish: Tick,
    tile: usize,
    result: u32,
}

/// Instructions and scratchpads of one side.
#[derive(Debug, Default)]
struct Queues {
    loads: VecDeque<(usize, Load)>,
    computes: VecDeque<(usize, Compute)>,
    stores: VecDeque<(usize, Store)>,
    operands: [Half; 2],
    results: [Half; 2],
    /// Halves of the tile issued last.
    operand_half: usize,
    result_half: usize,
    /// Tiles at work, in order of issue.
    tiles: Vec<usize>,
}

/// The core.
#[derive(Debug)]
pub(super) struct Core {
    /// Cycles worked. It stands still between the stages.
    pub(super) cycle: Tick,
    sides: [Queues; 2],
    tiles: Vec<TileState>,
    targets: Vec<Target>,
    arrays: VecDeque<Running>,
    pipes: [VecDeque<Running>; PIPES],
    finished: VecDeque<usize>,
    counter: AddressCounter,
    /// Whether the PIM side hands over one instruction a cycle.
    paced: bool,
}

impl Core {
    /// A core whose transfers go round the first `address_space` bytes of memory.
    pub(super) fn new(address_space: u64, paced: bool) -> Core {
        Core {
            paced,
            cycle: 0,
            sides: [Queues::default(), Queues::default()],
            tiles: Vec::new(),
            targets: Vec::new(),
            arrays: VecDeque::new(),
            pipes: Default::default(),
            finished: VecDeque::new(),
            counter: AddressCounter::new(address_space),
        }
    }

    /// Whether a tile may be issued. Of the array side, when the half that it will use is loaded and
    /// computed, and its accumulators are stored; of the PIM side, when nothing is at work.
    pub(super) fn can_issue(&self, side: Side, tile: &Tile) -> bool {
        let queues = &self.sides[side as usize];
        let mut tiles = queues.tiles.iter().map(|tile| &self.tiles[*tile]);
        match side {
            Side::Pim => queues.tiles.is_empty(),
            Side::Array => tiles.all(|other| {
                let operands = other.operand_half == queues.operand_half;
                let results = other.result_half == queues.result_half;
                (operands || (other.loads == 0 && other.computes == 0))
                    && (results || tile.accumulates || other.results == 0)
            }),
        }
    }

    /// Issues a tile of an operator.
    pub(super) fn issue(&mut self, side: Side, operator: usize, tile: &Tile) {
        let index = self.tiles.len();
        let queues = &mut self.sides[side as usize];
        if side == Side::Array {
            queues.operand_half ^= 1;
            queues.result_half ^= usize::from(!tile.accumulates);
        }
        queues.operands[queues.operand_half].flush();
        if !tile.accumulates {
            queues.results[queues.result_half].flush();
        }
        for (operand, answers) in (0..).zip(&tile.answers) {
            queues.operands[queues.operand_half].reserve(operand, *answers);
        }
        queues
            .loads
            .extend(tile.loads.iter().map(|load| (index, *load)));
        queues
            .computes
            .extend(tile.computes.iter().map(|compute| (index, *compute)));
        queues
            .stores
            .extend(tile.stores.iter().map(|store| (index, *store)));
        queues.tiles.push(index);
        // Headers are not waited for.
        let waited = |load: &&Load| {
            !matches!(
                load,
                Load::Pim {
                    ask: Ask::Header { .. },
                    ..
                }
            )
        };
        self.tiles.push(TileState {
            side,
            operator,
            start: self.cycle,
            end: 0,
            read_bytes: 0,
            write_bytes: 0,
            busy: 0,
            loads: tile.loads.iter().filter(waited).count() as u64,
            computes: tile.computes.len() as u64,
            results: (tile.computes.len() + tile.stores.len()) as u64,
            operand_half: queues.operand_half,
            result_half: queues.result_half,
        });
    }

    /// The next tile that is done, stamped with the present cycle.
    pub(super) fn pop_finished(&mut self) -> Option<TileState> {
        let tile = self.finished.pop_front()?;
        self.tiles[tile].end = self.cycle;
        Some(self.tiles[tile])
    }

    /// An answer of memory.
    pub(super) fn answered(&mut self, tag: u32) {
        let Some(target) = self.targets.get(tag as usize).copied() else {
            return;
        };
        let tile = &mut self.tiles[target.tile];
        if target.store {
            tile.results -= 1;
        } else {
            tile.loads -= 1;
        }
        let queues = &mut self.sides[tile.side as usize];
        match target.into {
            Some(Place::Operand(operand)) => queues.operands[tile.operand_half].fill(operand),
            Some(Place::Result(result)) => queues.results[tile.result_half].fill(result),
            None => {}
        }
    }

    /// One cycle. Says whether anything but waiting happened.
    pub(super) fn tick<P: Port>(&mut self, memory: &mut Interconnect<P>) -> bool {
        let mut worked = self.retire();
        for side in [Side::Array, Side::Pim] {
            worked |= self.load(side, memory);
            worked |= self.store(side, memory);
            worked |= self.compute(side);
        }
        self.count_busy();
        self.cycle += 1;
        for side in &mut self.sides {
            let (tiles, finished) = (&self.tiles, &mut self.finished);
            side.tiles.retain(|tile| {
                let done = tiles[*tile].finished();
                if done {
                    finished.push_back(*tile);
                }
                !done
            });
        }
        worked
    }

    fn retire(&mut self) -> bool {
        let mut worked = false;
        for pipe in std::iter::once(&mut self.arrays).chain(&mut self.pipes) {
            let Some(done) = pipe.pop_front_if(|head| head.finish <= self.cycle) else {
                continue;
            };
            worked = true;
            let tile = &mut self.tiles[done.tile];
            tile.computes -= 1;
            tile.results -= 1;
            self.sides[tile.side as usize].results[tile.result_half].fill(done.result);
        }
        worked
    }

    /// All loads go out at once, unless the PIM side is paced.
    fn load<P: Port>(&mut self, side: Side, memory: &mut Interconnect<P>) -> bool {
        let mut worked = false;
        while let Some((index, load)) = self.sides[side as usize].loads.pop_front() {
            worked = true;
            let tag = self.targets.len() as u32;
            let into = match load {
                Load::Lines { into, .. } => Some(into),
                Load::Pim { into, .. } => into.map(Place::Operand),
            };
            self.targets.push(Target {
                tile: index,
                into,
                store: false,
            });
            match load {
                Load::Lines { elements, into } => {
                    let lines = send(&mut self.counter, elements, side, Ask::Read, tag, memory);
                    let tile = &mut self.tiles[index];
                    tile.loads = tile.loads + lines - 1;
                    tile.read_bytes += lines * LINE_BYTES;
                    let queues = &mut self.sides[side as usize];
                    match into {
                        Place::Operand(operand) => {
                            queues.operands[tile.operand_half].reserve(operand, lines as u32);
                        }
                        Place::Result(result) => {
                            queues.results[tile.result_half].reserve(result, lines as u32);
                        }
                    }
                }
                Load::Pim {
                    channel, ask, at, ..
                } => {
                    memory.send(side, channel.into(), Transaction { ask, at, tag });
                }
            }
            if self.paced && side == Side::Pim {
                break;
            }
        }
        worked
    }

    /// One store a cycle, the first, when its result is there.
    fn store<P: Port>(&mut self, side: Side, memory: &mut Interconnect<P>) -> bool {
        let queues = &mut self.sides[side as usize];
        let Some(&(index, store)) = queues.stores.front() else {
            return false;
        };
        let tile = &mut self.tiles[index];
        if !queues.results[tile.result_half].ready(store.result) {
            return false;
        }
        queues.stores.pop_front();
        let tag = self.targets.len() as u32;
        self.targets.push(Target {
            tile: index,
            into: None,
            store: true,
        });
        let lines = send(
            &mut self.counter,
            store.elements,
            side,
            Ask::Write,
            tag,
            memory,
        );
        tile.results = tile.results + lines - 1;
        tile.write_bytes += lines * LINE_BYTES;
        true
    }

    /// One computation a cycle, the first, when its operands are there.
    fn compute(&mut self, side: Side) -> bool {
        let queues = &mut self.sides[side as usize];
        let Some(&(index, compute)) = queues.computes.front() else {
            return false;
        };
        let tile = &self.tiles[index];
        let operands = &queues.operands[tile.operand_half];
        if !compute.needs.iter().all(|operand| operands.ready(*operand)) {
            return false;
        }
        queues.computes.pop_front();
        queues.results[tile.result_half].expect(compute.result);
        let running = |start, cycles| Running {
            start,
            finish: start + cycles,
            tile: index,
            result: compute.result,
        };
        match compute.unit {
            Unit::Arrays { preload } => {
                let start = match (self.arrays.back(), preload) {
                    // A preload hides behind the block before it.
                    (Some(last), true) => last.start + BLOCK,
                    (Some(last), false) => last.start + STREAM,
                    (None, true) => self.cycle + FILL,
                    (None, false) => self.cycle,
                };
                self.arrays.push_back(running(start, LATENCY));
            }
            Unit::Vector(cycles) => {
                let pipe = self.pipe();
                self.pipes[pipe].push_back(running(self.cycle, cycles));
            }
        }
        true
    }

    /// Pipe of the next vector instruction: the first empty one; else the first, unless the last
    /// entry of a later one is over and only waits to retire. It starts at once in any case.
    fn pipe(&self) -> usize {
        let mut chosen = 0;
        for (index, pipe) in self.pipes.iter().enumerate() {
            match pipe.back() {
                None => return index,
                Some(last) if last.finish < self.cycle => chosen = index,
                Some(_) => {}
            }
        }
        chosen
    }

    fn count_busy(&mut self) {
        for pipe in std::iter::once(&self.arrays).chain(&self.pipes) {
            if let Some(head) = pipe.front() {
                self.tiles[head.tile].busy += 1;
            }
        }
    }
}

fn send<P: Port>(
    counter: &mut AddressCounter,
    elements: u64,
    side: Side,
    ask: Ask,
    tag: u32,
    memory: &mut Interconnect<P>,
) -> u64 {
    let mut lines = 0;
    for line in counter.transfer(elements) {
        let (channel, at) = place(line);
        memory.send(side, channel, Transaction { ask, at, tag });
        lines += 1;
    }
    lines
}
