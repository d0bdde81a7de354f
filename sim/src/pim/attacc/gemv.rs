//! A matrix of `m` rows and `k` columns times a vector, on one stack: rows spread over channels and
//! units, columns over the banks of a group at bank level; the vector goes into the GEMV buffers
//! first, results come out as they are done, beside the steps of the next.
//!
//! Remainders are exact: channels get `m / channels` rows or one more, a step less is commanded
//! where no unit needs it, and results move only out of units that have some. The vector buffers
//! are taken to hold the whole vector, as in the published simulator.
#![deny(clippy::float_arithmetic)]

use super::attention::RESULTS_OF_MOVE;
use super::request::{Ask, Request, Storage};
use super::stream::Stream;
use super::{Level, Parameters, Run, run};
use crate::dram::Standard;

/// Runs a GEMV of `m` x `k` elements. Without rows or columns the run is empty. Rows beyond the
/// stack's capacity wrap. A part that [`super::lacks`] a command of the level gives a run of
/// meaningless length: ask first.
pub fn gemv(standard: &Standard, parameters: &Parameters, m: u64, k: u64) -> Run {
    Run {
        weight_bytes: m.saturating_mul(k).saturating_mul(parameters.element_bytes),
        ..run(standard, parameters, &stream(standard, parameters, m, k))
    }
}

/// Steps of the busiest channel: what its bound is worked out from.
pub fn steps(standard: &Standard, parameters: &Parameters, m: u64, k: u64) -> u64 {
    let shape = Shape::new(standard, parameters, k);
    let rows = m.div_ceil(standard.organisation.channels.max(1) as u64);
    rows.div_ceil(shape.units) * shape.steps_of_row
}

struct Shape {
    storage: Storage,
    level: Level,
    /// Rows that a channel works on side by side.
    units: u64,
    /// Steps of one row: bursts of each bank that shares it.
    steps_of_row: u64,
    /// Bursts of the vector.
    vector: u64,
}

impl Shape {
    fn new(standard: &Standard, parameters: &Parameters, k: u64) -> Shape {
        let storage = Storage::new(&standard.organisation);
        let level = parameters.level;
        let groups = storage.pseudo * storage.ranks * storage.groups;
        let (units, shares) = match level {
            Level::Bank => (groups, storage.of_group),
            Level::BankGroup => (groups, 1),
            Level::Buffer => (storage.pseudo, 1),
        };
        let vector = k.div_ceil(parameters.lanes(standard));
        Shape {
            storage,
            level,
            units: units.max(1),
            steps_of_row: vector.div_ceil(shares.max(1)),
            vector,
        }
    }

    /// The bank whose buffer takes a burst of the vector: each bank of a group its share.
    fn vector(&self) -> Vec<Request> {
        let place = |burst: u64| match self.level {
            Level::Bank => self.storage.bank_index(burst % self.storage.of_group),
            _ => 0,
        };
        let request = |burst| Request {
            ask: Ask::WrGb,
            bank: place(burst),
            row: 0,
        };
        (0..self.vector).map(request).collect()
    }

    /// Moves of the results `first..end` of every unit, where a channel has `rows`: one for each
    /// place of the first pseudo-channel that has a result there or in its like.
    fn results(&self, rows: u64, first: u64) -> Vec<Request> {
        let places = self.units / self.storage.pseudo;
        let (groups, pseudo) = (self.storage.groups, self.storage.pseudo);
        (0..places)
            .filter(|place| first * self.units + place * pseudo < rows)
            .map(|place| Request {
                ask: Ask::MvSb,
                bank: self.storage.first_of(place / groups, place % groups),
                row: 0,
            })
            .collect()
    }
}

/// The requests of a GEMV, in order.
pub fn stream(standard: &Standard, parameters: &Parameters, m: u64, k: u64) -> Stream {
    let channels = standard.organisation.channels as u64;
    let mut stream = Stream::new(standard.organisation.channels);
    if m == 0 || k == 0 || channels == 0 {
        return stream;
    }
    let shape = Shape::new(standard, parameters, k);
    // The first channels have one row more.
    let (each, more) = (m / channels, m % channels);
    let kinds = [(each + 1, 0, more), (each, more, channels)];
    let kinds = kinds.map(|(rows, first, end)| {
        if rows == 0 {
            (0, 0, 0)
        } else {
            (rows, first, end)
        }
    });
    for request in shape.vector() {
        for (_, first, end) in kinds {
            stream.push(request, first, end);
        }
    }
    stream.barrier();
    let rounds = kinds[0].0.max(kinds[1].0).div_ceil(shape.units);
    for group in 0..=rounds.div_ceil(RESULTS_OF_MOVE) {
        for round in group * RESULTS_OF_MOVE..(group + 1) * RESULTS_OF_MOVE {
            for (rows, first, end) in kinds {
                if round * shape.units >= rows {
                    continue;
                }
                for burst in round * shape.steps_of_row..(round + 1) * shape.steps_of_row {
                    stream.push(shape.storage.step(shape.level, 0, burst), first, end);
                }
            }
        }
        if let Some(done) = group.checked_sub(1) {
            for (rows, first, end) in kinds {
                for request in shape.results(rows, done * RESULTS_OF_MOVE) {
                    stream.push(request, first, end);
                }
            }
        }
        stream.barrier();
    }
    stream
}
