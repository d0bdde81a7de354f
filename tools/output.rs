//! The one way to standard output and to files: a closed pipe ends the program quietly, and a file
//! is written under a temporary name and renamed, so that nothing half-written is left.

use crate::diagnostics::Failure;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// Prints text to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ClosedPipe),
        Err(error) => Err(Failure::internal(format!("standard output: {error}"))),
    }
}

/// Prints a line to standard error; used where standard output carries JSON.
pub(crate) fn aside(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints a value as JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&json(value)?)
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::internal(format!("a record cannot be written: {error}")))
}

/// Refuses, before any work is done, an output folder that cannot be made.
pub(crate) fn check_folder(path: &Path) -> Result<(), Failure> {
    let existing = path
        .ancestors()
        .find(|part| part.as_os_str().is_empty() || part.exists());
    match existing {
        Some(part) if !part.as_os_str().is_empty() && !part.is_dir() => {
            Err(Failure::input(format!(
                "--out {}: '{}' is not a folder",
                path.display(),
                part.display()
            )))
        }
        _ => Ok(()),
    }
}

/// Makes the output folder.
pub(crate) fn folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path)
        .map_err(|error| Failure::input(format!("--out {}: {error}", path.display())))
}

/// Writes a value as a JSON file.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let text = json(value)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&temporary);
        Failure::internal(format!("{}: {error}", path.display()))
    })
}
