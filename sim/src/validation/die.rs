//! Recorded work of a simulator on a part that a die could be, so that a table of errors also says
//! what the simulator's departures are worth.

use crate::dram::{Channel, NoObserver, Standard, Stop, Watch};
use crate::pim::newton::Tiles;
use crate::pim::{PimOp, PimProgram};
use crate::time::Tick;
use std::sync::Arc;

/// Mean ticks between successive tiles of a program on one channel of a part with a PIM side.
pub fn ticks_a_tile(standard: &Arc<Standard>, tiles: &Tiles) -> Option<f64> {
    let more = tiles.count.checked_sub(1).filter(|more| *more > 0)?;
    let ticks = run(standard, tiles, tiles.count) - run(standard, tiles, 1);
    Some(ticks as f64 / f64::from(more))
}

/// Ticks until the results of so many tiles are back.
fn run(standard: &Arc<Standard>, tiles: &Tiles, count: u32) -> Tick {
    let highest = standard.organisation.rows as u32 - 1;
    let vector = tiles.gwrite.then_some(PimOp::Gwrite {
        bank: 0,
        row: highest,
    });
    let tile = |index: u32| PimOp::Tile {
        row: if tiles.same_row { 0 } else { index % highest },
        results: tiles.read_outs,
        comps: tiles.comps,
    };
    let program = PimProgram {
        ops: vector.into_iter().chain((0..count).map(tile)).collect(),
    };
    let mut channel = Channel::new(Arc::clone(standard));
    let block = channel.push_pim(0, program, Watch::Record);
    while channel.advance(Tick::MAX, &mut NoObserver) != Stop::Idle {}
    channel.completed(block).unwrap_or(0)
}
