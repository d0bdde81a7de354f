//! The search of a mapping.
//!
//! Candidates do not depend on the size of the scratchpad: tiles are the extents cut into equal parts
//! and rounded up to blocks, in four loop orders, with either operand held. Of those that fit, the one
//! of least cost by closed form is a finalist, and so are the ones that half the scratchpad, a quarter
//! and so on would choose. The finalists are executed, and the fastest is the mapping. A scratchpad
//! twice as large has all these finalists and one more, and the execution of a mapping does not depend
//! on what the scratchpad has beyond it: so it is never slower there.
//!
//! Beside a finalist stand the tiles of Gemmini's heuristic at that size, and its own with the extent that
//! streams cut into a few parts more or fewer.
//!
//! Small products are tried on the memory itself. Of middling ones, each size of the scratchpad has two
//! finalists, the best by closed form and the best on memory of constant rate, which costs no time for
//! each burst; these are tried on the memory itself. Large ones are tried on memory of constant rate only, traffic
//! then counts a little by itself, and finalists that the closed form puts far from the best are left
//! out: there the rule holds as far as that memory and the closed form come near the real one.

use super::run::Run;
use crate::machine::DeviceMemory;
use crate::memory::{Memory, Plain, PlainMemory, System};
use crate::npu::{Folding, Gemm, Mapping, MappingRule, Npu, Order, Resident, Stationary};
use crate::time::Ps;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Numbers of equal parts that a dimension is cut into.
const PARTS: [u64; 26] = [
    1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384,
    512, 1024,
];
/// Mappings of large products estimated slower than the best by more than this part are not tried.
const MARGIN: u64 = 4;
/// Halvings of the scratchpad that are looked at.
const HALVINGS: usize = 24;
/// What is hidden behind something slower counts with this part: rows, turnarounds and uneven cores
/// let some of it show.
const HIDDEN: u64 = 8;
/// Bursts of a channel up to which finalists are run on the memory itself, and all of them.
const FEW_BURSTS: u64 = 256;
/// Tiles of a small product up to which its estimate does not matter.
const MOST_TILES: u64 = 1 << 12;
/// Bytes of a small product where memory has no bursts.
const FEW_BYTES: u64 = 256 << 10;
/// Products up to so many times that size are middling.
const SOME_TIMES: u64 = 16;
/// Parts of an array's rows that the sizes of recut tiles are multiples of: whole bursts as a rule.
const UNIT_PARTS: u64 = 8;
/// Loop orders looked at; in the others an operand is loaded as often or more.
const ORDERS: [Order; 4] = [Order::Mnk, Order::Nmk, Order::Kmn, Order::Knm];

/// Memory of constant rate in place of that of a device.
fn plain(device: &DeviceMemory) -> Plain {
    match device {
        DeviceMemory::Part(part) => Plain::of(part),
        DeviceMemory::Plain(plain) => *plain,
    }
}

/// The mapping of a product by the machine's rule; `None` if no tile fits.
pub(crate) fn choose(
    npu: &Npu,
    device: &DeviceMemory,
    gemm: &Gemm,
    resident: Resident,
) -> Option<Mapping> {
    match npu.cores.mapping {
        MappingRule::Gemmini => Some(super::gemmini::mapping(npu, gemm)),
        MappingRule::Search => search(npu, device, gemm, resident),
    }
}

