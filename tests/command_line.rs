//! The program as its users meet it: what it prints, what it writes, and how it fails.

use crate::support::root;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An empty folder of this test's own.
pub fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("the target folder is writable");
    path
}

pub fn memwall(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_memwall"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the program starts")
}

/// What a command said and its exit code, for a snapshot.
pub fn said(folder: &Path, text: &mut String, arguments: &[&str]) {
    let output = memwall(folder, arguments);
    let code = output.status.code().expect("not killed");
    let error = String::from_utf8(output.stderr).expect("UTF-8");
    let _ = writeln!(text, "$ memwall {}", arguments.join(" "));
    for line in error.lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(text, "exit code {code}\n");
    assert!(output.stdout.is_empty(), "a failure prints nothing else");
    assert!(
        !folder.join("out").exists(),
        "a failure leaves nothing behind"
    );
}

pub fn shipped(name: &str) -> String {
    std::fs::read_to_string(root().join("hw-configs").join(name)).expect("a shipped file")
}

pub fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), bytes).expect("the target folder is writable");
}

/// Texts of the operating system are not ours.
pub fn snapshot(name: &str, text: &str) {
    insta::with_settings!({filters => vec![(r"\(os error \d+\)", "(os error N)")]}, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn bad_machines_are_refused() {
    let folder = folder("bad-machines");
    let machine = shipped("neupims.toml");
    let change = |name: &str, from: &str, to: &str| {
        assert!(machine.contains(from), "{from} is in the shipped file");
        write(&folder, name, machine.replacen(from, to, 1));
    };
    change("misspelt-key.toml", "arrays = 8", "arays = 8");
    change("wrong-type.toml", "arrays = 8", "arrays = \"eight\"");
    change("no-arrays.toml", "arrays = 8", "arrays = 0");
    change(
        "not-a-number.toml",
        "bandwidth_gb_per_s = 209",
        "bandwidth_gb_per_s = nan",
    );
    change(
        "no-such-part.toml",
        "\"hbm2-8gb-x128\"",
        "\"hbm2-8gb-x129\"",
    );
    change("misspelt-word.toml", "\"dual\"", "\"duall\"");
    change("missing-key.toml", "rows = 128\n", "");
    write(&folder, "no-device.toml", "description = \"nothing\"\n");
    write(&folder, "not-toml.toml", "description = [\n");
    let mut text = String::new();
    for file in [
        "misspelt-key.toml",
        "wrong-type.toml",
        "no-arrays.toml",
        "not-a-number.toml",
        "no-such-part.toml",
        "misspelt-word.toml",
        "missing-key.toml",
        "no-device.toml",
        "not-toml.toml",
        "no-such-file.toml",
    ] {
        said(&folder, &mut text, &["hw", "show", file]);
    }
    snapshot("bad_machines", &text);
}

#[test]
fn bad_settings_are_refused() {
    let folder = folder("bad-settings");
    let mut text = String::new();
    for setting in [
        "npu.arayz=3",
        "npu.arrays=0",
        "npu.arrays=8.5",
        "npu.arrays",
        "memory.timing.t_faw_tck=-3",
        "memory.timing.t_ras_tck=4",
        "memory.organisation.mapping=rorabgbacoch",
        "memory.timming.t_faw_tck=16",
        "npu.rows=4294967296",
    ] {
        said(
            &folder,
            &mut text,
            &["hw", "show", "neupims", "--set", setting],
        );
    }
    said(&folder, &mut text, &["run", "--hw", "neupim"]);
    said(&folder, &mut text, &["hw", "show", "hbm3-640"]);
    said(&folder, &mut text, &["hw", "show", "dgx-a100"]);
    said(&folder, &mut text, &["run", "--batch", "0"]);
    said(&folder, &mut text, &["run", "--tp", "3"]);
    said(
        &folder,
        &mut text,
        &["run", "--batch", "600", "--context", "2000"],
    );
    said(
        &folder,
        &mut text,
        &["run", "--model", "gpt3-175b", "--tp", "1"],
    );
    snapshot("bad_settings", &text);
}

#[test]
fn bad_traces_are_refused() {
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;
    let folder = folder("bad-traces");
    let header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
    let row = "2023-11-16 18:15:46.6805900,374,44\n";
    write(
        &folder,
        "broken-row.csv",
        format!("{header}{row}2023-11-16 18:15:47,x,1\n"),
    );
    write(
        &folder,
        "missing-column.csv",
        format!("TIMESTAMP,ContextToken,GeneratedTokens\n{row}"),
    );
    write(&folder, "empty.csv", "");
    write(&folder, "header-only.csv", header);
    write(&folder, "other.txt", "hello\n");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(header.as_bytes()).expect("to memory");
    for index in 0..5000 {
        writeln!(
            gzip,
            "2023-11-16 18:15:46.{index:07},{},{}",
            index % 977 + 1,
            index % 89 + 1
        )
        .expect("to memory");
    }
    let gzip = gzip.finish().expect("to memory");
    write(&folder, "truncated.csv.gz", &gzip[..gzip.len() / 2]);
    let mut text = String::new();
    for file in [
        "broken-row.csv",
        "missing-column.csv",
        "empty.csv",
        "header-only.csv",
        "other.txt",
        "truncated.csv.gz",
        "no-such-file.csv",
    ] {
        said(&folder, &mut text, &["replay", file]);
    }
    said(&folder, &mut text, &["run", "--trace", "broken-row.csv"]);
    // How much of a cut file can be unpacked is the library's affair.
    let text = regex_lines(&text);
    snapshot("bad_traces", &text);
}

fn regex_lines(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        match line.split_once("whole lines before that: ") {
            Some((before, _)) => {
                let _ = writeln!(out, "{before}whole lines before that: N");
            }
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

#[test]
fn bad_models_are_refused() {
    let folder = folder("bad-models");
    let model = memwall_models::registry::text("llama-2-7b").expect("embedded");
    let change = |name: &str, from: &str, to: &str| {
        assert!(model.contains(from), "{from} is in the embedded file");
        write(&folder, name, model.replacen(from, to, 1));
    };
    change("unknown-type.json", "\"llama\"", "\"lama\"");
    change("expert-type.json", "\"llama\"", "\"mixtral\"");
    change(
        "negative.json",
        "\"num_hidden_layers\": 32",
        "\"num_hidden_layers\": -32",
    );
    change("missing.json", "\"hidden_size\": 4096,", "");
    write(&folder, "not-json.json", "{");
    let mut text = String::new();
    for file in [
        "unknown-type.json",
        "expert-type.json",
        "negative.json",
        "missing.json",
        "not-json.json",
    ] {
        said(&folder, &mut text, &["models", "show", file]);
    }
    said(&folder, &mut text, &["run", "--model", "lama-2-7b"]);
    snapshot("bad_models", &text);
}

#[test]
fn compare_shows_four_machines_and_writes_their_plots() {
    let folder = folder("compare");
    let output = memwall(
        &folder,
        &["compare", "gpu-a100", "npu-only", "npu-pim", "neupims"],
    );
    assert!(output.status.success());
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    for word in [
        "gpu-a100", "npu-only", "npu-pim", "neupims", "tok/s", "array %", "PIM %", "memory %",
    ] {
        assert!(shown.contains(word), "{word} in\n{shown}");
    }
    assert!(shown.contains("sub-batch interleaving is not modelled yet"));
    for file in ["compare.svg", "compare.png", "compare.json", "run.json"] {
        assert!(
            folder
                .join("out")
                .join(file)
                .metadata()
                .expect("written")
                .len()
                > 100
        );
    }
    let json = memwall(
        &folder,
        &[
            "compare",
            "gpu-a100",
            "neupims",
            "--json",
            "--fidelity",
            "fast",
        ],
    );
    let records: Vec<memwall_sim::record::Record> =
        serde_json::from_slice(&json.stdout).expect("records and nothing else");
    let names: Vec<&str> = records
        .iter()
        .map(|record| record.machine.name.as_str())
        .collect();
    assert_eq!(names, ["gpu-a100", "neupims"]);
}

#[test]
fn lists_and_shows() {
    let folder = folder("lists");
    let shown = |arguments: &[&str]| {
        let output = memwall(&folder, arguments);
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(shown(&["hw", "list"]).contains("npu-pim"));
    let machine = shown(&["hw", "show", "neupims", "--set", "npu.arrays=16"]);
    assert!(machine.contains("262,144 MAC a cycle") && machine.contains("arrays = 16"));
    assert!(shown(&["models", "list"]).contains("llama-3.1-70b"));
    let model = shown(&["models", "show", "gpt3-6.7b", "--tp", "4", "--batch", "256"]);
    assert!(model.contains("ffn_all_reduce") && model.contains("524,288"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = folder("pipe");
    let mut child = Command::new(env!("CARGO_BIN_EXE_memwall"))
        .args(["models", "list", "--json"])
        .current_dir(&folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = folder("unwritable");
    write(&folder, "file", "");
    let output = memwall(&folder, &["run", "--fidelity", "fast", "--out", "file/out"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("file/out"));
}

#[test]
fn a_folder_in_the_way_of_a_file_is_named_and_nothing_is_written() {
    let folder = folder("in-the-way");
    for (command, file) in [
        (
            &["run", "--fidelity", "fast", "--layers", "1"][..],
            "iteration.svg",
        ),
        (&["compare", "npu-only", "--fidelity", "fast"], "run.json"),
        (&["replay", "--limit", "3"], "replay.png"),
        (&["mem", "--requests", "100"], "mem.json"),
        (&["gemm", "8", "8", "8"], "gemm.json"),
    ] {
        let out = folder.join(command[0]);
        std::fs::create_dir_all(out.join(file)).expect("writable");
        let output = memwall(&folder, &[command, &["--out", command[0]]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(file), "{said}");
        let left = std::fs::read_dir(&out).expect("a folder").count();
        assert_eq!(left, 1, "{command:?}");
    }
}

#[test]
fn what_is_shown_of_a_machine_is_a_machine_file() {
    let folder = folder("shown");
    let run = |arguments: &[&str]| {
        let output = memwall(&folder, arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for name in ["neupims", "tpuv4-like", "llmcompass-a100", "gpu-a100"] {
        write(&folder, "shown.toml", run(&["hw", "show", name]));
        let keys = |text: String| -> toml::Table { toml::from_str(&text).expect("TOML") };
        let again = run(&["hw", "show", "shown.toml"]);
        assert_eq!(keys(again), keys(run(&["hw", "show", name])), "{name}");
        let time = |hw: &str| -> f64 {
            let shown = run(&["gemm", "64", "512", "512", "--hw", hw, "--json"]);
            let record: memwall_sim::record::gemm::GemmRecord =
                serde_json::from_str(&shown).expect("a record");
            record.result.time_us
        };
        assert!((time(name) - time("shown.toml")).abs() < 1e-9, "{name}");
    }
    // The keys of the part are checked, and set, where they stand.
    write(&folder, "shown.toml", run(&["hw", "show", "npu-only"]));
    let set = [
        "hw",
        "show",
        "shown.toml",
        "--set",
        "memory.organisation.channels=16",
    ];
    assert!(run(&set).contains("channels   16"));
    let text = run(&["hw", "show", "npu-only"]).replace("t_faw_tck", "t_fow_tck");
    write(&folder, "shown.toml", text);
    let output = memwall(&folder, &["hw", "show", "shown.toml"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("memory.timing.t_fow_tck") && said.contains("shown.toml:"),
        "{said}"
    );
}

#[test]
fn energies_that_leave_out_different_things_are_noted() {
    let folder = folder("energy-note");
    let batch = [
        "--batch",
        "4",
        "--context",
        "64",
        "--layers",
        "1",
        "--energy",
        "logic-7nm",
    ];
    let shown = |machines: &[&str]| {
        let output = memwall(&folder, &[&["compare"], machines, &batch[..]].concat());
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let note = "energies do not compare";
    let both = shown(&["gpu-a100", "npu-only"]);
    assert!(
        both.contains(note) && both.contains("gpu-a100: on-chip memory"),
        "{both}"
    );
    assert!(!shown(&["npu-only", "npu-only"]).contains(note));
}

#[test]
fn help_wraps_to_any_width() {
    let folder = folder("help");
    for arguments in [
        &["validate", "npu", "--help"][..],
        &["validate", "newton", "--help"],
        &["link", "allreduce", "--help"],
        &["gemm", "--help"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_memwall"))
            .args(arguments)
            .current_dir(&folder)
            .env("COLUMNS", "80")
            .output()
            .expect("the program starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let epilogue = text.rsplit("Examples:").next().unwrap_or_default();
        let prose: Vec<&str> = epilogue
            .lines()
            .filter(|line| !line.starts_with(' '))
            .collect();
        let prose: Vec<&str> = prose.into_iter().filter(|line| !line.is_empty()).collect();
        for line in &prose[..prose.len() - 1] {
            assert!((50..=80).contains(&line.len()), "{arguments:?}: {line}");
        }
    }
}
