//! What the command model does in steady state, measured on one channel at first use of a machine:
//! the ground of the `fast` fidelity. No number here comes from anywhere but the channel itself.

use crate::dram::{Channel, Descriptor, Direction, NoObserver, Standard, Stop, Watch};
use crate::pim::tiling::TileGroup;
use crate::pim::{PimOp, PimProgram, estimate};
use crate::time::{Ps, Tick};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Refresh windows a measured segment spans at least.
const WINDOWS: u64 = 8;

/// Steady rate of one kind of work, with the latency of its first unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Ticks from release to the completion of a single unit.
    pub first: Tick,
    /// Ticks of `units` further units.
    pub ticks: Tick,
    /// Units those ticks span.
    pub units: u64,
}

impl Rate {
    /// Ticks of `count` units from their release to the completion of the last.
    pub fn time(&self, count: u64) -> Tick {
        match count.checked_sub(1) {
            None => 0,
            Some(more) => self.first + self.steady(more),
        }
    }

    /// Ticks of `count` units within a longer run.
    pub fn steady(&self, count: u64) -> Tick {
        let ticks = u128::from(count) * u128::from(self.ticks);
        (ticks / u128::from(self.units.max(1))) as Tick
    }

    /// From completion ticks of runs of one, `short` and `long` units.
    fn from_runs(first: Tick, short: (u64, Tick), long: (u64, Tick)) -> Rate {
        Rate {
            first,
            ticks: long.1.saturating_sub(short.1).max(1),
            units: (long.0 - short.0).max(1),
        }
    }
}

/// Rates of the host streams of one channel, in bursts.
#[derive(Debug, Clone)]
pub struct Basis {
    std: Arc<Standard>,
    /// Sequential reads.
    pub read: Rate,
    /// Sequential writes.
    pub write: Rate,
    /// Writes of one burst each into a row of its own, bank after bank.
    pub scattered_write: Rate,
}

impl Basis {
    /// Runs the host segments.
    pub fn measure(std: &Arc<Standard>) -> Basis {
        let stream = |direction, single: bool| {
            let columns = std.organisation.columns();
            let descriptor = |units: u64| {
                if single {
                    Descriptor {
                        direction,
                        start: 0,
                        bursts: 1,
                        stride: columns,
                        pieces: units,
                    }
                } else {
                    Descriptor::sequential(direction, 0, units)
                }
            };
            let run = |units| completion(std, &[(descriptor(units), 0)], None);
            let (short, long) = spans(std, std.column_stride(Direction::Read));
            Rate::from_runs(run(1), (short, run(short)), (long, run(long)))
        };
        Basis {
            read: stream(Direction::Read, false),
            write: stream(Direction::Write, false),
            scattered_write: stream(Direction::Write, true),
            std: Arc::clone(std),
        }
    }

    /// The part the rates belong to.
    pub fn standard(&self) -> &Arc<Standard> {
        &self.std
    }

    /// Rate of whole-row transfers in one direction.
    pub fn sequential(&self, direction: Direction) -> Rate {
        match direction {
            Direction::Read => self.read,
            Direction::Write => self.write,
        }
    }

    /// Ticks to picoseconds of the part's clock.
    pub fn to_ps(&self, ticks: Tick) -> Ps {
        self.std.clock.to_ps(ticks)
    }
}

/// Costs of PIM operations, measured when a kind is first met.
#[derive(Debug, Clone)]
pub struct PimCosts {
    std: Arc<Standard>,
    tiles: BTreeMap<(u32, u32), Rate>,
    gwrite: Option<Rate>,
    /// Ticks by which one host write burst delays a PIM stream that it runs beside.
    beside_write: Option<Rate>,
}

impl PimCosts {
    /// Nothing measured yet.
    pub fn new(std: &Arc<Standard>) -> PimCosts {
        PimCosts {
            std: Arc::clone(std),
            tiles: BTreeMap::new(),
            gwrite: None,
            beside_write: None,
        }
    }

    /// Ticks of a group of tiles and its vector copies, within a longer program.
    pub fn group(&mut self, group: TileGroup) -> Tick {
        let tiles = self.tile(group.results, group.comps);
        let gwrite = self.gwrite();
        tiles.steady(u64::from(group.tiles)) + gwrite.steady(u64::from(group.gwrites))
    }

