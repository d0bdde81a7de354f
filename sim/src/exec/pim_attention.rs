//! Decode attention in the banks. Each channel runs the logit programs of its sequences one after
//! another; softmax of a sequence runs on the vector unit as soon as its scores are out, its
//! probabilities are stored to the channel, and its attend program follows.

use crate::dram::{Descriptor, Direction, Standard};
use crate::engine::Pool;
use crate::lower::AttentionEntry;
use crate::machine::NpuDevice;
use crate::memory::{PimCosts, PimEvent, Rates, System};
use crate::npu::{Npu, VectorOp};
use crate::pim::tiling::{self, Geometry, TileGroup};
use crate::pim::{PimProgram, RowBuffers};
use crate::time::{Ps, Tick};

/// Attention of one sequence, tiled.
struct Tiled {
    entry: AttentionEntry,
    logit: Vec<TileGroup>,
    attend: Vec<TileGroup>,
}

/// Tiles of every channel's sequences, in batch order.
fn tiled(
    std: &Standard,
    geometry: Geometry,
    entries: &[AttentionEntry],
    placement: &[u32],
) -> Vec<Vec<Tiled>> {
    let channels = std.organisation.channels;
    let mut work: Vec<Vec<Tiled>> = (0..channels).map(|_| Vec::new()).collect();
    for &entry in entries {
        let channel = placement.get(entry.sequence).copied().unwrap_or(0) as usize % channels;
        work[channel].push(Tiled {
            entry,
            logit: tiling::logit(entry.head, geometry),
            attend: tiling::attend(entry.head, geometry),
        });
    }
    work
}

/// Cycles of the MACs of a group of tiles.
fn busy(std: &Standard, groups: &[TileGroup]) -> Tick {
    let Some(pim) = &std.pim else { return 0 };
    groups
        .iter()
        .map(|group| u64::from(group.tiles) * u64::from(group.results) * pim.occupied(group.comps))
        .sum::<u64>()
        * pim.comp
}

/// Ends of softmax and of the additions of partial sums, on shared pipes.
struct Vector<'a> {
    npu: &'a Npu,
    pool: Pool,
}

impl Vector<'_> {
    fn rows(&mut self, ready: Ps, op: VectorOp, rows: u64, width: u64) -> Ps {
        let clock = self.npu.clock;
        // Equal rows fill the pipes evenly; one reservation a pipe stands for its share of them.
        let pipes = self.npu.vector.pipes.min(rows).max(1);
        let mut end = ready;
        for pipe in 0..pipes {
            let share = rows / pipes + u64::from(pipe < rows % pipes);
            let cycles = self.npu.vector.pipe(op, share, width);
            end = end.max(self.pool.reserve(ready, clock.to_ps(cycles)));
        }
        end
    }

    fn softmax(&mut self, ready: Ps, entry: &AttentionEntry) -> Ps {
        let head = entry.head;
        let rows = head.kv_heads * head.queries;
        self.rows(ready, VectorOp::Softmax, rows, head.tokens)
    }

    /// Each row of tokens gives a partial sum of every feature.
    fn partial_sums(&mut self, ready: Ps, entry: &AttentionEntry, geometry: Geometry) -> Ps {
        let head = entry.head;
        let parts = head.tokens.div_ceil(geometry.row_elements) - 1;
        if parts == 0 {
            return ready;
        }
        let rows = parts * head.kv_heads * head.queries;
        self.rows(ready, VectorOp::Add, rows, head.dim)
    }
}

/// Where the vectors and the PIM rows of a channel lie: two regions above the tensors, numbered in
/// the order of use.
struct Layout<'a> {
    std: &'a Standard,
    rows: u32,
    vectors: u64,
}

