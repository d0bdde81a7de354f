//! Passes over open rows no longer than refreshes can wait. Many results or vectors on one row would
//! keep every rank from its refresh until the last of them; between two passes refreshes are issued
//! and the row is opened again.
#![deny(clippy::float_arithmetic)]

use super::program::{PimOp, PimProgram, Tile};
use super::{PimTiming, estimate};
use crate::dram::Standard;
use crate::time::Tick;

/// Refreshes that may be postponed, so that nine intervals lie between two at most: JESD79-4 (DDR4).
/// Taken for HBM and GDDR too, for whose limit no source is at hand.
pub(crate) const POSTPONED: u64 = 8;

/// Ticks that a pass may take.
pub(crate) fn longest(std: &Standard) -> Tick {
    POSTPONED.saturating_mul(std.timing.refi)
}

/// The same work in passes that fit.
pub(crate) fn fitting(program: PimProgram, std: &Standard, pim: &PimTiming) -> PimProgram {
    let most = longest(std);
    let closes = estimate::closes(std, pim);
    let ticks = |op: &PimOp, results: u32| {
        let tile = op.tile();
        tile.map_or(0, |tile| {
            estimate::tile(std, pim, closes, Tile { results, ..tile })
        })
    };
    let fits = |op: &PimOp| op.tile().is_none_or(|tile| ticks(op, tile.results) <= most);
    if program.ops.iter().all(fits) {
        return program;
    }
    let mut ops = Vec::with_capacity(program.ops.len());
    for op in program.ops {
        let Some(tile) = op.tile().filter(|_| !fits(&op)) else {
            ops.push(op);
            continue;
        };
        let one = ticks(&op, 1);
        let more = (ticks(&op, 2) - one).max(1);
        let fit = 1 + most.saturating_sub(one) / more;
        let fit = u32::try_from(fit).unwrap_or(u32::MAX);
        let mut left = tile.results;
        while left > 0 {
            let results = left.min(fit);
            left -= results;
            ops.push(with_results(op, results));
        }
    }
    PimProgram { ops }
}

fn with_results(op: PimOp, results: u32) -> PimOp {
    match op {
        PimOp::Gwrite { .. } => op,
        PimOp::Tile { row, comps, .. } => PimOp::Tile {
            row,
            results,
            comps,
        },
        PimOp::Accumulate { row, comps, .. } => PimOp::Accumulate {
            row,
            results,
            comps,
        },
    }
}
