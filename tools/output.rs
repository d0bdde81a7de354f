//! The one way to standard output and to files: a closed pipe ends the program quietly, and a file
//! is written under a temporary name and renamed, so that nothing half-written is left.

use crate::diagnostics::Failure;
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

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

/// Refuses, before any work is done, an output folder that cannot be made, or in which folders have the
/// names of `files`.
pub(crate) fn check_folder(path: &Path, files: &[&str]) -> Result<(), Failure> {
    if let Some(file) = files.iter().find(|file| path.join(file).is_dir()) {
        return Err(Failure::input(format!(
            "--out {}: '{file}' is a folder there, and would be written as a file",
            path.display()
        )));
    }
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
    Staged::json(path, value)?.keep()
}

/// A file that is whole under a temporary name, and gone unless kept: of several files all are staged
/// before the first is kept.
pub(crate) struct Staged {
    temporary: PathBuf,
    target: PathBuf,
}

impl Staged {
    /// A value as JSON.
    pub(crate) fn json(path: &Path, value: &impl Serialize) -> Result<Staged, Failure> {
        let text = json(value)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let staged = Staged {
            temporary: path.with_file_name(format!(".{name}.{}", std::process::id())),
            target: path.to_owned(),
        };
        std::fs::write(&staged.temporary, text).map_err(|error| staged.failure(&error))?;
        Ok(staged)
    }

    /// Gives the file its name.
    pub(crate) fn keep(self) -> Result<(), Failure> {
        std::fs::rename(&self.temporary, &self.target).map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &std::io::Error) -> Failure {
        Failure::internal(format!("{}: {error}", self.target.display()))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Once it is kept there is nothing to remove, and an error has nobody to be told to.
        let _ = std::fs::remove_file(&self.temporary);
    }
}
