//! Whatever the bytes, a reader ends, in bounded memory, without a panic.

use std::io::{self, Read};

use flate2::Compression;
use flate2::read::GzEncoder;
use memwall_traces::{TraceError, TraceReader};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::support::{ALL, gzip, read};

#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Delete(Index),
    Truncate(Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Flip(at, mask) => {
                let at = at.index(bytes.len());
                bytes[at] ^= mask;
            }
            Self::Insert(at, new) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Delete(at) => drop(bytes.remove(at.index(bytes.len()))),
            Self::Truncate(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<Index>(), 1_u8..).prop_map(|(at, mask)| Damage::Flip(at, mask)),
        (any::<Index>(), vec(any::<u8>(), 1..8)).prop_map(|(at, new)| Damage::Insert(at, new)),
        any::<Index>().prop_map(Damage::Delete),
        any::<Index>().prop_map(Damage::Truncate),
    ]
}

/// Reads to the end; an error must say what it is about.
fn survives(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    if let (_, Err(error)) = read(bytes) {
        prop_assert_eq!(error.origin(), "test trace");
        prop_assert!(error.to_string().starts_with("test trace"), "{}", error);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..2048)) {
        for header in ["", "{", "TIMESTAMP,ContextTokens,GeneratedTokens\n", "seq_len,ch_idx\n", "{\"hash_ids\":", "0x1 READ 1\n", "LD 1\n", "R 1,"] {
            let mut whole = header.as_bytes().to_vec();
            whole.extend(&bytes);
            survives(gzip(&whole))?;
            survives(whole)?;
        }
        let mut archive = vec![0x1f, 0x8b, 8, 0];
        archive.extend(&bytes);
        survives(archive)?;
    }

    #[test]
    fn damaged_text(which in 0..ALL.len(), damages in vec(damage(), 1..6)) {
        let mut bytes = ALL[which].as_bytes().to_vec();
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        survives(gzip(&bytes))?;
        survives(bytes)?;
    }

    #[test]
    fn damaged_gzip(which in 0..ALL.len(), damages in vec(damage(), 1..6)) {
        let mut bytes = gzip(ALL[which].as_bytes());
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        survives(bytes)?;
    }
}

/// Data that is small on disk and has no end of line: 64 MiB, a thousandth of that packed.
#[test]
fn a_gzip_bomb_is_cut_off() {
    for start in ["", "seq_len,ch_idx\n", "{\"hash_ids\": ["] {
        let bytes = start.as_bytes().chain(io::repeat(b'a').take(64 << 20));
        let mut bomb = Vec::new();
        GzEncoder::new(bytes, Compression::fast())
            .read_to_end(&mut bomb)
            .unwrap();
        let error = read(bomb).1.unwrap_err();
        assert!(matches!(error, TraceError::LineTooLong { .. }), "{error}");
        assert_eq!(
            error.line(),
            Some(if start.ends_with('\n') { 2 } else { 1 })
        );
    }
}

#[test]
fn an_endless_line_is_cut_off() {
    let error = TraceReader::from_reader("endless", io::repeat(b' ')).unwrap_err();
    assert!(
        matches!(error, TraceError::LineTooLong { line: 1, .. }),
        "{error}"
    );
}
