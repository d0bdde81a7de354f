//! The published traces are read to their last row.
//!
//! They are not part of the repository; where they do not lie beside it, the test says so.

use std::path::{Path, PathBuf};

use memwall_traces::{Format, Request, TraceReader};

use super::support::{Rows, drain};

fn published(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/traces")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    #[allow(clippy::print_stderr, reason = "a test that did not run has to say so")]
    {
        eprintln!("SKIPPED: {name} is not at {}", path.display());
    }
    None
}

fn arrivals(name: &str, format: Format) -> Option<Vec<Request>> {
    let reader = TraceReader::open(&published(name)?).unwrap();
    assert_eq!(reader.format(), format);
    match drain(reader).1.unwrap() {
        Rows::Arrivals(requests) => Some(requests),
        Rows::Batch(_) | Rows::Memory(_) => panic!("a batch"),
    }
}

#[test]
fn azure_2023() {
    for (name, rows, seconds) in [("conv", 19_366, 3501.7), ("code", 8_819, 3435.9)] {
        let name = format!("requests/azure2023_{name}.csv.gz");
        let Some(requests) = arrivals(&name, Format::AzureLlm) else {
            continue;
        };
        assert_eq!(requests.len(), rows);
        let span = requests[rows - 1].arrival_ns as f64 * 1e-9;
        assert!((span - seconds).abs() < 0.1, "{name} spans {span} s");
    }
}

#[test]
fn mooncake_conversation() {
    let name = "requests/mooncake_conversation.jsonl.gz";
    let Some(requests) = arrivals(name, Format::Mooncake) else {
        return;
    };
    assert_eq!(requests.len(), 12_031);
    let blocks: usize = requests
        .iter()
        .map(|request| request.prefix_blocks.len())
        .sum();
    assert_eq!(blocks, 288_500);
    assert!(
        requests
            .iter()
            .all(|row| row.prefix_blocks.len() as u64 == row.input_tokens.div_ceil(512))
    );
}

#[test]
fn neupims_batch() {
    let Some(path) = published("neupims/w256-clb.csv") else {
        return;
    };
    let Ok(Rows::Batch(rows)) = drain(TraceReader::open(&path).unwrap()).1 else {
        panic!("no batch")
    };
    assert_eq!(rows.len(), 256);
    assert!(rows.iter().all(|row| row.channel < 32));
}