impl<'a> Layout<'a> {
    fn new(std: &'a Standard) -> Layout<'a> {
        Layout {
            std,
            rows: 0,
            vectors: 0,
        }
    }

    /// Takes `count` rows of vectors; returns the slot of the first.
    fn take_vectors(&mut self, count: u64) -> u64 {
        let organisation = &self.std.organisation;
        let region = organisation.slot_of(0, (organisation.rows * 7 / 8) as u32);
        let first = region + self.vectors * organisation.columns();
        self.vectors += count;
        first
    }

    /// The program of `groups`, which reads its vectors from `slot` on.
    fn program(&mut self, groups: &[TileGroup], slot: u64) -> PimProgram {
        let organisation = &self.std.organisation;
        let most = std::cmp::max(organisation.rows * 3 / 8, 1) as u32;
        let rows = &mut self.rows;
        tiling::program(
            groups,
            || {
                *rows = (*rows + 1) % most;
                organisation.rows as u32 / 2 + *rows
            },
            |index| {
                let at = organisation.locate(slot + index * organisation.columns());
                (at.bank as u16, at.row)
            },
        )
    }
}

fn vectors(groups: &[TileGroup]) -> u64 {
    groups.iter().map(|group| u64::from(group.gwrites)).sum()
}

/// The probabilities of a sequence: for each head and query, rows of tokens from `vector` on.
fn store(std: &Standard, geometry: Geometry, entry: &AttentionEntry, start: u64) -> Descriptor {
    let organisation = &std.organisation;
    let head = entry.head;
    let bytes = head.tokens * (organisation.row_bytes / geometry.row_elements);
    Descriptor {
        direction: Direction::Write,
        start,
        bursts: bytes.div_ceil(organisation.burst_bytes),
        stride: head.tokens.div_ceil(geometry.row_elements) * organisation.columns(),
        pieces: head.kv_heads * head.queries,
    }
}

/// What a block of a channel was. The slot is that of the stored probabilities.
#[derive(Clone, Copy)]
enum Step {
    Logit(usize),
    Store(usize, u64),
    Attend(usize),
}

/// On channels. Returns when the last result is on chip.
pub(super) fn run_command(
    device: &NpuDevice,
    system: &mut System,
    at: Ps,
    entries: &[AttentionEntry],
    placement: &[u32],
) -> Ps {
    let Some(std) = device.memory.part() else {
        return at;
    };
    let Some(pim) = &std.pim else { return at };
    let geometry = Geometry::new(&std.organisation, pim);
    let work = tiled(std, geometry, entries, placement);
    let mut vector = Vector {
        npu: &device.npu,
        pool: Pool::new(device.npu.vector.pipes, at),
    };
    let mut layouts: Vec<Layout> = work.iter().map(|_| Layout::new(std)).collect();
    let mut steps: Vec<Vec<Step>> = vec![Vec::new(); work.len()];
    let mut initial = Vec::with_capacity(work.len());
    for (channel, tiles) in work.iter().enumerate() {
        let layout = &mut layouts[channel];
        let mut events = Vec::with_capacity(tiles.len());
        for (index, tiled) in tiles.iter().enumerate() {
            let slot = layout.take_vectors(vectors(&tiled.logit));
            let program = layout.program(&tiled.logit, slot);
            events.push(PimEvent::Program(at, program));
            steps[channel].push(Step::Logit(index));
        }
        initial.push(events);
    }
    let mut sums = at;
    let end = system.react(at, initial, |channel, block, time| {
        let Some(&step) = steps[channel].get(block) else {
            return Vec::new();
        };
        let layout = &mut layouts[channel];
        let (next, event) = match step {
            Step::Logit(index) => {
                let tiled = &work[channel][index];
                let done = vector.softmax(time, &tiled.entry);
                let slot = layout.take_vectors(vectors(&tiled.attend));
                let stream = store(std, geometry, &tiled.entry, slot);
                (Step::Store(index, slot), PimEvent::Stream(done, stream))
            }
            Step::Store(index, slot) => {
                let program = layout.program(&work[channel][index].attend, slot);
                (Step::Attend(index), PimEvent::Program(time, program))
            }
            Step::Attend(index) => {
                let entry = &work[channel][index].entry;
                sums = sums.max(vector.partial_sums(time, entry, geometry));
                return Vec::new();
            }
        };
        steps[channel].push(next);
        vec![event]
    });
    end.max(sums)
}

/// By measured costs. Returns the end and the ticks in which MACs were occupied, over all channels.
pub(super) fn run_fast(
    device: &NpuDevice,
    rates: &mut Rates,
    costs: &mut PimCosts,
    at: Ps,
    entries: &[AttentionEntry],
    placement: &[u32],
) -> (Ps, Tick) {
    let Some(std) = device.memory.part() else {
        return (at, 0);
    };
    let Some(pim) = &std.pim else { return (at, 0) };
    let geometry = Geometry::new(&std.organisation, pim);
    let basis = std::sync::Arc::clone(rates.basis());
    let blocked = pim.row_buffers == RowBuffers::Blocked;
    let beside = costs.beside_write();
    let mut end = at;
    let mut busy_ticks = 0;
    for tiles in tiled(std, geometry, entries, placement) {
        let Some(first) = tiles.first().and_then(|tiled| tiled.logit.first()) else {
            continue;
        };
        let edge = costs.tile(first.results, first.comps);
        let mut vector = Vector {
            npu: &device.npu,
            pool: Pool::new(device.npu.vector.pipes, at),
        };
        let mut ticks = edge.first.saturating_sub(edge.steady(1));
        let mut stored = Vec::with_capacity(tiles.len());
        for tiled in &tiles {
            busy_ticks += busy(std, &tiled.logit) + busy(std, &tiled.attend);
            ticks += tiled
                .logit
                .iter()
                .map(|&group| costs.group(group))
                .sum::<Tick>();
            let scores = at + basis.to_ps(ticks);
            let done = vector.softmax(scores, &tiled.entry);
            let bursts = store(std, geometry, &tiled.entry, 0).total_bursts();
            rates.count_bursts(bursts);
            stored.push((done, basis.to_ps(basis.write.time(bursts)), bursts));
            if !blocked {
                ticks += beside.steady(bursts);
            }
        }
        let mut free = at + basis.to_ps(ticks);
        let logits = free;
        for (tiled, (ready, write, _)) in tiles.iter().zip(stored) {
            // With one row buffer a store waits until no logit program is left.
            let ready = if blocked { ready.max(logits) } else { ready };
            let attend: Tick = tiled.attend.iter().map(|&group| costs.group(group)).sum();
            free = free.max(ready + write) + basis.to_ps(attend);
            end = end.max(vector.partial_sums(free, &tiled.entry, geometry));
        }
        end = end.max(free);
    }
    (end, busy_ticks)
}
