//! Every error leads to the place at fault.

use std::fmt::Write as _;
use std::io;

use memwall_traces::{Content, Format, MAX_LINE_BYTES, TraceError, TraceReader};

use super::support::{AZURE, MOONCAKE, NEUPIMS, arrivals, fault, gzip, read};

#[test]
fn each_format_is_read_as_it_stands() {
    let azure = arrivals(AZURE);
    assert_eq!(
        azure.iter().map(|row| row.arrival_ns).collect::<Vec<_>>(),
        [0, 4_314_579_000, 4_541_877_000]
    );
    assert_eq!(
        (azure[2].index, azure[2].line, azure[2].output_tokens),
        (2, 4, 0)
    );
    let mooncake = arrivals(MOONCAKE);
    assert_eq!(
        (mooncake[1].index, mooncake[1].line, mooncake[1].arrival_ns),
        (1, 2, 3_000_000_000)
    );
    assert_eq!(mooncake[0].prefix_blocks, [0, 1]);
    assert_eq!(read(NEUPIMS).0, 2);
}

#[test]
fn columns_are_found_by_name() {
    let year_2025 =
        "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\r\n\r\n2025-01-01 00:00:00,9,374,44\r\n";
    let row = &arrivals(year_2025)[0];
    assert_eq!(
        (row.line, row.input_tokens, row.output_tokens),
        (3, 374, 44)
    );
    let turned = "\u{feff}GeneratedTokens, TIMESTAMP ,ContextTokens\n44,2024-05-10 00:00:00.009930+00:00,374\n";
    let row = &arrivals(turned)[0];
    assert_eq!((row.input_tokens, row.output_tokens), (374, 44));
}

#[test]
fn gzip_of_several_members_is_one_trace() {
    let mut bytes = gzip(AZURE.as_bytes());
    bytes.extend(gzip(b"\n2023-11-16 18:15:52,5,6\n"));
    assert_eq!(arrivals(bytes).len(), 4);
}

#[test]
fn strangers_are_shown_with_the_formats_read() {
    let error = fault(format!("\x1b[31m{}", "a".repeat(100)));
    let TraceError::Unrecognised { found, .. } = &error else {
        panic!("{error}")
    };
    assert!(found.starts_with("\\u{1b}[31m") && found.ends_with("a..."));
    assert!(
        error
            .to_string()
            .contains("Mooncake JSON lines (timestamp,"),
        "{error}"
    );
}

#[test]
fn nothing_is_an_error() {
    for text in [
        "",
        "\n\n",
        "seq_len,ch_idx",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n\n",
    ] {
        assert!(
            matches!(fault(text), TraceError::Nothing { .. }),
            "{text:?}"
        );
        assert!(
            matches!(fault(gzip(text.as_bytes())), TraceError::Nothing { .. }),
            "{text:?}"
        );
    }
}

#[test]
fn other_content_is_refused_before_the_first_row() {
    let open = |text: &'static str| TraceReader::from_reader("t", text.as_bytes()).unwrap();
    let error = open(NEUPIMS).requests().unwrap_err();
    assert!(matches!(
        error,
        TraceError::OtherContent {
            format: Format::NeupimsBatch,
            wanted: Content::Arrivals,
            ..
        }
    ));
    assert!(open(AZURE).in_flight().is_err() && open(MOONCAKE).in_flight().is_err());
}

#[test]
fn damaged_gzip_gives_its_whole_rows_first() {
    let mut text = String::from("seq_len,ch_idx\n");
    for row in 0..50_000_u64 {
        writeln!(text, "{},{}", row * row % 9973, row % 32).unwrap();
    }
    let whole = gzip(text.as_bytes());
    let (rows, error) = read(&whole[..whole.len() / 2]);
    let error = error.unwrap_err();
    assert!(
        matches!(error, TraceError::TruncatedGzip { .. }) && rows > 1000,
        "{error} after {rows}"
    );
    assert_eq!(error.line(), Some(rows as u64 + 1));
    let mut damaged = whole.clone();
    let checksum = whole.len() - 8;
    damaged[checksum] ^= 1;
    assert!(matches!(
        fault(damaged),
        TraceError::CorruptGzip {
            last_whole_line: 50_001,
            ..
        }
    ));
}

#[test]
fn bytes_that_are_no_text_are_counted_out() {
    let error = fault(b"seq_len,ch_idx\n1,2\n12\xff,3\n".to_vec());
    assert!(
        matches!(
            error,
            TraceError::NotUtf8 {
                line: 3,
                byte: 3,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn the_longest_line_is_read_and_no_longer_one() {
    let padded = |spaces| format!("seq_len,ch_idx\n1,{}2\r\n3,4", " ".repeat(spaces));
    assert_eq!(read(padded(MAX_LINE_BYTES - 3)).0, 2);
    assert!(matches!(
        fault(padded(MAX_LINE_BYTES - 2)),
        TraceError::LineTooLong { line: 2, .. }
    ));
}

#[test]
fn a_failing_source_keeps_its_reason() {
    struct Failing;
    impl io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::PermissionDenied))
        }
    }
    let error = TraceReader::from_reader("socket", Failing).unwrap_err();
    assert!(matches!(error, TraceError::CannotRead { .. }) && error.origin() == "socket");
}
