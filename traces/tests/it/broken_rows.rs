//! A row that breaks a rule is named by line, column, rule and what was found.

use super::support::{fault, gzip};

/// A trace, then line, column, part of the rule, and what is found there.
const BROKEN: [(&str, u64, &str, &str, &str); 15] = [
    (
        "seq_len,ch_idx\n5,0\nx,0\n",
        3,
        "seq_len",
        "whole number of tokens",
        "x",
    ),
    (
        "seq_len,ch_idx\n100000001,0\n",
        2,
        "seq_len",
        "100000000",
        "100000001",
    ),
    ("seq_len,ch_idx\n5,65536\n", 2, "ch_idx", "65535", "65536"),
    ("seq_len,ch_idx\n5\n", 2, "ch_idx", "ends before", "5"),
    (
        "seq_len,ch_idx\n5,1,2\n",
        2,
        "ch_idx",
        "last field",
        "5,1,2",
    ),
    (
        "seq_len,ch_idx\n\"5\",1\n",
        2,
        "seq_len",
        "whole number",
        "\"5\"",
    ),
    (
        "seq_len,ch_idx,seq_len\n5,1,2\n",
        1,
        "seq_len",
        "once",
        "seq_len,ch_idx,seq_len",
    ),
    (
        "TIMESTAMP,ContextTokens,GeneratedTokens\nnow,1,2\n",
        2,
        "TIMESTAMP",
        "UTC",
        "now",
    ),
    (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-01-01 00:00:01,1,2\n2024-01-01 00:00:00,1,2\n",
        3,
        "TIMESTAMP",
        "earlier",
        "2024-01-01 00:00:00",
    ),
    (
        "{\"hash_ids\": [",
        1,
        "(whole row)",
        "one JSON object",
        "{\"hash_ids\": [",
    ),
    (
        "{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": []}\n[0, 1, 1, []]",
        2,
        "(whole row)",
        "brace",
        "[0, 1, 1, []]",
    ),
    (
        "{\"timestamp\": 1.5, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": []}",
        1,
        "timestamp",
        "milliseconds",
        "1.5",
    ),
    (
        "{\"timestamp\": 1, \"input_length\": \"1\", \"output_length\": 1, \"hash_ids\": []}",
        1,
        "input_length",
        "tokens",
        "\"1\"",
    ),
    (
        "{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": [0, -1]}",
        1,
        "hash_ids",
        "list of whole numbers",
        "-1",
    ),
    (
        "{\"timestamp\": 1, \"input_length\": null, \"output_length\": 1, \"hash_ids\": []}",
        1,
        "input_length",
        "a value",
        "null",
    ),
];

#[test]
fn broken_rows_are_named_by_line_and_column() {
    for (text, line, column, rule, found) in BROKEN {
        let error = fault(text);
        assert_eq!(error.origin(), "test trace");
        assert_eq!(
            (error.line(), error.column(), error.found()),
            (Some(line), Some(column), Some(found))
        );
        assert!(error.rule().unwrap().contains(rule), "{error}");
        assert_eq!(fault(gzip(text.as_bytes())).to_string(), error.to_string());
    }
}

#[test]
fn missing_columns_are_named_with_their_likeness() {
    let error = fault("seq_len,ch_index\n1,2\n");
    assert_eq!(
        (error.line(), error.column(), error.nearest()),
        (Some(1), Some("ch_idx"), Some("ch_index"))
    );
    assert!(
        error
            .to_string()
            .contains("NeuPIMs batch CSV must have; is `ch_index` meant?"),
        "{error}"
    );
    let error =
        fault("{\"timestamp\": 0, \"input_len\": 1, \"output_length\": 1, \"hash_ids\": []}");
    assert_eq!(
        (error.column(), error.nearest()),
        (Some("input_length"), Some("input_len"))
    );
    assert_eq!(fault("TIMESTAMP,ContextTokens\n").nearest(), None);
}
