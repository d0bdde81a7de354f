//! The machine and part files that the program carries, and those that the user names by path.

use crate::diagnostics::Failure;
use memwall_sim::machine::{ConfigError, Machine, PartSource, PartText, Setting, load, load_text};
use std::path::Path;
use std::sync::Arc;

const MACHINES: [(&str, &str); 4] = [
    ("gpu-a100", include_str!("../hw-configs/gpu-a100.toml")),
    ("neupims", include_str!("../hw-configs/neupims.toml")),
    ("npu-only", include_str!("../hw-configs/npu-only.toml")),
    ("npu-pim", include_str!("../hw-configs/npu-pim.toml")),
];

const PARTS: [(&str, &str); 1] = [(
    "hbm2-8gb-x128",
    include_str!("../hw-configs/parts/hbm2-8gb-x128.toml"),
)];

/// The embedded files.
pub(crate) struct Embedded;

impl PartSource for Embedded {
    fn machine(&self, name: &str) -> Option<PartText> {
        text(&MACHINES, "hw-configs", name)
    }

    fn part(&self, name: &str) -> Option<PartText> {
        text(&PARTS, "hw-configs/parts", name)
    }

    fn machine_names(&self) -> Vec<String> {
        names(&MACHINES)
    }

    fn part_names(&self) -> Vec<String> {
        names(&PARTS)
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

/// Parts in `parts/` beside a machine file that the user names, or beside it, before the embedded
/// ones.
struct Beside<'a>(&'a Path);

impl PartSource for Beside<'_> {
    fn machine(&self, name: &str) -> Option<PartText> {
        Embedded.machine(name)
    }

    fn part(&self, name: &str) -> Option<PartText> {
        let folder = self.0.with_file_name("");
        let file = format!("{name}.toml");
        for path in [folder.join("parts").join(&file), folder.join(&file)] {
            if let Ok(text) = std::fs::read_to_string(&path) {
                return Some(PartText {
                    origin: path.display().to_string(),
                    text: Arc::from(text),
                });
            }
        }
        Embedded.part(name)
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
    let path = Path::new(argument);
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::whole(argument, format!("cannot be read: {error}")))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let text = PartText {
        origin: argument.to_owned(),
        text: Arc::from(text),
    };
    Ok(load_text(&Beside(path), &name, text, settings)?)
}
