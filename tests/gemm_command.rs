//! `memwall gemm` as its users meet it.

use crate::command_line::{folder, memwall};
use memwall_sim::record::gemm::GemmRecord;

#[test]
fn every_machine_runs_a_product_and_writes_its_record() {
    let folder = folder("gemm");
    for name in crate::support::names("hw-configs") {
        if !crate::support::root()
            .join(format!("hw-configs/{name}.toml"))
            .exists()
        {
            continue;
        }
        let output = memwall(
            &folder,
            &["gemm", "64", "512", "512", "--hw", &name, "--json"],
        );
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {error}");
        let record: GemmRecord = serde_json::from_slice(&output.stdout).expect("a record");
        let result = &record.result;
        let sum: f64 = result.parts.iter().map(|part| part.time_us).sum();
        assert!((sum / result.time_us - 1.0).abs() < 1e-9, "{name}");
        assert!(
            result.bound.fraction > 0.0 && result.bound.fraction <= 1.0,
            "{name}"
        );
        let written = std::fs::read(folder.join("out/gemm.json")).expect("written");
        assert_eq!(written, output.stdout, "{name}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let folder = folder("gemm-errors");
    for (arguments, words) in [
        (
            &["64", "64", "64", "--mapping", "serch"][..],
            "did you mean 'search'?",
        ),
        (
            &["64", "64", "64", "--mapping", "8x8x8:mkm"],
            "there are mnk",
        ),
        (
            &["64", "64", "64", "--mapping", "8x8x8:mnk:weigths"],
            "did you mean 'weights'?",
        ),
        (
            &[
                "64",
                "64",
                "64",
                "--set",
                "npu.scratchpad_kib=1024",
                "--mapping",
                "64x64x64:mnk",
                "--set",
                "npu.accumulator_kib=8",
                "--set",
                "npu.rows=8",
                "--set",
                "npu.columns=8",
                "--set",
                "npu.arrays=1",
                "--resident",
                "none",
                "--dtype",
                "fp32",
            ],
            "has no tile",
        ),
        (
            &["4096", "4096", "4096", "--mapping", "1x1x1"],
            "2097152 tiles",
        ),
        (
            &["64", "64", "64", "--set", "npu.cores=100000000"],
            "at most 4096",
        ),
        (&["4194304", "4194304", "4194304"], "bytes"),
        (
            &["64", "64", "64", "--mapping", "8x8x8:mnk:outputs"],
            "npu.dataflow=os",
        ),
        (
            &[
                "64",
                "64",
                "64",
                "--set",
                "npu.dataflow=os",
                "--mapping",
                "8x8x8:mnk:weights",
            ],
            "hold outputs",
        ),
        // What an option requires is passed over where it conflicts with M, K and N.
        (
            &["64", "64", "64", "--scale-sim", "array.cfg"],
            "--scale-sim array.cfg",
        ),
        (
            &["64", "64", "64", "--hw", "gpu-a100", "--dtype", "int8"],
            "for fp16 and bf16 alone",
        ),
        (
            &["64", "64", "64", "--hw", "gpu-a100", "--mapping", "search"],
            "runs kernels",
        ),
        (
            &["64", "64", "64", "--hw", "gpu-a100", "--resident", "all"],
            "runs kernels",
        ),
        (
            &["64", "64", "64", "--set", "npu.noc.topology=crossbar"],
            "port_bytes_per_cycle",
        ),
        (
            &[
                "64",
                "64",
                "64",
                "--hw",
                "tpuv4-like",
                "--set",
                "npu.noc.topology=mesh",
            ],
            "a mesh gives the cores of a row",
        ),
    ] {
        let mut all = vec!["gemm"];
        all.extend(arguments);
        let output = memwall(&folder, &all);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(words), "{arguments:?}: {error}");
    }
    assert!(!folder.join("out/gemm.json").exists());
}

#[test]
fn a_type_without_a_rate_of_its_own_is_noted() {
    let folder = folder("gemm-dtype");
    let record = |dtype: &str| -> GemmRecord {
        let output = memwall(
            &folder,
            &["gemm", "64", "64", "64", "--dtype", dtype, "--json"],
        );
        serde_json::from_slice(&output.stdout).expect("a record")
    };
    let noted = |dtype: &str| {
        let notes = record(dtype).notes;
        notes.iter().any(|note| note.contains("changes bytes only"))
    };
    assert!(noted("int8") && noted("fp8") && noted("fp32"));
    assert!(!noted("fp16") && !noted("bf16"));
}

#[test]
fn the_search_finds_what_the_heuristic_and_a_hand_find() {
    let folder = folder("gemm-search");
    let time = |arguments: &[&str]| {
        let all = [&["gemm"], arguments, &["--json"]].concat();
        let output = memwall(&folder, &all);
        let record: GemmRecord = serde_json::from_slice(&output.stdout).expect("a record");
        record.result.time_us
    };
    for shape in [
        ["512", "512", "512"],
        ["256", "256", "256"],
        ["1000", "700", "900"],
    ] {
        let by = |rule| time(&[&shape[..], &["--mapping", rule]].concat());
        let (searched, heuristic) = (by("search"), by("gemmini"));
        assert!(searched < heuristic, "{shape:?}: {searched} {heuristic}");
    }
    // Three tiles of 176 rows: fewer blocks than of 128, a shorter last store than of 256.
    let hand = time(&["512", "512", "512", "--mapping", "176x512x512"]);
    assert!(time(&["512", "512", "512"]) <= hand);
}

#[test]
fn a_kernel_has_no_arrays_and_one_tile_is_one() {
    let folder = folder("gemm-words");
    let shown = |arguments: &[&str]| {
        let output = memwall(
            &folder,
            &[&["gemm", "128", "512", "512"], arguments].concat(),
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let kernel = shown(&["--hw", "gpu-a100"]);
    assert!(kernel.contains("those of the peak in the time"), "{kernel}");
    for word in ["arrays", "cores"] {
        assert!(!kernel.contains(word), "{kernel}");
    }
    let tiles = shown(&["--mapping", "gemmini"]);
    assert!(
        tiles.contains("1 tile of at most") && tiles.contains("on 1 core,"),
        "{tiles}"
    );
}
