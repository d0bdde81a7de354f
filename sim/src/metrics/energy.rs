//! From an account in femtojoules to the figures of a record.

use crate::energy::{Energies, Spent};
use crate::exec::Group;
use crate::record::energy::{EnergyComponent, EnergyRecord};

const FJ_PER_MJ: f64 = 1e12;

/// The record of an account on one device of each stage of `group`, whose replica made `tokens` tokens.
pub fn record(energies: &Energies, spent: &Spent, group: Group, tokens: u64) -> EnergyRecord {
    let components = spent.components.iter().map(|component| EnergyComponent {
        name: component.name.to_owned(),
        unit: component.unit.to_owned(),
        count: component.count,
        pj_each: component.each.as_ref().map(|each| each.amount as f64 / 1e3),
        energy_mj: component.energy_fj().map(|fj| fj as f64 / FJ_PER_MJ),
        source: component.each.as_ref().map(|each| each.source.clone()),
    });
    let device = spent.total_fj() as f64 / FJ_PER_MJ;
    EnergyRecord {
        table: energies.name.clone(),
        node_nm: energies.node_nm,
        stages: group.pipeline,
        components: components.collect(),
        device_mj: device,
        mj_per_token: device * group.tensor as f64 / tokens.max(1) as f64,
        partial: spent.is_partial(),
    }
}
