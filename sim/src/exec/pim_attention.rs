//! Decode attention in the banks. Each channel runs the logit programs of its sequences one after
//! another; softmax of a sequence runs on the vector unit as soon as its scores are out, its
//! probabilities are stored to the channel, and its attend program follows.

use super::watch::{Act, BankRows, Class, Half, Watch};
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
    /// Number of the entry.
    index: usize,
    entry: AttentionEntry,
    logit: Vec<TileGroup>,
    attend: Vec<TileGroup>,
    rows: BankRows,
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
    let mut used = vec![0; channels];
    for (index, &entry) in entries.iter().enumerate() {
        let channel = placement.get(entry.sequence).copied().unwrap_or(0) as usize % channels;
        let head = entry.head;
        // Numbered in the order of use, sequence after sequence; beyond the region from its start.
        let mut take = |count: u64| {
            let first = used[channel];
            used[channel] += count;
            (first % u64::from(region(std))) as u32
        };
        let tokens = head.tokens.div_ceil(geometry.banks);
        let windows = head.tokens.div_ceil(geometry.row_elements);
        work[channel].push(Tiled {
            index,
            entry,
            logit: tiling::logit(head, geometry),
            attend: tiling::attend(head, geometry),
            rows: BankRows {
                keys: take(geometry.key_rows(head.kv_heads, head.dim) * tokens),
                values: take(geometry.value_rows(head.kv_heads, head.dim) * windows),
            },
        });
    }
    work
}

/// Rows of a bank that keys and values may take.
fn region(std: &Standard) -> u32 {
    std::cmp::max(std.organisation.rows * 3 / 8, 1) as u32
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

/// Read-outs of a group of tiles.
fn read_outs(groups: &[TileGroup]) -> u64 {
    let of = |group: &TileGroup| u64::from(group.tiles) * u64::from(group.results);
    groups.iter().map(of).sum()
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
    vectors: u64,
}

impl<'a> Layout<'a> {
    fn new(std: &'a Standard) -> Layout<'a> {
        Layout { std, vectors: 0 }
    }

    /// Takes `count` rows of vectors; returns the slot of the first.
    fn take_vectors(&mut self, count: u64) -> u64 {
        let organisation = &self.std.organisation;
        let region = organisation.slot_of(0, (organisation.rows * 7 / 8) as u32);
        let first = region + self.vectors * organisation.columns();
        self.vectors += count;
        first
    }

    /// The program of half of the attention of a sequence, which reads its vectors from `slot` on.
    fn program(&self, tiled: &Tiled, half: Half, geometry: Geometry, slot: u64) -> PimProgram {
        let organisation = &self.std.organisation;
        let head = tiled.entry.head;
        let (groups, first) = match half {
            Half::Logit => (&tiled.logit, tiled.rows.keys),
            Half::Attend => (&tiled.attend, tiled.rows.values),
        };
        let fillings = tiling::fillings(head, geometry);
        let tiles = groups.first().map_or(0, |group| u64::from(group.tiles));
        let base = organisation.rows as u32 / 2;
        let most = u64::from(region(self.std));
        let windows = head.tokens.div_ceil(geometry.row_elements);
        tiling::program(
            groups,
            |group, tile| {
                let row = u64::from(first) + group / fillings * tiles + tile;
                base + (row % most) as u32
            },
            |index| {
                // Probabilities are stored query after query, and used window after window.
                let index = match half {
                    Half::Logit => index,
                    Half::Attend => {
                        let (query, rest) = (index % head.queries, index / head.queries);
                        let (window, of) = (rest % windows, rest / windows);
                        (of * head.queries + query) * windows + window
                    }
                };
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

/// What a block of a channel was, with the slot of its vectors.
#[derive(Clone, Copy)]
enum Step {
    Logit(usize, u64),
    Store(usize, u64),
    Attend(usize, u64),
}

impl Step {
    /// Tells what the end of a block means for the values.
    fn tell(
        self,
        watch: &mut dyn Watch,
        channel: usize,
        work: &[Tiled],
        layout: &Layout,
        geometry: Geometry,
    ) {
        let (Step::Logit(index, slot) | Step::Store(index, slot) | Step::Attend(index, slot)) =
            self;
        let tiled = &work[index];
        let entry = tiled.index;
        let half = match self {
            Step::Logit(..) => Half::Logit,
            Step::Attend(..) => Half::Attend,
            Step::Store(..) => {
                let slots = (slot, layout.std.organisation.columns());
                let half = Half::Attend;
                return watch.act(&Act::Vectors {
                    entry,
                    channel,
                    half,
                    slots,
                });
            }
        };
        let program = &layout.program(tiled, half, geometry, slot);
        watch.act(&Act::Program {
            entry,
            channel,
            half,
            program,
        });
        if half == Half::Logit {
            let online = false;
            watch.act(&Act::Softmax { entry, online });
        }
    }
}

/// On channels. Returns when the last result is on chip.
pub(super) fn run_command(
    device: &NpuDevice,
    system: &mut System,
    at: Ps,
    entries: &[AttentionEntry],
    placement: &[u32],
    mut watch: Option<&mut dyn Watch>,
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
            let program = layout.program(tiled, Half::Logit, geometry, slot);
            if let Some(watch) = &mut watch {
                watch.act(&Act::Banks {
                    entry: tiled.index,
                    channel,
                    rows: tiled.rows,
                });
                watch.act(&Act::Vectors {
                    entry: tiled.index,
                    channel,
                    half: Half::Logit,
                    slots: (slot, std.organisation.columns()),
                });
            }
            events.push(PimEvent::Program(at, program));
            steps[channel].push(Step::Logit(index, slot));
        }
        initial.push(events);
    }
    let of_read_out = pim.bus_bytes_of_read_out(&std.organisation) / std.organisation.burst_bytes;
    let mut sums = at;
    let end = system.react(at, initial, |channel, block, time| {
        let Some(&step) = steps[channel].get(block) else {
            return Vec::new();
        };
        let layout = &mut layouts[channel];
        if let Some(watch) = &mut watch {
            step.tell(*watch, channel, &work[channel], layout, geometry);
            let of = |index: usize| &work[channel][index];
            let bursts = match step {
                Step::Logit(index, _) => read_outs(&of(index).logit) * of_read_out,
                Step::Attend(index, _) => read_outs(&of(index).attend) * of_read_out,
                Step::Store(index, _) => store(std, geometry, &of(index).entry, 0).total_bursts(),
            };
            watch.act(&Act::Moved {
                class: Class::Vectors,
                bytes: bursts * std.organisation.burst_bytes,
                bursts,
            });
        }
        let (next, event) = match step {
            Step::Logit(index, _) => {
                let tiled = &work[channel][index];
                let done = vector.softmax(time, &tiled.entry);
                let slot = layout.take_vectors(vectors(&tiled.attend));
                let stream = store(std, geometry, &tiled.entry, slot);
                (Step::Store(index, slot), PimEvent::Stream(done, stream))
            }
            Step::Store(index, slot) => {
                let tiled = &work[channel][index];
                let program = layout.program(tiled, Half::Attend, geometry, slot);
                (Step::Attend(index, slot), PimEvent::Program(time, program))
            }
            Step::Attend(index, _) => {
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
    let organisation = &std.organisation;
    let of_read_out = pim.bus_bytes_of_read_out(organisation) / organisation.burst_bytes;
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
            let results = read_outs(&tiled.logit) + read_outs(&tiled.attend);
            rates.count_bursts(bursts + results * of_read_out);
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
