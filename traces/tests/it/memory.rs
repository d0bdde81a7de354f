//! Traces of memory simulators: what each row means, and how a broken one is refused.

use memwall_traces::{Format, MemoryRequest, Target, TraceError, TraceReader};

use super::support::{AZURE, DRAMSIM3, LOAD_STORE, READ_WRITE, Rows, fault, gzip, read};

fn requests(text: &str) -> Vec<MemoryRequest> {
    match read(text).1.unwrap() {
        Rows::Memory(requests) => requests,
        other => panic!("{other:?}"),
    }
}

fn format(text: &'static str) -> Format {
    TraceReader::from_reader("t", text.as_bytes())
        .unwrap()
        .format()
}

#[test]
fn each_simulators_rows_are_read_as_it_reads_them() {
    assert_eq!(format(DRAMSIM3), Format::DramSim3);
    let rows = requests(DRAMSIM3);
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.cycle, row.write, row.target))
        .collect();
    // Addresses are hexadecimal with and without a prefix, as `>> hex` takes them.
    assert_eq!(
        seen,
        [
            (0, false, Target::Address(0x1234_5680)),
            (25, true, Target::Address(0x4000)),
            (7, false, Target::Address(0xff)),
        ]
    );
    assert_eq!(format(LOAD_STORE), Format::RamulatorLoadStore);
    let rows = requests(LOAD_STORE);
    assert_eq!((rows[1].write, rows[1].line, rows[1].index), (true, 2, 1));
    assert_eq!(rows[1].target, Target::Address(74565));
    assert_eq!(format(READ_WRITE), Format::RamulatorReadWrite);
    let rows = requests(READ_WRITE);
    let Target::Coordinates(place) = rows[0].target else {
        panic!("{rows:?}")
    };
    assert_eq!(place.values(), [0, 0, 2, 3, 1234, 16]);
}

#[test]
fn gzip_and_blank_lines_change_nothing() {
    let spaced = DRAMSIM3.replace('\n', "\r\n\r\n");
    let Rows::Memory(rows) = read(gzip(spaced.as_bytes())).1.unwrap() else {
        panic!("memory requests")
    };
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[2].line, 5);
}

#[test]
fn broken_rows_are_named() {
    for (text, line, column, words) in [
        (
            "0x1 READ 0\n0x2 RAED 3\n",
            2,
            "operation",
            "is `READ` meant?",
        ),
        ("0x1 RAED 0\n", 1, "operation", "is `READ` meant?"),
        ("0x1 READ 0\n0xg READ 3\n", 2, "address", "hexadecimal"),
        (
            "0x1 READ 0\n0x11112222333344445 READ 3\n",
            2,
            "address",
            "64 bits",
        ),
        ("0x1 READ 0\n0x2 READ -3\n", 2, "cycle", "from 0 to"),
        (
            "0x1 READ 0\n0x2 READ 1000000000001\n",
            2,
            "cycle",
            "from 0 to",
        ),
        ("0x1 READ 0\n0x2 READ\n", 2, "(whole row)", "cycle"),
        ("0x1 READ 0\n0x2 READ 1 1\n", 2, "(whole row)", "cycle"),
        ("LD 1\nSD 2\n", 2, "operation", "LD, ST"),
        ("LD 1\nST 1f\n", 2, "address", "after 0x"),
        ("LD 1\nST +1\n", 2, "address", "after 0x"),
        ("LD\n1\n", 1, "", "not a known trace"),
        ("R 0,1\nW 0,,1\n", 2, "coordinates", "whole numbers"),
        ("R 1,2,3,4,5,6,7,8,9\n", 1, "coordinates", "at most 8"),
        ("W 1, 2\n", 1, "(whole row)", "coordinates"),
    ] {
        let error = fault(text);
        assert_eq!(error.line(), Some(line), "{error}");
        assert_eq!(error.column().unwrap_or_default(), column, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn memory_traces_are_no_arrivals_and_the_other_way_round() {
    let open = |text: &'static str| TraceReader::from_reader("t", text.as_bytes()).unwrap();
    for error in [
        open(LOAD_STORE).requests().unwrap_err(),
        open(DRAMSIM3).in_flight().unwrap_err(),
        open(AZURE).memory().unwrap_err(),
    ] {
        assert!(matches!(error, TraceError::OtherContent { .. }), "{error}");
    }
}
