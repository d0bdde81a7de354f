//! A matrix product on the arrays: weights arrive block after block in the order of their use and
//! the arrays start each round when its blocks are there.

use crate::dram::Direction;
use crate::memory::Memory;
use crate::npu::{Dataflow, Npu, Round, Schedule};
use crate::time::Ps;

/// Share of a scratchpad half that weights may fill; activations have the rest.
const WEIGHT_SHARE: u64 = 2;

/// A product [m, k] x [k, n].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Product {
    pub m: u64,
    pub k: u64,
    pub n: u64,
    /// Bytes of an element.
    pub element: u64,
    /// Bytes of the weights, bias included.
    pub weight_bytes: u64,
}

impl Product {
    /// Rows that are worked on at once: as many as scratchpad and accumulators hold, or the arrays.
    /// Weights are read once for each such tile.
    fn tile_rows(&self, npu: &Npu) -> u64 {
        let array = &npu.array;
        let share = npu.half_scratchpad() / WEIGHT_SHARE;
        let in_scratchpad = share / (self.k * self.element).max(1);
        let group = array.columns * array.count;
        let most = match array.dataflow {
            Dataflow::WeightStationary => npu.accumulator_rows(),
            // Rows beyond those of the array use the same weights, if these can be kept.
            Dataflow::OutputStationary if self.k * self.element * group.min(self.n) > share => {
                array.rows
            }
            Dataflow::OutputStationary => in_scratchpad,
            Dataflow::InputStationary => group,
        };
        most.min(in_scratchpad).clamp(1, self.m.max(1))
    }

    /// Columns of the output that are worked on at once: stationary inputs leave partial sums of a
    /// whole tile in the accumulators.
    fn tile_columns(&self, npu: &Npu, rows: u64) -> u64 {
        match npu.array.dataflow {
            Dataflow::WeightStationary | Dataflow::OutputStationary => self.n,
            Dataflow::InputStationary => npu.accumulator_sums() / rows,
        }
        .clamp(1, self.n.max(1))
    }

    /// Runs the product from `at` on; returns when its last result is on chip, or in memory where
    /// the results do not fit.
    pub(super) fn run(&self, npu: &Npu, memory: &mut Memory, at: Ps) -> Ps {
        let tile = self.tile_rows(npu);
        let bias = self
            .weight_bytes
            .saturating_sub(self.k * self.n * self.element);
        let input_resident = npu.keeps(self.m * self.k * self.element);
        let output = self.m * self.n * self.element;
        let mut rounds = Vec::new();
        let mut row = 0;
        while row < self.m {
            let rows = tile.min(self.m - row);
            if !input_resident {
                // The activations of a tile come in before its weights.
                rounds.push(Round::full(&npu.array, 0, rows * self.k * self.element));
            }
            let first = rounds.len();
            let mut column = 0;
            while column < self.n {
                let columns = self.tile_columns(npu, rows).min(self.n - column);
                rounds.extend(npu.array.rounds(rows, self.k, columns, self.element));
                column += columns;
            }
            if let Some(round) = rounds.get_mut(first) {
                round.bytes += bias;
            }
            row += rows;
        }
        let end = run_rounds(npu, memory, at, &rounds, &mut Unpaced);
        if npu.keeps(output) {
            end
        } else {
            memory.transfer(end, Direction::Write, output)
        }
    }
}

/// Holds rounds back beyond the arrival of their blocks, and hears when they end.
pub(super) trait Pace {
    /// Earliest time at which a round's blocks may be used, given their arrival.
    fn ready(&mut self, round: usize, arrival: Ps) -> Ps;
    /// The round's last result is there.
    fn done(&mut self, round: usize, at: Ps);
}

/// Rounds depend on nothing but their blocks.
struct Unpaced;

impl Pace for Unpaced {
    fn ready(&mut self, _round: usize, arrival: Ps) -> Ps {
        arrival
    }

    fn done(&mut self, _round: usize, _at: Ps) {}
}

/// Streams the stationary blocks of `rounds` through a double-buffered scratchpad and runs the
/// arrays; returns when the last result is there.
pub(super) fn run_rounds(
    npu: &Npu,
    memory: &mut Memory,
    at: Ps,
    rounds: &[Round],
    pace: &mut impl Pace,
) -> Ps {
    let segments: Vec<u64> = rounds.iter().map(|round| round.bytes).collect();
    let chunks = chunks(&segments, npu.half_scratchpad() / WEIGHT_SHARE);
    let mut transfer = memory.begin(at, Direction::Read, &segments);
    let mut schedule = Schedule::new(npu.array, npu.clock.next_tick(at));
    // Two chunks are in flight; the next is released when the one two before it is used up.
    for &end in chunks.iter().take(2) {
        transfer.release(end, at);
    }
    let mut first = 0;
    for (index, &end) in chunks.iter().enumerate() {
        // The last block first: it brings the channels to where all arrivals are known.
        transfer.arrival(end - 1);
        for (round, &blocks) in rounds.iter().enumerate().take(end).skip(first) {
            let ready = pace.ready(round, transfer.arrival(round).max(at));
            let finish = schedule.run(blocks, npu.clock.next_tick(ready));
            pace.done(round, npu.clock.to_ps(finish));
        }
        if let Some(&next) = chunks.get(index + 2) {
            transfer.release(next, npu.clock.to_ps(schedule.end()));
        }
        first = end;
    }
    transfer
        .finish()
        .max(npu.clock.to_ps(schedule.end()))
        .max(at)
}

/// Cuts segments into runs of at most `most` bytes (a larger segment is a run of its own); returns
/// the ends of the runs.
fn chunks(segments: &[u64], most: u64) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut bytes = 0;
    for (index, &segment) in segments.iter().enumerate() {
        if bytes > 0 && bytes + segment > most {
            ends.push(index);
            bytes = 0;
        }
        bytes += segment;
    }
    if !segments.is_empty() {
        ends.push(segments.len());
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunks_fill_the_buffer_and_lose_nothing() {
        assert_eq!(chunks(&[4, 4, 4, 9, 1], 8), vec![2, 3, 4, 5]);
        assert_eq!(chunks(&[], 8), Vec::<usize>::new());
        assert_eq!(chunks(&[1; 10], 100), vec![10]);
    }
}
