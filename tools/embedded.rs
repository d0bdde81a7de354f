//! The machine and part files that the program carries, and those that the user names by path.

use crate::diagnostics::Failure;
use memwall_sim::dram::Standard;
use memwall_sim::machine::{
    ConfigError, Machine, PartSource, PartText, PimDevice, Setting, load, load_part,
    load_part_text, load_pim, load_pim_text, load_text,
};
use std::path::Path;
use std::sync::Arc;

const MACHINES: [(&str, &str); 6] = [
    ("gpu-a100", include_str!("../hw-configs/gpu-a100.toml")),
    (
        "llmcompass-a100",
        include_str!("../hw-configs/llmcompass-a100.toml"),
    ),
    ("neupims", include_str!("../hw-configs/neupims.toml")),
    ("npu-only", include_str!("../hw-configs/npu-only.toml")),
    ("npu-pim", include_str!("../hw-configs/npu-pim.toml")),
    ("tpuv4-like", include_str!("../hw-configs/tpuv4-like.toml")),
];

macro_rules! embedded {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../hw-configs/", $folder, "/", $name, ".toml")))),*]
    };
}

/// Memory parts: first those of physical standards, then those that reproduce a simulator's file.
const PARTS: &[(&str, &str)] = embedded!("parts":
    "ddr4-3200",
    "ddr5-4800",
    "lpddr4-2400",
    "lpddr5-6400",
    "lpddr5x-8533",
    "gddr6-14000",
    "gddr6-aim-16000",
    "hbm1-1000",
    "hbm2-2000-legacy",
    "hbm2-2000",
    "hbm2-8gb-x128",
    "hbm2e-3200",
    "hbm3-6400",
    "hbm3e-9600",
    "hbm4-8000",
    "hbm-pim-2000",
    "attacc-hbm3-5200",
    "attacc-hbm3-5200-npc",
    "dramsim3-ddr4-8gb-x8-3200",
    "dramsim3-gddr6-8gb-x16",
    "dramsim3-hbm1-4gb-x128",
    "dramsim3-hbm2-8gb-x128",
    "dramsim3-lpddr4-8gb-x16-2400",
    "pimsimulator-hbm2-64ch",
    "newtonsim-hbm2-blocked",
    "newtonsim-hbm2-dual",
    "ramulator-ddr4-3200",
    "ramulator-ddr5-4800",
    "ramulator-hbm2-2000",
    "ramulator-hbm3-6400",
    "ramulator-lpddr5-6400",
    "onnxim-hbm2-2400",
);

/// Rules that parts name.
const RULES: &[(&str, &str)] = embedded!("rules":
    "attacc",
    "bank-groups",
    "ddr4",
    "ddr5",
    "ddr5-same-bank-refresh",
    "hbm-pim",
    "hbm2-pseudo",
    "hbm3",
    "lpddr5",
    "lpddr5-bank-refresh",
    "pim-blocked",
    "pim-dual",
    "pim-newton",
    "newton-blocked",
    "newton-dual",
    "pseudo-channel-refresh",
    "ramulator2-hbm2",
    "rank-refresh",
);

/// PIM devices.
const PIM: &[(&str, &str)] = embedded!("pim":
    "aim-gddr6",
    "attacc",
    "attacc-simulator",
    "hbm-pim",
    "neupims-hbm2",
    "newton-hbm2",
    "pimsimulator-hbm-pim",
);

/// Machines of ONNXim's twin.
const ONNXIM: &[(&str, &str)] = embedded!("onnxim": "tpuv4-4x128", "tpuv4-1x128", "tpuv4-1x32");

/// The embedded files.
pub(crate) struct Embedded;

impl PartSource for Embedded {
    fn machine(&self, name: &str) -> Option<PartText> {
        text(&MACHINES, "hw-configs", name)
    }

    fn part(&self, name: &str) -> Option<PartText> {
        text(PARTS, "hw-configs/parts", name)
    }

    fn rules(&self, name: &str) -> Option<PartText> {
        text(RULES, "hw-configs/rules", name)
    }

    fn rules_names(&self) -> Vec<String> {
        names(RULES)
    }

    fn pim(&self, name: &str) -> Option<PartText> {
        text(PIM, "hw-configs/pim", name)
    }

    fn pim_names(&self) -> Vec<String> {
        names(PIM)
    }

    fn onnxim(&self, name: &str) -> Option<PartText> {
        text(ONNXIM, "hw-configs/onnxim", name)
    }

    fn onnxim_names(&self) -> Vec<String> {
        names(ONNXIM)
    }

    fn machine_names(&self) -> Vec<String> {
        names(&MACHINES)
    }