fn search(npu: &Npu, device: &DeviceMemory, gemm: &Gemm, resident: Resident) -> Option<Mapping> {
    let plain = plain(device);
    let size = Size::of(device, gemm);
    let finalists = finalists(npu, &plain, gemm, resident, size);
    let run = |mapping: &Mapping| Run {
        npu,
        device,
        gemm: *gemm,
        mapping: *mapping,
        resident,
        bias: 0,
    };
    let itself = |mapping: &Mapping, until: Ps| {
        let memory = match device.part() {
            Some(part) => Memory::Command(Box::new(System::new(Arc::clone(part), true))),
            None => Memory::Plain(PlainMemory::new(plain)),
        };
        Some(run(mapping).try_until(memory, until)?.end)
    };
    let constant = |mapping: &Mapping, until: Ps| {
        let memory = Memory::Plain(PlainMemory::new(plain));
        let outcome = run(mapping).try_until(memory, until)?;
        let penalty = match device {
            DeviceMemory::Part(_) => Ps(plain.time(outcome.traffic.total()).0 / HIDDEN),
            DeviceMemory::Plain(_) => Ps::ZERO,
        };
        Some(outcome.end + penalty).filter(|&time| time <= until)
    };
    let all = || finalists.iter().flatten().copied();
    match size {
        Size::Small => fastest(all(), itself),
        Size::Middling => {
            let own = |level: &Vec<Mapping>| {
                let fast = fastest(level.iter().copied(), constant);
                level.first().copied().into_iter().chain(fast)
            };
            fastest(finalists.iter().flat_map(own), itself)
        }
        Size::Large => fastest(all(), constant),
    }
}

/// The mapping of least time, each tried once. Ties go to the last, the smallest tiles, which half the
/// scratchpad would have chosen.
fn fastest(
    mappings: impl Iterator<Item = Mapping>,
    time: impl Fn(&Mapping, Ps) -> Option<Ps>,
) -> Option<Mapping> {
    let mut seen = BTreeSet::new();
    let tried: Vec<Mapping> = mappings.filter(|mapping| seen.insert(*mapping)).collect();
    if tried.len() <= 1 {
        return tried.first().copied();
    }
    let (mut best, mut chosen) = (Ps(u64::MAX), None);
    for mapping in tried {
        if let Some(time) = time(&mapping, best) {
            (best, chosen) = (time, Some(mapping));
        }
    }
    chosen
}

/// What trying a mapping of a product costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    /// Little, on the memory itself.
    Small,
    /// Little, on memory of constant rate.
    Middling,
    /// As much as the search.
    Large,
}

impl Size {
    fn of(device: &DeviceMemory, gemm: &Gemm) -> Size {
        let (a, b, c) = gemm.bytes();
        let bytes = a.saturating_add(b).saturating_add(c);
        let few = match device {
            DeviceMemory::Part(part) => {
                let organisation = &part.organisation;
                FEW_BURSTS * organisation.burst_bytes * organisation.channels as u64
            }
            DeviceMemory::Plain(_) => FEW_BYTES,
        };
        match bytes {
            bytes if bytes <= few => Size::Small,
            bytes if bytes <= SOME_TIMES * few => Size::Middling,
            _ => Size::Large,
        }
    }
}

/// The mapping of least cost at the scratchpad and at each of its halvings, largest first, and what
/// stands beside each. Those of half the scratchpad are all among them if the product is not large, so
/// that more of it is never slower; of large ones those that are estimated far from the best are left
/// out.
fn finalists(
    npu: &Npu,
    plain: &Plain,
    gemm: &Gemm,
    resident: Resident,
    size: Size,
) -> Vec<Vec<Mapping>> {
    let mut halved: Vec<Npu> = Vec::new();
    for shift in 0..HALVINGS {
        let mut npu = npu.clone();
        npu.scratchpad_bytes >>= shift;
        if npu.scratchpad_bytes > 0 {
            halved.push(npu);
        }
    }
    let mut best: Vec<Option<(Cost, Mapping)>> = vec![None; halved.len()];
    let model = Model {
        npu,
        plain,
        gemm,
        resident,
    };
    candidates(npu, gemm, |mapping| {
        if !mapping.fits(npu, gemm, resident) {
            return;
        }
        let cost = model.cost(&mapping);
        for (npu, best) in halved.iter().zip(&mut best) {
            if !mapping.fits(npu, gemm, resident) {
                break;
            }
            if best.is_none_or(|best| (cost, mapping) < best) {
                *best = Some((cost, mapping));
            }
        }
    });
    let found = halved.iter().zip(best);
    let found = found.filter_map(|(of, best)| Some((of, best?)));
    let mut levels: Vec<Vec<(Cost, Mapping)>> = Vec::new();
    for (of, (cost, mapping)) in found {
        let first = levels.is_empty();
        let mut level = vec![(cost, mapping)];
        let fits =
            |other: &Mapping| other.fits(of, gemm, resident) && other.fits(npu, gemm, resident);
        let heuristic = super::gemmini::mapping(of, gemm);
        let others = std::iter::once(heuristic).chain(recut(npu, gemm, &mapping));
        for other in others.filter(fits) {
            let costs = model.cost(&other);
            let tried = match size {
                Size::Small | Size::Middling => true,
                // A run more of a large product takes a tenth of the time of the search.
                Size::Large => first && other == heuristic && costs < cost,
            };
            if tried {
                level.push((costs, other));
            }
        }
        levels.push(level);
    }
    let costs = levels.iter().flatten();
    let least = costs.map(|(cost, _)| cost.time).min().unwrap_or(0);
    let near = |(cost, _): &(Cost, Mapping)| {
        let tried = match size {
            Size::Small => cost.tiles <= MOST_TILES,
            Size::Middling => cost.tiles <= MOST_TILES / SOME_TIMES,
            Size::Large => false,
        };
        tried || cost.time <= least + least / MARGIN
    };
    levels
        .into_iter()
        .map(|level| {
            let near = level.into_iter().filter(near);
            near.map(|(_, mapping)| mapping).collect()
        })
        .collect()
}

