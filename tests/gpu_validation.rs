//! GPU kernels against recorded times: how well models fitted to one half of the rows speak of the
//! other, what the shipped parameters are, and what a decoder block comes to.

use crate::command_line::{folder, memwall, write};
use crate::support::{names, root};
use memwall_sim::record::gpu_validation::{GpuGroup, GpuValidationRecord};

fn validated(name: &str, arguments: &[&str]) -> GpuValidationRecord {
    let folder = folder(name);
    let output = memwall(
        &folder,
        &[&["validate", "gpu", "--json"], arguments].concat(),
    );
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{error}");
    serde_json::from_slice(&output.stdout).expect("a record and nothing else")
}

/// The groups of products under a model whose parameters are not from the rows scored.
fn held_out<'a>(record: &'a GpuValidationRecord, method: &str) -> Vec<&'a GpuGroup> {
    let of = |group: &&GpuGroup| {
        group.kind == "gemm" && group.method == method && group.basis != "machine file"
    };
    record.groups.iter().filter(of).collect()
}

/// Even and odd rows by the order of the table; both directions are held to the bar. What misses it is
/// named here with its figure: H100 at M = 1024 runs at 54-57 % of its peak beside 70-76 % at twice
/// the rows, and RTX PRO 6000 rises from half to 83 % of its peak with the width of the product,
/// which two rates cannot follow.
#[test]
fn products_of_the_other_half_are_within_their_bars() {
    let record = validated("gpu-bars", &["--max-median", "6", "--max-block", "12"]);
    let all = |method: &str, median: f64, p90: f64, missed: &[(&str, &str, f64, f64)]| {
        let groups = held_out(&record, method);
        assert!(groups.len() >= 6, "{method}: {} groups", groups.len());
        for group in groups {
            let known = missed
                .iter()
                .find(|(gpu, basis, ..)| *gpu == group.gpu && *basis == group.basis);
            let (median, p90) = known.map_or((median, p90), |&(_, _, median, p90)| (median, p90));
            assert!(
                group.median <= median && group.p90 <= p90,
                "{method} {} from {}: median {:.4}, p90 {:.4}",
                group.gpu,
                group.basis,
                group.median,
                group.p90
            );
        }
    };
    let blackwell = "RTX PRO 6000 Blackwell";
    let missed = [
        (blackwell, "even rows", 0.095, 0.23),
        (blackwell, "odd rows", 0.105, 0.23),
    ];
    all("three_parameter", 0.09, 0.23, &missed);
    all(
        "size_dependent",
        0.06,
        0.15,
        &[("H100 80GB", "even rows", 0.06, 0.18)],
    );
    all("table", 0.05, 0.20, &[]);
}

#[test]
fn decode_attention_of_the_other_half_is_near() {
    let record = validated("gpu-attention", &[]);
    let mut seen = 0;
    for group in &record.groups {
        if group.basis == "machine file" || !group.kind.starts_with("attention_decode") {
            continue;
        }
        seen += 1;
        // Beyond the cache nothing is left to explain.
        let beyond = group.kind.ends_with("beyond L2");
        let (median, p90) = if beyond { (0.01, 0.08) } else { (0.04, 0.43) };
        assert!(group.median <= median && group.p90 <= p90, "{group:?}");
    }
    assert_eq!(seen, 10);
    // 67 MB of one sequence come faster than memory could give them: they lie in the cache of 72 MB.
    let cached = record.rows.iter().find(|row| {
        row.gpu == "RTX 4090" && row.kind == "attention_decode" && row.shape == "1 x 16384"
    });
    let cached = cached.expect("the row");
    assert!(cached.within_cache && cached.figures[0].error > 0.3);
}

