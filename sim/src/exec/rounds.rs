//! Rounds of the arrays whose operands stream through a double-buffered scratchpad: what attention is
//! made of. Blocks arrive in the order of their use and each round starts when its own are there.

use crate::dram::Direction;
use crate::memory::Memory;
use crate::npu::{Npu, Round, Schedule};
use crate::time::Ps;

/// Share of a scratchpad half that weights may fill; activations have the rest.
const WEIGHT_SHARE: u64 = 2;

/// Holds rounds back beyond the arrival of their blocks, and hears when they end.
pub(super) trait Pace {
    /// Earliest time at which a round's blocks may be used, given their arrival.
    fn ready(&mut self, round: usize, arrival: Ps) -> Ps;
    /// The round's last result is there.
    fn done(&mut self, round: usize, at: Ps);
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
    // A chunk is released when the last result of another is there, a pass of the arrays after the
    // arrival of its blocks.
    let lookahead = npu
        .clock
        .to_ps((npu.array.rows + npu.array.columns).saturating_sub(2));
    let mut transfer = memory.begin(at, Direction::Read, &segments, lookahead);
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