    /// Rate of tiles of one kind.
    pub fn tile(&mut self, results: u32, comps: u32) -> Rate {
        let std = &self.std;
        *self.tiles.entry((results, comps)).or_insert_with(|| {
            let run = |units: u64| completion(std, &[], Some(&tiles(units, results, comps, 0)));
            let (short, long) = spans(std, nominal(std, results, comps));
            Rate::from_runs(run(1), (short, run(short)), (long, run(long)))
        })
    }

    /// Rate at which vector copies lengthen a program of tiles.
    pub fn gwrite(&mut self) -> Rate {
        if let Some(rate) = self.gwrite {
            return rate;
        }
        let std = &self.std;
        let (_, units) = spans(std, nominal(std, 1, 16));
        let run = |every| completion(std, &[], Some(&tiles(units, 1, 16, every)));
        let every = 4;
        let rate = Rate {
            first: 0,
            ticks: run(every).saturating_sub(run(0)),
            units: units.div_ceil(every),
        };
        self.gwrite = Some(rate);
        rate
    }

    /// Rate at which host write bursts delay the PIM stream beside them.
    pub fn beside_write(&mut self) -> Rate {
        if let Some(rate) = self.beside_write {
            return rate;
        }
        let std = &self.std;
        let (_, units) = spans(std, nominal(std, 1, 16));
        let program = tiles(units, 1, 16, 0);
        let alone = completion(std, &[], Some(&program));
        // One page in the time of a few tiles: about the share of stored probabilities.
        let page = std.organisation.columns();
        let pages = units / 4;
        let streams: Vec<(Descriptor, Tick)> = (0..pages)
            .map(|index| {
                let stream = Descriptor::sequential(Direction::Write, index * page, page);
                (stream, index * alone / pages.max(1))
            })
            .collect();
        let together = completion(std, &streams, Some(&program));
        let rate = Rate {
            first: 0,
            ticks: together.saturating_sub(alone),
            units: (pages * page).max(1),
        };
        self.beside_write = Some(rate);
        rate
    }
}

/// Undisturbed ticks of a tile.
fn nominal(std: &Standard, results: u32, comps: u32) -> Tick {
    let group = TileGroup {
        gwrites: 0,
        tiles: 1,
        results,
        comps,
    };
    let pim = std.pim.as_ref();
    pim.map_or(1, |pim| estimate::groups(std, pim, &[group]))
}

/// Units of a window at most: where refresh is rarer than this, a steady rate shows without it.
const LONGEST: u64 = 4096;

/// Lengths of the short and the long run, in units of about `nominal` ticks.
fn spans(std: &Standard, nominal: Tick) -> (u64, u64) {
    let window = (std.timing.refi / nominal.max(1)).clamp(1, LONGEST);
    (window, window * (WINDOWS + 1))
}

fn tiles(units: u64, results: u32, comps: u32, gwrite_every: u64) -> PimProgram {
    let mut ops = Vec::new();
    for unit in 0..units {
        if gwrite_every > 0 && unit.is_multiple_of(gwrite_every) {
            ops.push(PimOp::Gwrite {
                bank: (unit / gwrite_every % 2) as u16,
                row: 0,
            });
        }
        ops.push(PimOp::Tile {
            row: 2 + (unit % 1000) as u32,
            results,
            comps,
        });
    }
    PimProgram { ops }
}

/// Completion tick of the PIM program if there is one, else of the last stream, on a fresh channel.
fn completion(
    std: &Arc<Standard>,
    streams: &[(Descriptor, Tick)],
    program: Option<&PimProgram>,
) -> Tick {
    let mut channel = Channel::new(Arc::clone(std));
    let mut last = None;
    for &(stream, release) in streams {
        last = Some(channel.push(release, stream, Watch::Record));
    }
    if let Some(program) = program {
        last = Some(channel.push_pim(0, program.clone(), Watch::Record));
    }
    while channel.advance(Tick::MAX, &mut NoObserver) != Stop::Idle {}
    last.and_then(|block| channel.completed(block)).unwrap_or(0)
}