/// A finalist with the extent that streams cut into a few parts more or fewer, which need not be whole
/// blocks: the closed form does not see how loads and blocks mesh.
fn recut(npu: &Npu, gemm: &Gemm, finalist: &Mapping) -> impl Iterator<Item = Mapping> {
    let streams_n = finalist.stationary == Stationary::Activations;
    let (extent, tile) = if streams_n {
        (gemm.n, finalist.tile_n)
    } else {
        (gemm.m, finalist.tile_m)
    };
    let (parts, finalist) = (extent.div_ceil(tile), *finalist);
    let unit = (npu.array.rows / UNIT_PARTS).max(1);
    [parts.saturating_sub(1), parts + 1, parts + 2]
        .into_iter()
        .filter(move |parts| (1..=extent).contains(parts))
        .map(move |parts| {
            let size = extent.div_ceil(parts).next_multiple_of(unit).min(extent);
            let mut other = finalist;
            *(if streams_n {
                &mut other.tile_n
            } else {
                &mut other.tile_m
            }) = size;
            other
        })
}

/// Sizes of a tile in one dimension: equal parts, rounded up to `unit`, and below that its halves.
fn sizes(extent: u64, unit: u64, cores: u64, halves: bool) -> Vec<u64> {
    let unit = unit.min(extent).max(1);
    let parts = PARTS.iter().copied().chain([cores, 2 * cores]);
    let mut sizes: Vec<u64> = parts
        .map(|parts| extent.div_ceil(parts).next_multiple_of(unit).min(extent))
        .collect();
    let mut half = unit / 2;
    while halves && half > 0 {
        sizes.push(half);
        half /= 2;
    }
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn candidates(npu: &Npu, gemm: &Gemm, mut each: impl FnMut(Mapping)) {
    let (array, cores) = (&npu.array, npu.cores.count);
    let wide = array.columns * array.count;
    for &stationary in Stationary::of(array) {
        let (unit_m, unit_k, unit_n) = match stationary {
            Stationary::Weights => (array.columns, array.rows, wide),
            Stationary::Activations => (wide, array.rows, array.columns),
            Stationary::Outputs => (array.rows, array.rows, wide),
        };
        let in_k = sizes(gemm.k, unit_k, 1, true);
        let in_n = sizes(gemm.n, unit_n, cores, stationary == Stationary::Activations);
        for tile_m in sizes(gemm.m, unit_m, cores, stationary != Stationary::Activations) {
            for &tile_n in &in_n {
                let (rows, columns) = (gemm.m.div_ceil(tile_m), gemm.n.div_ceil(tile_n));
                for &tile_k in &in_k {
                    for order in ORDERS {
                        let reduced = tile_k >= gemm.k && matches!(order, Order::Kmn | Order::Knm);
                        let single =
                            (rows == 1 || columns == 1) && matches!(order, Order::Nmk | Order::Knm);
                        if !reduced && !single {
                            each(Mapping {
                                tile_m,
                                tile_k,
                                tile_n,
                                order,
                                stationary,
                            });
                        }
                    }
                }
            }
        }
    }
}

/// Compared in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    /// Estimated time in coarse steps: what differs by less than the estimate errs counts as equal.
    step: u64,
    /// Tiles: each costs the DMA engines their set-up.
    tiles: u64,
    /// Estimated time.
    time: u64,
}

