//! The channel of NeuPIMs from the shipped files, for unit tests.

use crate::dram::Standard;
use crate::machine::{PartSource, PartText, load_pim};
use std::sync::Arc;

macro_rules! shipped {
    ($name:expr, $folder:literal: $($file:literal),*) => {
        match $name {
            $($file => Some(include_str!(concat!("../../../hw-configs/", $folder, $file, ".toml"))),)*
            _ => None,
        }
    };
}

struct Shipped;

fn text(name: &str, text: Option<&'static str>) -> Option<PartText> {
    Some(PartText {
        origin: name.to_owned(),
        text: Arc::from(text?),
    })
}

impl PartSource for Shipped {
    fn machine(&self, name: &str) -> Option<PartText> {
        text(name, shipped!(name, "": "neupims"))
    }

    fn part(&self, name: &str) -> Option<PartText> {
        text(name, shipped!(name, "parts/": "hbm2-8gb-x128"))
    }

    fn rules(&self, name: &str) -> Option<PartText> {
        text(
            name,
            shipped!(name, "rules/": "bank-groups", "pim-newton", "pim-dual"),
        )
    }

    fn pim(&self, _name: &str) -> Option<PartText> {
        None
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

pub(crate) fn standard() -> Standard {
    let device = load_pim(&Shipped, "neupims", &[]).expect("a shipped machine");
    Standard::clone(&device.memory)
}