    fn part_names(&self) -> Vec<String> {
        names(PARTS)
    }
}

fn names(files: &[(&str, &str)]) -> Vec<String> {
    files.iter().map(|(name, _)| (*name).to_owned()).collect()
}

fn text(files: &[(&str, &str)], folder: &str, name: &str) -> Option<PartText> {
    let (_, text) = files.iter().find(|(known, _)| *known == name)?;
    Some(PartText {
        origin: format!("{folder}/{name}.toml"),
        text: Arc::from(*text),
    })
}

/// Parts in `parts/` and rules in `rules/` beside a file that the user names, or beside it, before
/// the embedded ones.
struct Beside<'a>(&'a Path);

impl Beside<'_> {
    fn file(&self, folder: &str, name: &str) -> Option<PartText> {
        let beside = self.0.with_file_name("");
        let file = format!("{name}.toml");
        [beside.join(folder).join(&file), beside.join(&file)]
            .into_iter()
            .find_map(|path| {
                let text = std::fs::read_to_string(&path).ok()?;
                Some(PartText {
                    origin: path.display().to_string(),
                    text: Arc::from(text),
                })
            })
    }
}

impl PartSource for Beside<'_> {
    fn machine(&self, name: &str) -> Option<PartText> {
        Embedded.machine(name)
    }

    fn part(&self, name: &str) -> Option<PartText> {
        self.file("parts", name).or_else(|| Embedded.part(name))
    }

    fn rules(&self, name: &str) -> Option<PartText> {
        self.file("rules", name).or_else(|| Embedded.rules(name))
    }

    fn rules_names(&self) -> Vec<String> {
        Embedded.rules_names()
    }

    fn pim(&self, name: &str) -> Option<PartText> {
        Embedded.pim(name)
    }

    fn pim_names(&self) -> Vec<String> {
        Embedded.pim_names()
    }

    fn onnxim(&self, name: &str) -> Option<PartText> {
        Embedded.onnxim(name)
    }

    fn onnxim_names(&self) -> Vec<String> {
        Embedded.onnxim_names()
    }

    fn machine_names(&self) -> Vec<String> {
        Embedded.machine_names()
    }

    fn part_names(&self) -> Vec<String> {
        Embedded.part_names()
    }
}

/// Whether an argument names a file rather than something embedded.
pub(crate) fn is_path(argument: &str, ending: &str) -> bool {
    argument.contains(['/', '\\']) || argument.ends_with(ending)
}

/// Settings of the command line.
pub(crate) fn settings(options: &[String]) -> Result<Vec<Setting>, Failure> {
    options
        .iter()
        .map(|option| Setting::parse(option).map_err(Failure::from))
        .collect()
}

/// A machine by embedded name or by path.
pub(crate) fn machine(argument: &str, settings: &[Setting]) -> Result<Machine, Failure> {
    if !is_path(argument, ".toml") {
        return Ok(load(&Embedded, argument, settings)?);
    }
    let (path, name, text) = file(argument)?;
    Ok(load_text(&Beside(path), &name, text, settings)?)
}

/// A PIM device, or the PIM side of a machine, by embedded name or by path.
pub(crate) fn pim(argument: &str, settings: &[Setting]) -> Result<PimDevice, Failure> {
    if !is_path(argument, ".toml") {
        return Ok(load_pim(&Embedded, argument, settings)?);
    }
    let (path, name, text) = file(argument)?;
    Ok(load_pim_text(&Beside(path), &name, text, settings)?)
}

/// Whether an argument names a memory part: embedded, or a file with an `[organisation]`.
pub(crate) fn is_part(argument: &str) -> bool {
    if !is_path(argument, ".toml") {
        return PARTS.iter().any(|(name, _)| *name == argument);
    }
    let text = std::fs::read_to_string(argument).unwrap_or_default();
    text.lines().any(|line| line.trim() == "[organisation]")
}

/// A memory part by embedded name or by path; the rules it names may lie beside it.
pub(crate) fn part(argument: &str, settings: &[Setting]) -> Result<Arc<Standard>, Failure> {
    if !is_path(argument, ".toml") {
        return Ok(load_part(&Embedded, argument, settings)?);
    }
    let (path, name, text) = file(argument)?;
    Ok(load_part_text(&Beside(path), &name, text, settings)?)
}

/// A file that the user names: its path, its stem, its text.
fn file(argument: &str) -> Result<(&Path, String, PartText), ConfigError> {
    let path = Path::new(argument);
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::whole(argument, format!("cannot be read: {error}")))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let text = PartText {
        origin: argument.to_owned(),
        text: Arc::from(text),
    };
    Ok((path, name.into_owned(), text))
}
