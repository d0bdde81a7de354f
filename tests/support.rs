//! What several themes need: machines from the shipped files, and the program itself.

use memwall_sim::dram::Standard;
use memwall_sim::machine::{
    ConfigError, Device, Machine, NpuDevice, PartSource, PartText, Setting, load,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The shipped files, read from the checkout.
pub struct Shipped;

fn read(path: String) -> Option<PartText> {
    let text = std::fs::read_to_string(root().join(&path)).ok()?;
    Some(PartText {
        origin: path,
        text: Arc::from(text),
    })
}

/// Names of the files of a folder, in order.
pub fn names(folder: &str) -> Vec<String> {
    let listed = std::fs::read_dir(root().join(folder)).expect("a shipped folder");
    let mut names: Vec<String> = listed
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

impl PartSource for Shipped {
    fn machine(&self, name: &str) -> Option<PartText> {
        read(format!("hw-configs/{name}.toml"))
    }

    fn part(&self, name: &str) -> Option<PartText> {
        read(format!("hw-configs/parts/{name}.toml"))
    }

    fn rules(&self, name: &str) -> Option<PartText> {
        read(format!("hw-configs/rules/{name}.toml"))
    }

    fn pim(&self, name: &str) -> Option<PartText> {
        read(format!("hw-configs/pim/{name}.toml"))
    }

    fn pim_names(&self) -> Vec<String> {
        names("hw-configs/pim")
    }

    fn onnxim(&self, name: &str) -> Option<PartText> {
        read(format!("hw-configs/onnxim/{name}.toml"))
    }

    fn onnxim_names(&self) -> Vec<String> {
        names("hw-configs/onnxim")
    }

    fn machine_names(&self) -> Vec<String> {
        names("hw-configs")
            .into_iter()
            .filter(|name| root().join(format!("hw-configs/{name}.toml")).exists())
            .collect()
    }

    fn part_names(&self) -> Vec<String> {
        names("hw-configs/parts")
    }

    fn rules_names(&self) -> Vec<String> {
        names("hw-configs/rules")
    }
}

/// Root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of reference figures and real traces beside the checkout, if it is there; says so
/// where it is not.
pub fn shared(path: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

pub fn try_machine(name: &str, settings: &[&str]) -> Result<Machine, ConfigError> {
    let settings = settings
        .iter()
        .map(|text| Setting::parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    load(&Shipped, name, &settings)
}

pub fn machine(name: &str, settings: &[&str]) -> Machine {
    try_machine(name, settings).expect("a shipped machine with valid settings")
}

pub fn npu(name: &str, settings: &[&str]) -> NpuDevice {
    match machine(name, settings).device {
        Device::Npu(device) => device,
        Device::Gpu(_) => panic!("{name} is a GPU"),
    }
}

pub fn standard(name: &str, settings: &[&str]) -> Arc<Standard> {
    let device = npu(name, settings);
    Arc::clone(device.memory.part().expect("a memory part"))
}

/// The quirks of the NeuPIMs artifact, and its tRTP.
pub const PARITY: [&str; 7] = [
    "quirks.early_pim_release=true",
    "quirks.result_off_bus=true",
    "quirks.gact_outside_window=true",
    "quirks.coarse_guard=true",
    "quirks.per_bank_precharge=true",
    "memory.timing.t_rtp_tck=5",
    "memory.controller.page_policy=open",
];

/// The PIM side of a shipped machine or PIM device.
pub fn pim(name: &str, settings: &[&str]) -> Arc<Standard> {
    let settings: Vec<Setting> = settings
        .iter()
        .map(|text| Setting::parse(text).expect("a setting"))
        .collect();
    let device = memwall_sim::machine::load_pim(&Shipped, name, &settings);
    device.expect("a shipped PIM device").memory
}

/// A shipped memory part.
pub fn part(name: &str, settings: &[&str]) -> Arc<Standard> {
    let settings: Vec<Setting> = settings
        .iter()
        .map(|text| Setting::parse(text).expect("a setting"))
        .collect();
    memwall_sim::machine::load_part(&Shipped, name, &settings).expect("a shipped part")
}
