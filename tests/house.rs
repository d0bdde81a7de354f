//! Rules of the house that the compiler does not hold.

use crate::support::root;
use std::path::{Path, PathBuf};

/// Members and what they may depend on.
const MEMBERS: [(&str, &[&str]); 4] = [
    ("models", &[]),
    ("traces", &[]),
    ("sim", &["memwall-models", "memwall-traces"]),
    ("reports", &["memwall-sim"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("listed").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn all(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for folder in folders {
        sources(&root().join(folder), &mut paths);
    }
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn dependencies_point_one_way() {
    for (member, allowed) in MEMBERS {
        let path = root().join(member).join("Cargo.toml");
        let manifest: toml::Table =
            toml::from_str(&std::fs::read_to_string(path).expect("a member")).expect("TOML");
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(toml::Value::Table(table)) = manifest.get(section) else {
                continue;
            };
            for name in table.keys().filter(|name| name.starts_with("memwall")) {
                assert!(
                    allowed.contains(&name.as_str()),
                    "{member} must not depend on {name}"
                );
            }
        }
    }
}

#[test]
fn reports_see_records_only() {
    for (path, text) in all(&["reports/src"]) {
        for line in text.lines().filter(|line| line.contains("memwall_sim::")) {
            let fine = ["memwall_sim::record", "memwall_sim::exec::Fidelity"]
                .iter()
                .any(|allowed| line.contains(allowed));
            assert!(fine, "{}: {line}", path.display());
        }
    }
}

#[test]
fn the_simulator_has_no_floating_point_time() {
    // Beside these, fractions appear in ratios and fits, and in the seconds of records.
    for room in [
        "engine",
        "dram",
        "pim",
        "exec",
        "link",
        "memory",
        "onnxim",
        "scale_sim",
        "neupims",
        "lower",
        "energy",
    ] {
        for (path, text) in all(&[&format!("sim/src/{room}")]) {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            assert!(
                !code.contains("f64") && !code.contains("f32"),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn files_are_short_and_say_why_they_exist() {
    for (path, text) in all(&[
        "models", "traces", "sim", "reports", "tools", "tests", "benches",
    ]) {
        let lines = text.lines().count();
        assert!(lines <= 800, "{}: {lines} lines", path.display());
        assert!(
            text.starts_with("//!"),
            "{} has no module comment",
            path.display()
        );
    }
}
