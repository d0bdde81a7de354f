//! Single memory requests, from the trace formats of the published DRAM simulators.
//!
//! A memory simulation offers them in file order. Where a request goes is either a byte address,
//! which the memory's mapping has yet to take apart, or the coordinates themselves.

use std::fmt;
use std::iter::FusedIterator;

use crate::error::TraceError;
use crate::fault::Fault;
use crate::format::Format;
use crate::nearest::nearest;
use crate::number::whole_number;
use crate::rows::Rows;

/// The latest cycle of a DRAMsim3 trace: a quarter of an hour at 1 GHz. A slip in this column would
/// have a simulation refresh idle memory for hours.
pub const MAX_CYCLE: u64 = 1_000_000_000_000;

/// Coordinates of a row at most: channel, pseudo-channel, rank, bank group, bank, row and column are
/// seven.
pub const MAX_COORDINATES: usize = 8;

/// Operations of a DRAMsim3 trace and whether they write. DRAMsim3 takes any word that it does not
/// know for a read, misspelt writes too; here they are errors. The `P_` words and `BOFF` are those
/// of DRAMSim2 traces.
const OPERATIONS: [(&str, bool); 8] = [
    ("READ", false),
    ("WRITE", true),
    ("read", false),
    ("write", true),
    ("P_MEM_RD", false),
    ("P_MEM_WR", true),
    ("P_FETCH", false),
    ("BOFF", true),
];

/// One request of a memory trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryRequest {
    /// Position among the rows of the trace, counted from 0.
    pub index: u64,
    /// Line in the file, counted from 1.
    pub line: u64,
    /// Earliest cycle at which it is offered; 0 where the format has none. Need not ascend.
    pub cycle: u64,
    /// Whether it writes.
    pub write: bool,
    /// Where it goes.
    pub target: Target,
}

/// Where a memory request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A byte address.
    Address(u64),
    /// Coordinates in the order of the memory's levels, from the channel down to the column.
    Coordinates(Coordinates),
}

/// Coordinates of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coordinates {
    values: [u64; MAX_COORDINATES],
    count: usize,
}

impl Coordinates {
    /// The coordinates, outermost level first.
    pub fn values(&self) -> &[u64] {
        &self.values[..self.count]
    }
}

/// The requests of a memory trace in file order, read as they are asked for. Ends after an error.
pub struct MemoryRequests {
    rows: Rows,
    format: Format,
}

impl MemoryRequests {
    pub(crate) const fn new(rows: Rows, format: Format) -> Self {
        Self { rows, format }
    }
}

impl Iterator for MemoryRequests {
    type Item = Result<MemoryRequest, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let format = self.format;
        self.rows.next(|index, line, row| {
            let (cycle, write, target) = match format {
                Format::RamulatorLoadStore => load_store(row)?,
                Format::RamulatorReadWrite => read_write(row)?,
                _ => dramsim3(row)?,
            };
            Ok(MemoryRequest {
                index,
                line,
                cycle,
                write,
                target,
            })
        })
    }
}

impl FusedIterator for MemoryRequests {}

impl fmt::Debug for MemoryRequests {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("MemoryRequests")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// The memory format of a file that begins with `line`. There is no header: the form of the first
/// row decides, so that a misspelt word in it is reported as that.
pub(crate) fn format_of(line: &str) -> Option<Format> {
    let mut fields = line.split_whitespace();
    let (first, second) = (fields.next()?, fields.next()?);
    match first {
        "LD" | "ST" => return Some(Format::RamulatorLoadStore),
        "R" | "W" => return Some(Format::RamulatorReadWrite),
        _ => {}
    }
    let third = fields.next()?;
    let wordy = second.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let timed = third.bytes().all(|byte| byte.is_ascii_digit());
    (wordy && timed && hexadecimal(first).is_some()).then_some(Format::DramSim3)
}

type Row = (u64, bool, Target);

/// `0x12345680 READ 42`: hexadecimal address with or without its prefix, operation, cycle.
fn dramsim3(row: &str) -> Result<Row, Fault> {
    let [place, operation, cycle] = fields(Format::DramSim3, row)?;
    let address = hexadecimal(place).ok_or_else(|| {
        let rule = "must be a hexadecimal address of at most 64 bits";
        Fault::broken("address", rule, place)
    })?;
    let Some((_, write)) = OPERATIONS.iter().find(|(name, _)| *name == operation) else {
        let names = OPERATIONS.map(|(name, _)| name);
        return Err(unknown("operation", operation, &names));
    };
    let cycle = whole_number("cycle", cycle, "cycles", MAX_CYCLE)?;
    Ok((cycle, *write, Target::Address(address)))
}

/// `LD 0x12345680`, `ST 74565`.
fn load_store(row: &str) -> Result<Row, Fault> {
    let [operation, place] = fields(Format::RamulatorLoadStore, row)?;
    let write = one_of(operation, ["LD", "ST"])?;
    let address = if place.starts_with("0x") || place.starts_with("0X") {
        hexadecimal(place)
    } else {
        decimal(place)
    };
    let address = address.ok_or_else(|| {
        let rule = "must be a decimal address, or a hexadecimal one after 0x, of at most 64 bits";
        Fault::broken("address", rule, place)
    })?;
    Ok((0, write, Target::Address(address)))
}

/// `R 0,0,2,3,1234,16`.
fn read_write(row: &str) -> Result<Row, Fault> {
    let [operation, place] = fields(Format::RamulatorReadWrite, row)?;
    let write = one_of(operation, ["R", "W"])?;
    let mut coordinates = Coordinates {
        values: [0; MAX_COORDINATES],
        count: 0,
    };
    for text in place.split(',') {
        let slot = coordinates.values.get_mut(coordinates.count);
        let (Some(slot), Some(value)) = (slot, decimal(text)) else {
            let rule = format!(
                "must be at most {MAX_COORDINATES} whole numbers with commas and no spaces between them"
            );
            return Err(Fault::broken("coordinates", rule, place));
        };
        *slot = value;
        coordinates.count += 1;
    }
    Ok((0, write, Target::Coordinates(coordinates)))
}

/// The fields of a row, as many as the format has.
fn fields<const N: usize>(format: Format, row: &str) -> Result<[&str; N], Fault> {
    let mut parts = row.split_whitespace();
    let mut found = [""; N];
    let mut count = 0;
    for (slot, part) in found.iter_mut().zip(parts.by_ref()) {
        *slot = part;
        count += 1;
    }
    if count == N && parts.next().is_none() {
        return Ok(found);
    }
    let rule = format!("must be {}", format.columns().join(", "));
    Err(Fault::broken("(whole row)", rule, row))
}

/// Whether the operation is the second of the two.
fn one_of(operation: &str, names: [&str; 2]) -> Result<bool, Fault> {
    match names.iter().position(|name| *name == operation) {
        Some(index) => Ok(index == 1),
        None => Err(unknown("operation", operation, &names)),
    }
}

fn unknown(column: &str, found: &str, names: &[&str]) -> Fault {
    let meant = nearest(found, names.iter().copied())
        .map(|name| format!("; is `{name}` meant?"))
        .unwrap_or_default();
    let rule = format!("must be one of {}{meant}", names.join(", "));
    Fault::broken(column, rule, found)
}

fn hexadecimal(text: &str) -> Option<u64> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    // `from_str_radix` would let a sign through.
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| plain)
}

fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}