/// Significant bits of a time in coarse steps: 1 in 32 to 64.
const BITS: u32 = 6;

fn coarse(time: u64) -> u64 {
    let low = (u64::BITS - time.leading_zeros()).saturating_sub(BITS);
    time >> low << low
}

/// Closed forms of time: the slowest of arrays, memory and links, and what stands before the first
/// block and after the last.
struct Model<'a> {
    npu: &'a Npu,
    plain: &'a Plain,
    gemm: &'a Gemm,
    resident: Resident,
}

/// How often each operand is loaded whole, and partial sums make their way.
struct Loads {
    activations: u64,
    weights: u64,
    partial: u64,
}

impl Model<'_> {
    fn cost(&self, mapping: &Mapping) -> Cost {
        let (npu, gemm) = (self.npu, self.gemm);
        let cores = &npu.cores;
        let [rows, parts, columns] = mapping.tiles(gemm);
        let outputs = rows * columns;
        let of_core = outputs.div_ceil(cores.count);
        let loads = loads(mapping, [rows, parts, columns], cores.count);
        let (a, b, c) = gemm.bytes();
        let moved_in = loads.activations * a + loads.weights * b;
        let partial = loads.partial * gemm.m * gemm.n * crate::npu::mapping::PARTIAL;
        let (memory_a, memory_b) = match cores.shared {
            None => (loads.activations * a, loads.weights * b),
            Some(shared) => {
                through_shared(mapping, shared.bytes, (a, b), [rows, columns], cores.count)
            }
        };
        let off = |resident, bytes| if resident { 0 } else { bytes };
        let stored = off(self.resident.outputs, c);
        let memory = off(self.resident.activations, memory_a)
            + off(self.resident.weights, memory_b)
            + partial
            + stored;
        let memory_time = self.plain.time(memory).0;
        let cycles = |bytes: u64, rate: u64| npu.clock.to_ps(bytes / rate.max(1)).0;
        let port = cores.noc.map(|noc| noc.bytes_per_cycle);
        let ports = port.into_iter().chain(cores.dma.bytes_per_cycle);
        let share = (moved_in + partial).div_ceil(cores.count.min(outputs));
        let link_time = ports
            .map(|rate| cycles(share, rate))
            .chain(
                cores
                    .shared
                    .map(|shared| cycles(moved_in + partial + stored, shared.bytes_per_cycle)),
            )
            .max()
            .unwrap_or(0);
        let array_cycles = of_core * self.step_cycles(mapping, parts);
        let array_time = npu.clock.to_ps(array_cycles).0;
        let (first, last) = self.edges(mapping, of_core.min(1) * cores.count.min(outputs));
        // A buffer is taken from the request of its tile to its last result; there are two.
        let drain = npu.clock.to_ps(2 * npu.array.rows + npu.array.columns).0;
        let turns = of_core * parts * (self.plain.latency.0 + drain);
        let turns = turns.midpoint(memory_time.max(array_time));
        let slowest = memory_time.max(link_time).max(array_time);
        let hidden = memory_time + link_time + array_time - slowest;
        let time = (slowest + hidden / HIDDEN).max(turns) + first + drain + last;
        Cost {
            step: coarse(time),
            tiles: rows * parts * columns,
            time,
        }
    }

    /// Cycles of a core for one output tile.
    fn step_cycles(&self, mapping: &Mapping, parts: u64) -> u64 {
        let array = &self.npu.array;
        let wide = array.columns * array.count;
        let Mapping {
            tile_m,
            tile_k,
            tile_n,
            ..
        } = *mapping;
        let last_k = self.gemm.k - (parts - 1) * tile_k;
        let along = |unit: u64| (parts - 1) * tile_k.div_ceil(unit) + last_k.div_ceil(unit);
        let (folds, streamed) = match mapping.stationary {
            Stationary::Weights => (tile_n.div_ceil(wide) * along(array.rows), tile_m),
            Stationary::Activations => (tile_m.div_ceil(wide) * along(array.rows), tile_n),
            Stationary::Outputs => (
                tile_n.div_ceil(wide) * tile_m.div_ceil(array.rows) * parts,
                tile_k.min(self.gemm.k),
            ),
        };
        let skew = array.rows + array.columns - 2;
        let gap = match array.folding {
            Folding::Serial => streamed + array.rows + skew,
            Folding::Overlapped => streamed.max(array.rows),
            Folding::Blocks => streamed.next_multiple_of(array.rows),
        };
        folds * gap
    }

    /// Time before the first block and after the last.
    fn edges(&self, mapping: &Mapping, cores: u64) -> (u64, u64) {
        let array = &self.npu.array;
        let e = self.gemm.element;
        let (k, n) = (
            mapping.tile_k.min(array.rows),
            mapping.tile_n.min(array.columns * array.count),
        );
        let (block_a, block_b) = match mapping.stationary {
            Stationary::Weights => (mapping.tile_m * k, k * n),
            Stationary::Activations => (
                k * mapping.tile_m.min(array.columns * array.count),
                k * mapping.tile_n,
            ),
            Stationary::Outputs => (
                mapping.tile_k * mapping.tile_m.min(array.rows),
                mapping.tile_k * n,
            ),
        };
        let off = |resident, elements: u64| if resident { 0 } else { elements * e };
        let first = off(self.resident.activations, block_a) + off(self.resident.weights, block_b);
        let last = off(self.resident.outputs, mapping.tile_m * mapping.tile_n);
        (
            self.plain.latency.0 + self.plain.time(cores * first).0,
            self.plain.time(cores * last).0,
        )
    }
}

