//! Opens what a trace is read from: plain text or gzip, told apart by the first bytes.
//!
//! Traces are passed around under any name (`trace.csv` that is gzip, `trace.gz` that a browser
//! has unpacked), so names are not asked.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::TraceError;
use crate::nearest::nearest;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// How many names of a folder are compared with a misspelt one: a folder of traces has few, and
/// an error must not take seconds in any other.
const COMPARED_NAMES: usize = 4096;

/// The decoded bytes of a trace, buffered.
pub(crate) struct Source {
    pub(crate) bytes: Box<dyn BufRead + Send>,
    /// Whether an unexpected end means damaged gzip data.
    pub(crate) gzip: bool,
}

impl Source {
    /// # Errors
    ///
    /// What the first read of `raw` reports.
    pub(crate) fn new(mut raw: impl Read + Send + 'static) -> io::Result<Self> {
        let mut start = Vec::with_capacity(GZIP_MAGIC.len());
        raw.by_ref()
            .take(GZIP_MAGIC.len() as u64)
            .read_to_end(&mut start)?;
        let gzip = start == GZIP_MAGIC;
        let whole = BufReader::new(Cursor::new(start).chain(raw));
        let bytes: Box<dyn BufRead + Send> = if gzip {
            // Multi-member: `cat a.gz b.gz` and parallel compressors produce such files.
            Box::new(BufReader::new(MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self { bytes, gzip })
    }
}

/// Opens a file; a missing one is reported with the nearest name in its folder.
pub(crate) fn open_file(path: &Path) -> Result<File, TraceError> {
    let origin = path.display().to_string();
    File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => TraceError::NoSuchFile {
            origin,
            nearest: neighbour(path),
        },
        _ => TraceError::CannotRead { origin, source },
    })
}

/// The path of the file in the same folder whose name is nearest to that of `path`.
fn neighbour(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent()?;
    let listed = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let names: Vec<String> = fs::read_dir(listed)
        .ok()?
        .take(COMPARED_NAMES)
        .flatten()
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let name = nearest(wanted, names.iter().map(String::as_str))?;
    Some(folder.join(name).display().to_string())
}
