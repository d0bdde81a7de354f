//! HBM-PIM: recorded figures, an independent tick-by-tick controller, legality, bounds and values.

mod bounds;
mod figures;
mod layout;
mod legality;
mod stepped;
mod values;

use memwall_sim::dram::Standard;
use std::sync::Arc;

/// The part of the parity runs.
const PARITY: &str = "pimsimulator-hbm2-64ch";
/// The part of a possible die.
const DIE: &str = "hbm-pim-2000";

/// A part with settings of its organisation and timing, `channels=4` or `t_rp_tck=12`.
fn with(name: &str, organisation: &[(&str, u64)], timing: &[(&str, u64)]) -> Arc<Standard> {
    let set = |table: &str, pairs: &[(&str, u64)]| -> Vec<String> {
        let text = |(key, value): &(&str, u64)| format!("memory.{table}.{key}={value}");
        pairs.iter().map(text).collect()
    };
    let settings = [set("organisation", organisation), set("timing", timing)].concat();
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    crate::support::part(name, &settings)
}
