//! The load that a sequence puts on its channel, from timing values alone: what channels are
//! balanced by. Follows the estimator of the NeuPIMs artifact (vector copies and tiles, each at its
//! undisturbed time) with the times of the part at hand.

use super::tiling::{Geometry, Head, TileGroup, attend, logit};
use crate::dram::Standard;
use crate::time::Tick;

/// Ticks of logit and attend of one sequence, alone and without refresh. Zero without a PIM side.
pub fn load(head: Head, std: &Standard) -> Tick {
    let Some(pim) = &std.pim else { return 0 };
    let t = &std.timing;
    let geometry = Geometry::new(&std.organisation, pim);
    let banks = std.organisation.banks() as Tick;
    let open = t.faw.max(t.rrd_s) * (std.organisation.bank_groups as Tick - 1) + t.rcd_rd;
    let groups = logit(head, geometry)
        .into_iter()
        .chain(attend(head, geometry));
    groups
        .map(|group: TileGroup| {
            let read_outs = pim.comp * (pim.steps(group.comps) + 1) * Tick::from(group.results);
            let tile = banks.max(t.rp) + Tick::from(pim.header) + open + read_outs + t.rtp;
            Tick::from(group.tiles) * tile + Tick::from(group.gwrites) * (t.rcd_rd + pim.gwrite)
        })
        .sum()
}