/// The sum of a GPT-3 block by a preset fitted to other operators, and that of bare kernels beside.
#[test]
fn a_block_of_gpt_3_sums_up() {
    let record = validated("gpu-block", &[]);
    let sums: Vec<(&str, u64, f64)> = record
        .blocks
        .iter()
        .map(|block| (block.machine.as_str(), block.seq, block.error))
        .collect();
    assert_eq!(sums.len(), 4);
    for (machine, seq, error) in sums {
        match (machine, seq) {
            ("gpu-a100-pytorch", _) => assert!(error.abs() < 0.05, "{machine} {seq}: {error}"),
            // Kernels without calls: a fifth of decode is calls.
            ("gpu-a100", 1) => assert!((-0.30..-0.15).contains(&error), "{error}"),
            ("gpu-a100", 2048) => assert!((0.0..0.15).contains(&error), "{error}"),
            other => panic!("{other:?}"),
        }
    }
    for block in &record.blocks {
        assert_eq!(block.operators.len(), 12);
        let sum: f64 = block.operators.iter().map(|operator| operator.us).sum();
        assert!((sum - block.us).abs() < 1e-6 * sum);
    }
}

/// Every parameter that a preset calls fitted is what the fit says of the recorded rows.
#[test]
fn shipped_parameters_are_the_output_of_the_fit() {
    let folder = folder("gpu-refit");
    let mut fitted_tables = 0;
    for name in names("hw-configs") {
        let path = root().join("hw-configs").join(format!("{name}.toml"));
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        let shipped: toml::Table = toml::from_str(&text).expect("TOML");
        let Some(gpu) = shipped.get("gpu").and_then(|gpu| gpu.get("measured_as")) else {
            continue;
        };
        let gpu = gpu.as_str().expect("a name");
        let output = memwall(&folder, &["fit", "gpu", "--gpu", gpu]);
        assert!(output.status.success(), "{gpu}");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let fitted: toml::Table = toml::from_str(&text).expect("TOML");
        fitted_tables += compare_fits(&name, "", &toml::Value::Table(fitted), &shipped.into());
    }
    assert!(fitted_tables >= 17, "{fitted_tables}");
}

/// Every key of a fitted table, in the shipped one; counts the tables.
fn compare_fits(name: &str, path: &str, fitted: &toml::Value, shipped: &toml::Value) -> usize {
    let mut tables = 0;
    for (key, value) in fitted.as_table().expect("a table") {
        let path = format!("{path}.{key}");
        let ours = shipped.get(key);
        let ours = ours.unwrap_or_else(|| panic!("{name} has no {path}"));
        if key == "fit" {
            tables += 1;
        }
        match value {
            toml::Value::Table(_) => tables += compare_fits(name, &path, value, ours),
            _ => assert_eq!(value, ours, "{name}: {path}"),
        }
    }
    tables
}

const HEADER: &str = "gpu\top\tM\tK\tN\tbatch\tkv\theads\tkv_heads\thead_dim\trows\twidth\tus\n";

