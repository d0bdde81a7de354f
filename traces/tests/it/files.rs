//! Opening by path: the name decides nothing, and a missing file is answered with a neighbour.

use std::path::PathBuf;
use std::{env, fs, process};

use memwall_traces::{Format, TraceError, TraceReader, samples};

use super::support::{NEUPIMS, drain, gzip};

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("memwall-traces-{}-{name}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn content_decides_and_not_the_name() {
    let folder = Folder::new("content");
    for (name, bytes) in [
        ("plain.gz", NEUPIMS.as_bytes().to_vec()),
        ("zipped.jsonl", gzip(NEUPIMS.as_bytes())),
    ] {
        let path = folder.0.join(name);
        fs::write(&path, bytes).unwrap();
        let reader = TraceReader::open(&path).unwrap();
        assert_eq!(reader.format(), Format::NeupimsBatch);
        assert_eq!(reader.origin(), path.display().to_string());
        assert_eq!(drain(reader).0, 2);
    }
}

#[test]
fn missing_files_are_answered_with_a_neighbour() {
    let folder = Folder::new("missing");
    let there = folder.0.join("conversation.csv");
    fs::write(&there, NEUPIMS).unwrap();
    let error = TraceReader::open(&folder.0.join("conversaton.csv")).unwrap_err();
    assert!(matches!(error, TraceError::NoSuchFile { .. }));
    assert_eq!(error.nearest(), there.to_str());
    assert_eq!(
        TraceReader::open(&folder.0.join("x"))
            .unwrap_err()
            .nearest(),
        None
    );
    assert_eq!(
        TraceReader::open(&folder.0.join("no/such/x"))
            .unwrap_err()
            .nearest(),
        None
    );
}

#[test]
fn folders_are_no_traces() {
    let folder = Folder::new("folder");
    assert!(matches!(
        TraceReader::open(&folder.0),
        Err(TraceError::CannotRead { .. })
    ));
}

#[test]
fn missing_samples_are_answered_with_a_neighbour() {
    let error = samples::open_sample("azure-like-arrival").unwrap_err();
    assert_eq!(error.nearest(), Some("azure-like-arrivals"));
}
