//! Requests to several channels in one order, and the requests of a recorded trace.

use super::organisation::Organisation;
use super::request::{Request, Source};
use super::stream::Direction;
use crate::time::Tick;
use memwall_traces::{MemoryRequest, Target, TraceError};

/// A request and the channel it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Offered {
    /// The channel.
    pub channel: usize,
    /// The request.
    pub request: Request,
}

/// Requests in the order in which the host offers them, over all channels. As a [`Source`], of the
/// one channel there is.
pub trait Traffic: Source {
    /// The next request; `None` for ever after the last.
    fn offered(&mut self) -> Option<Offered>;
}

/// The requests of a recorded trace. Addresses beyond the capacity wrap, and addresses within a
/// burst go to the whole burst: traces are recorded on machines with other memories.
pub struct TraceTraffic<R> {
    rows: R,
    organisation: Organisation,
    left: u64,
    latest: Tick,
    error: Option<TrafficError>,
}

/// Why a trace ended early.
#[derive(Debug, thiserror::Error)]
pub enum TrafficError {
    /// A row cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A row has not as many coordinates as the memory has levels.
    #[error("line {line}: {found} coordinates, but this memory has {}", levels.join(", "))]
    Levels {
        /// Line of the row.
        line: u64,
        /// Coordinates there.
        found: usize,
        /// Levels of the memory.
        levels: Vec<&'static str>,
    },
    /// A coordinate does not exist in the memory.
    #[error("line {line}: {level} {value}, but this memory has {size} of them, counted from 0")]
    Coordinate {
        /// Line of the row.
        line: u64,
        /// The level.
        level: &'static str,
        /// Coordinate there.
        value: u64,
        /// Size of the level.
        size: u64,
    },
}

impl<R: Iterator<Item = Result<MemoryRequest, TraceError>>> TraceTraffic<R> {
    /// At most `limit` rows of a trace, on a memory of this organisation.
    pub fn new(rows: R, organisation: &Organisation, limit: u64) -> TraceTraffic<R> {
        TraceTraffic {
            rows,
            organisation: organisation.clone(),
            left: limit,
            latest: 0,
            error: None,
        }
    }

    /// What ended the trace before its last row, if anything did.
    pub fn error(&mut self) -> Option<TrafficError> {
        self.error.take()
    }

    fn next_row(&mut self) -> Result<Option<Offered>, TrafficError> {
        if self.left == 0 {
            return Ok(None);
        }
        let Some(row) = self.rows.next().transpose()? else {
            return Ok(None);
        };
        self.left -= 1;
        let (channel, slot) = match row.target {
            Target::Address(address) => self.organisation.slot_of_address(address),
            Target::Coordinates(place) => self.slot_of(row.line, place.values())?,
        };
        // A cycle before that of an earlier row has passed when this row's turn comes.
        self.latest = self.latest.max(row.cycle);
        let direction = if row.write {
            Direction::Write
        } else {
            Direction::Read
        };
        let request = Request {
            at: self.latest,
            slot,
            direction,
        };
        Ok(Some(Offered { channel, request }))
    }

    /// Coordinates as Ramulator orders them: channel, pseudo-channel, rank (or stack ID), bank
    /// group, bank, row, column. Levels that the memory does not have (one unit only) may be left
    /// out, as Ramulator's standards leave them out; the column counts bursts.
    fn slot_of(&self, line: u64, place: &[u64]) -> Result<(usize, u64), TrafficError> {
        let o = &self.organisation;
        let all = [
            ("channel", o.channels as u64),
            ("pseudo-channel", o.pseudo_channels as u64),
            ("rank", o.ranks as u64),
            ("bank group", o.bank_groups as u64),
            ("bank", o.banks_per_group as u64),
            ("row", o.rows),
            ("column", o.columns()),
        ];
        // The channel is always written; other single units only where all are.
        let whole = place.len() == all.len();
        let present = |index: usize| whole || index == 0 || index >= 4 || all[index].1 > 1;
        let mut values = [0; 7];
        let mut given = place.iter();
        let mut missing = false;
        for (index, value) in values.iter_mut().enumerate() {
            if present(index) {
                match given.next() {
                    Some(&found) => *value = found,
                    None => missing = true,
                }
            }
        }
        if missing || given.next().is_some() {
            let levels =
                (0..all.len()).filter(|&index| index == 0 || index >= 4 || all[index].1 > 1);
            return Err(TrafficError::Levels {
                line,
                found: place.len(),
                levels: levels.map(|index| all[index].0).collect(),
            });
        }
        for ((level, size), &value) in all.into_iter().zip(&values) {
            if value >= size {
                return Err(TrafficError::Coordinate {
                    line,
                    level,
                    value,
                    size,
                });
            }
        }
        let [channel, pseudo, rank, group, bank, row, column] = values;
        let unit = rank as usize * o.pseudo_channels + pseudo as usize;
        let bank = (unit * o.bank_groups + group as usize) * o.banks_per_group + bank as usize;
        Ok((channel as usize, o.slot_at(bank, row as u32, column)))
    }
}

impl<R: Iterator<Item = Result<MemoryRequest, TraceError>>> Traffic for TraceTraffic<R> {
    fn offered(&mut self) -> Option<Offered> {
        match self.next_row() {
            Ok(offered) => offered,
            Err(error) => {
                self.left = 0;
                self.error = Some(error);
                None
            }
        }
    }
}

impl<R: Iterator<Item = Result<MemoryRequest, TraceError>>> Source for TraceTraffic<R> {
    fn take(&mut self) -> Option<Request> {
        self.offered().map(|offered| offered.request)
    }
}