/// Shapes that no table has, of every kind, by the parameters of the machine.
#[test]
fn unseen_rows_are_compared() {
    let folder = folder("gpu-unseen");
    let rows = "A100 80GB SXM\tlm_head\t3\t5120\t32000\t\t\t\t\t\t\t\t200\n\
        A100 80GB SXM\tqkv_proj\t48\t4096\t6144\t\t\t\t\t\t\t\t40\n\
        H100 80GB\tffn\t100000\t1024\t1024\t\t\t\t\t\t\t\t500\n\
        RTX 4090\tattention_decode\t\t\t\t24\t777\t40\t10\t64\t\t\t60\n\
        RTX 4090\tattention_prefill\t\t\t\t2\t3000\t32\t8\t128\t\t\t1400\n\
        A100 80GB SXM, PyTorch\tsoftmax\t\t\t\t\t\t\t\t\t4096\t8192\t155\n";
    write(&folder, "mine.tsv", format!("{HEADER}{rows}"));
    let arguments = ["validate", "gpu", "--reference", "mine.tsv", "--json"];
    let output = memwall(&folder, &arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{error}");
    let record: GpuValidationRecord = serde_json::from_slice(&output.stdout).expect("a record");
    assert_eq!(record.rows.len(), 6);
    for row in &record.rows {
        let methods = if row.kind == "gemm" { 3 } else { 1 };
        assert_eq!(row.figures.len(), methods, "{row:?}");
        for ours in &row.figures {
            assert_eq!(ours.basis, "machine file");
            assert!(ours.us > 1.0 && ours.error.abs() < 0.5, "{row:?}");
        }
    }
    let limited = memwall(
        &folder,
        &[
            "validate",
            "gpu",
            "--reference",
            "mine.tsv",
            "--max-worst",
            "0.01",
        ],
    );
    assert_eq!(limited.status.code(), Some(1));
}

#[test]
fn rows_that_cannot_be_compared_are_named() {
    let folder = folder("gpu-bad-rows");
    let good = "A100 80GB SXM\tx\t1\t4096\t4096\t\t\t\t\t\t\t\t25";
    for (row, words) in [
        (
            "A100 80GB SMX\tx\t1\t4096\t4096\t\t\t\t\t\t\t\t25",
            "did you mean 'A100 80GB SXM'?",
        ),
        (
            "A100 80GB SXM\tx\t0\t4096\t4096\t\t\t\t\t\t\t\t25",
            "mine.tsv:3: M: a whole number",
        ),
        (
            "A100 80GB SXM\tx\t1\t4096\t4096\t\t\t\t\t\t\t\t0",
            "microseconds above 0",
        ),
        (
            "A100 80GB SXM\tx\t1\t4096\t4096\t\t\t\t\t\t\t\tfast",
            "found 'fast'",
        ),
        (
            "A100 80GB SXM\tx\t1\t4096\t\t\t\t\t\t\t\t\t25",
            "N: must not be empty",
        ),
        (
            "A100 80GB SXM\tx\t\t\t\t\t\t\t\t\t\t\t25",
            "a row needs M, K and N",
        ),
        (
            "RTX 4090\tattention\t\t\t\t1\t16\t32\t8\t128\t\t\t25",
            "attention_decode",
        ),
        (
            "A100 80GB SXM, PyTorch\tsoftmix\t\t\t\t\t\t\t\t\t1\t1\t25",
            "did you mean 'softmax'?",
        ),
    ] {
        write(&folder, "mine.tsv", format!("{HEADER}{good}\n{row}\n"));
        let output = memwall(&folder, &["validate", "gpu", "--reference", "mine.tsv"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{row}: {said}");
        let said = said.replace("│", " ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{row}: {said}");
        assert!(output.stdout.is_empty());
    }
    let output = memwall(&folder, &["fit", "gpu", "--gpu", "A100"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("A100 80GB SXM"), "{said}");
}

#[test]
fn rows_that_do_not_determine_the_parameters_are_refused() {
    let folder = folder("gpu-few-rows");
    let table = |rows: u64| {
        let rows =
            (0..rows).map(|row| format!("mine\tx\t{}\t4096\t4096\t{}\n", 1 << row, 20 + row));
        let rows: String = rows.collect();
        write(&folder, "mine.tsv", format!("gpu\top\tM\tK\tN\tus\n{rows}"));
    };
    let fit = |more: &[&str]| {
        let all = ["fit", "gpu", "--gpu", "mine", "--reference", "mine.tsv"];
        let output = memwall(&folder, &[&all[..], more].concat());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let said = String::from_utf8_lossy(&output.stderr).replace('│', " ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        (output.status.code(), text, said)
    };
    table(1);
    let (code, text, said) = fit(&["--hw", "gpu-a100"]);
    assert_eq!(code, Some(2));
    assert!(
        text.is_empty() && said.contains("1 rows for 3 parameters"),
        "{said}"
    );
    table(5);
    let (code, text, _) = fit(&["--hw", "gpu-a100"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("# 5 rows for 3 parameters"), "{text}");
    assert!(
        text.contains("# left out: [gpu.gemm.size_dependent] has 5 rows for 6"),
        "{text}"
    );
    // Without a machine nothing says what the peaks are; that the table names the GPU is no misspelling.
    let (code, _, said) = fit(&[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("--hw NAME"), "{said}");
    let output = memwall(
        &folder,
        &[
            "fit",
            "gpu",
            "--gpu",
            "RTX 4090",
            "--model",
            "size-dependent",
        ],
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains("# compute_efficiency above 1"), "{text}");
}
