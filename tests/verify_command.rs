//! `memwall verify` as a user runs it.

use crate::command_line::{folder, memwall};

#[test]
fn schedules_are_verified_and_defects_found() {
    let folder = folder("verify");
    let run = |arguments: &[&str]| {
        let mut all = vec!["verify", "--context", "6", "--decode", "1"];
        all.extend(arguments);
        memwall(&folder, &all)
    };
    let said = |arguments: &[&str], code: i32, words: &str| {
        let output = run(arguments);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
    };
    for hw in ["npu-only", "npu-pim", "neupims"] {
        said(&["--hw", hw], 0, "greedy tokens 4 of 4");
    }
    said(&["--model", "gpt2", "--dtype", "fp16"], 0, "fp16");
    said(&["--inject", "list"], 0, "swap-banks");
    said(&["--inject", "swap-banks"], 1, "layer");
    said(&["--inject", "lose-store:2"], 1, "never stored");
    said(&["--inject", "swap-banks:0"], 1, "channel 0, bank 1, row");
    said(&["--inject", "add-twice:0"], 1, "core 0, tile (");
    said(&["--inject", "swap-bank"], 2, "did you mean 'swap-banks'?");
    said(&["--inject", "swap-banks:999999999"], 2, "places, from 0");
    said(
        &["--inject", "swap-banks", "--hw", "npu-only"],
        2,
        "no place for it",
    );
    said(&["--hw", "gpu-a100"], 2, "runs kernels");
    said(&["--model", "lama"], 2, "did you mean 'llama'?");
    said(&["--batch", "99999"], 2, "at most 16384");
    said(
        &["--weights", "absent.safetensors"],
        2,
        "absent.safetensors",
    );
    let output = run(&["--json"]);
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(record["fault"], serde_json::Value::Null);
}