/// Loads of the operands by all cores together. Output tiles go round the cores, so that a core meets
/// a new one of the inner dimension each time, unless the cores go round it exactly.
fn loads(mapping: &Mapping, [rows, parts, columns]: [u64; 3], cores: u64) -> Loads {
    let outputs = rows * columns;
    // Of the operand that stays while the inner dimension goes on, and of the other.
    let stays = |inner: u64| inner.min(cores);
    let goes = |outer: u64, inner: u64| {
        if cores.is_multiple_of(inner) {
            (cores / inner).min(outer)
        } else {
            outer
        }
    };
    let outermost = matches!(
        mapping.order,
        Order::Kmn | Order::Knm | Order::Mkn | Order::Nkm
    );
    let by_rows = matches!(mapping.order, Order::Mnk | Order::Kmn | Order::Mkn);
    let spills = outermost && parts > 1 && outputs > cores;
    let (activations, weights) = if parts > 1 && !outermost {
        (columns, rows)
    } else if by_rows {
        (stays(columns), goes(rows, columns))
    } else {
        (goes(columns, rows), stays(rows))
    };
    Loads {
        activations,
        weights,
        partial: if spills { 2 * (parts - 1) } else { 0 },
    }
}

/// Bytes of activations and weights that a shared scratchpad cannot give a second time.
fn through_shared(
    mapping: &Mapping,
    capacity: u64,
    (a, b): (u64, u64),
    [rows, columns]: [u64; 2],
    cores: u64,
) -> (u64, u64) {
    if a + b <= capacity {
        return (a, b);
    }
    // Output tiles that run at once share the operand of their row or column.
    let by_rows = matches!(mapping.order, Order::Mnk | Order::Kmn | Order::Mkn);
    let (inner, outer) = if by_rows {
        (columns, rows)
    } else {
        (rows, columns)
    };
    let at_once = (cores / inner).clamp(1, outer);
    let again = outer.div_ceil(at_once);
    if by_rows {
        (a, if b <= capacity { b } else { b * again })
    } else {
        (if a <= capacity { a } else { a * again }, b)
    }
}
