//! Small valid traces of every format, and the ways to read one to its end.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use memwall_traces::{Content, InFlight, MemoryRequest, Request, TraceError, TraceReader};

pub(crate) const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
    2023-11-16 18:15:46.6805900,374,44\n\
    2023-11-16 18:15:50.9951690,396,109\n\
    2023-11-16 18:15:51.2224670,879,0";

pub(crate) const MOONCAKE: &str = r#"{"timestamp": 0, "input_length": 600, "output_length": 500, "hash_ids": [0, 1]}
{"timestamp": 3000, "input_length": 7, "output_length": 3, "hash_ids": [0]}
"#;

pub(crate) const NEUPIMS: &str = "seq_len,ch_idx\n2048,0\n17,31\n";

pub(crate) const DRAMSIM3: &str = "0x12345680 READ 0\n 4000 WRITE 25\n0XFF P_MEM_RD 7\n";

pub(crate) const LOAD_STORE: &str = "LD 0x12345680\nST 74565\nLD 0\n";

pub(crate) const READ_WRITE: &str = "R 0,0,2,3,1234,16\nW 0,1,0,0,7,8\n";

pub(crate) const ALL: [&str; 6] = [AZURE, MOONCAKE, NEUPIMS, DRAMSIM3, LOAD_STORE, READ_WRITE];

/// All rows of a trace, or its first error.
#[derive(Debug, PartialEq)]
pub(crate) enum Rows {
    Arrivals(Vec<Request>),
    Batch(Vec<InFlight>),
    Memory(Vec<MemoryRequest>),
}

/// What was read before the end or the first error, and that error.
pub(crate) fn read(bytes: impl Into<Vec<u8>>) -> (usize, Result<Rows, TraceError>) {
    match TraceReader::from_reader("test trace", Cursor::new(bytes.into())) {
        Ok(reader) => drain(reader),
        Err(error) => (0, Err(error)),
    }
}

pub(crate) fn drain(reader: TraceReader) -> (usize, Result<Rows, TraceError>) {
    match reader.format().content() {
        Content::Arrivals => match reader.requests() {
            Ok(rows) => collect(rows, Rows::Arrivals),
            Err(error) => (0, Err(error)),
        },
        Content::Batch => match reader.in_flight() {
            Ok(rows) => collect(rows, Rows::Batch),
            Err(error) => (0, Err(error)),
        },
        Content::Memory => match reader.memory() {
            Ok(rows) => collect(rows, Rows::Memory),
            Err(error) => (0, Err(error)),
        },
    }
}

/// Also holds every iterator to its promise of ending after an error.
fn collect<T>(
    mut rows: impl Iterator<Item = Result<T, TraceError>>,
    whole: impl FnOnce(Vec<T>) -> Rows,
) -> (usize, Result<Rows, TraceError>) {
    let mut read = Vec::new();
    while let Some(row) = rows.next() {
        match row {
            Ok(row) => read.push(row),
            Err(error) => {
                assert!(rows.next().is_none(), "a row after {error}");
                return (read.len(), Err(error));
            }
        }
    }
    assert!(rows.next().is_none(), "a row after the end");
    (read.len(), Ok(whole(read)))
}

pub(crate) fn arrivals(bytes: impl Into<Vec<u8>>) -> Vec<Request> {
    match read(bytes).1.unwrap() {
        Rows::Arrivals(requests) => requests,
        Rows::Batch(_) | Rows::Memory(_) => panic!("no arrivals"),
    }
}

pub(crate) fn fault(bytes: impl Into<Vec<u8>>) -> TraceError {
    read(bytes).1.unwrap_err()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
