//! The shipped machines, for benches.

use memwall_sim::dram::Standard;
use memwall_sim::machine::{Machine, PartSource, PartText, load, load_part};
use std::sync::Arc;

/// The shipped files.
pub(crate) struct Shipped;

fn read(folder: &str, name: &str) -> Option<PartText> {
    let origin = format!("{}/{folder}/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&origin).ok()?;
    Some(PartText {
        origin,
        text: Arc::from(text),
    })
}

impl PartSource for Shipped {
    fn machine(&self, name: &str) -> Option<PartText> {
        read("hw-configs", name)
    }

    fn part(&self, name: &str) -> Option<PartText> {
        read("hw-configs/parts", name)
    }

    fn rules(&self, name: &str) -> Option<PartText> {
        read("hw-configs/rules", name)
    }

    fn pim(&self, name: &str) -> Option<PartText> {
        read("hw-configs/pim", name)
    }

    fn machine_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn part_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn rules_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn pim_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A shipped machine.
pub(crate) fn machine(name: &str) -> Machine {
    load(&Shipped, name, &[]).expect("a shipped machine")
}

/// A shipped memory part.
// Every bench has a copy of this module.
#[allow(dead_code)]
pub(crate) fn part(name: &str) -> Option<Arc<Standard>> {
    load_part(&Shipped, name, &[]).ok()
}
