//! The load that a sequence puts on its channel, from timing values alone: what channels are
//! balanced by. Follows the estimator of the NeuPIMs artifact (vector copies and tiles, each at its
//! undisturbed time) with the times of the part at hand.

use super::program::Tile;
use super::tiling::{Geometry, Head, TileGroup, attend, logit};
use super::{Activation, PimTiming};
use crate::dram::Standard;
use crate::time::Tick;

/// Ticks from the first to the last activation of all rows of a tile.
pub(crate) fn activations(std: &Standard, pim: &PimTiming) -> Tick {
    let t = &std.timing;
    let ranks = std.organisation.ranks as Tick - 1;
    match pim.activation {
        Activation::Group => {
            t.faw.max(t.rrd_s) * (std.organisation.bank_groups as Tick - 1) + ranks
        }
        Activation::Rank => ranks + pim.opening_ticks(std),
    }
}

/// Ticks of a tile that has the channel to itself: `closes` precharge commands, the header, the
/// activations of every bank, and the read-outs, until its rows may be closed again.
pub(crate) fn tile(std: &Standard, pim: &PimTiming, closes: Tick, tile: Tile) -> Tick {
    let t = &std.timing;
    let recovery = if closes > 0 { t.rp } else { 0 };
    let opening = (closes + Tick::from(pim.header)).max(recovery);
    let results = Tick::from(tile.results.max(1));
    let steps = if tile.read_out {
        let steps = pim.comp * (pim.steps(tile.comps) + 1);
        // Where many banks share a narrow bus, results leave it slower than steps make them.
        steps.max(pim.read_out_ticks(std)) * results
    } else {
        pim.comp * Tick::from(tile.comps) * results
    };
    opening + activations(std, pim) + t.rcd_rd + steps + t.rtp
}

/// Precharge commands that close every PIM row.
pub(crate) fn closes(std: &Standard, pim: &PimTiming) -> Tick {
    if pim.quirks.per_bank_precharge {
        std.organisation.banks() as Tick
    } else {
        std.organisation.units() as Tick
    }
}

/// Ticks of tile groups alone and without refresh.
pub(crate) fn groups(std: &Standard, pim: &PimTiming, groups: &[TileGroup]) -> Tick {
    let of_group = |group: &TileGroup| {
        let one = Tile {
            row: 0,
            results: group.results,
            comps: group.comps,
            read_out: true,
        };
        let tile = tile(std, pim, closes(std, pim), one);
        let gwrite = std.timing.rcd_rd + pim.gwrite;
        Tick::from(group.tiles) * tile + Tick::from(group.gwrites) * gwrite
    };
    groups.iter().map(of_group).sum()
}

/// Ticks of logit and attend of one sequence, alone and without refresh. Zero without a PIM side.
pub fn load(head: Head, std: &Standard) -> Tick {
    let Some(pim) = &std.pim else { return 0 };
    let geometry = Geometry::new(&std.organisation, pim);
    groups(std, pim, &logit(head, geometry)) + groups(std, pim, &attend(head, geometry))
}
