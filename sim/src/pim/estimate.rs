//! The load that a sequence puts on its channel, from timing values alone: what channels are
//! balanced by. Follows the estimator of the NeuPIMs artifact (vector copies and tiles, each at its
//! undisturbed time) with the times of the part at hand.

use super::PimTiming;
use super::tiling::{Geometry, Head, TileGroup, attend, logit};
use crate::dram::Standard;
use crate::time::Tick;

/// Ticks of a tile that has the channel to itself: `closes` precharges, the header, the activations
/// of every bank, and the read-outs, until its rows may be closed again.
pub(crate) fn tile(
    std: &Standard,
    pim: &PimTiming,
    closes: Tick,
    results: u32,
    comps: u32,
) -> Tick {
    let t = &std.timing;
    let recovery = if closes > 0 { t.rp } else { 0 };
    let opening = (closes + Tick::from(pim.header)).max(recovery);
    let span = t.faw.max(t.rrd_s) * (std.organisation.bank_groups as Tick - 1);
    let ranks = std.organisation.ranks as Tick - 1;
    let steps = pim.comp * (pim.steps(comps) + 1) * Tick::from(results.max(1));
    opening + span + ranks + t.rcd_rd + steps + t.rtp
}

/// Ticks of logit and attend of one sequence, alone and without refresh. Zero without a PIM side.
pub fn load(head: Head, std: &Standard) -> Tick {
    let Some(pim) = &std.pim else { return 0 };
    let geometry = Geometry::new(&std.organisation, pim);
    let groups = logit(head, geometry)
        .into_iter()
        .chain(attend(head, geometry));
    groups
        .map(|group: TileGroup| {
            let tile = tile(std, pim, geometry.banks, group.results, group.comps);
            let gwrite = std.timing.rcd_rd + pim.gwrite;
            Tick::from(group.tiles) * tile + Tick::from(group.gwrites) * gwrite
        })
        .sum()
}
