//! Attention on the arrays: keys, then values, of each sequence are the stationary blocks, streamed
//! from memory as weights are; softmax runs on the vector unit between the two.

use super::gemm::{Pace, run_rounds};
use crate::dram::Direction;
use crate::lower::AttentionEntry;
use crate::memory::Memory;
use crate::npu::{Npu, Round};
use crate::time::{Ps, Tick};

const NO_BLOCKS: Round = Round {
    streamed: 0,
    bytes: 0,
};

/// Runs the attention of `entries` from `at` on; returns when the last result is on chip.
pub(super) fn run(
    npu: &Npu,
    memory: &mut Memory,
    at: Ps,
    entries: &[AttentionEntry],
    element: u64,
) -> Ps {
    let mut rounds = Vec::new();
    let (rows, columns) = (npu.array.rows, npu.array.columns);
    // Keys reduce over features; values reduce over tokens.
    let keys = blocks(npu, entries, (columns, rows), element, &mut rounds);
    let values = blocks(npu, entries, (rows, columns), element, &mut rounds);
    let mut pace = Softmax {
        npu,
        entries,
        keys: &keys,
        values: &values,
        scores: vec![at; entries.len()],
        spans: Vec::new(),
    };
    let queries: u64 = entries.iter().map(AttentionEntry::query_elements).sum();
    let resident = npu.keeps(queries * element);
    let start = if resident {
        at
    } else {
        memory.transfer(at, Direction::Read, queries * element)
    };
    let end = run_rounds(npu, memory, start, &rounds, &mut pace);
    if resident {
        end
    } else {
        memory.transfer(end, Direction::Write, queries * element)
    }
}

/// The stationary blocks of all entries, of (tokens, features) each, as many side by side as there
/// are arrays; returns the end of the rounds of each entry. Under a causal mask only queries that
/// see some of a block stream through it.
fn blocks(
    npu: &Npu,
    entries: &[AttentionEntry],
    (token_extent, feature_extent): (u64, u64),
    element: u64,
    rounds: &mut Vec<Round>,
) -> Vec<usize> {
    let push = |entry: &AttentionEntry| {
        let head = entry.head;
        let mut packed = NO_BLOCKS;
        let mut blocks = 0;
        let mut token = 0;
        while token < head.tokens {
            let tokens = token_extent.min(head.tokens - token);
            let streamed = entry.group() * entry.seeing(token, tokens).max(1);
            for _ in 0..head.kv_heads {
                let mut feature = 0;
                while feature < head.dim {
                    let features = feature_extent.min(head.dim - feature);
                    packed.streamed = packed.streamed.max(streamed);
                    packed.bytes += tokens * features * element;
                    blocks += 1;
                    if blocks == npu.array.count {
                        rounds.push(packed);
                        packed = NO_BLOCKS;
                        blocks = 0;
                    }
                    feature += features;
                }
            }
            token += tokens;
        }
        if blocks > 0 {
            rounds.push(packed);
        }
        rounds.len()
    };
    entries.iter().map(push).collect()
}

/// Cycles of the softmax of one sequence, all pipes together. The rows of a prefill grow by a token
/// each until they fill the window.
fn softmax(npu: &Npu, entry: &AttentionEntry) -> Tick {
    let heads = entry.head.kv_heads * entry.group();
    let lanes = npu.vector.lanes;
    let (growing, full) = entry.growing_and_full();
    let softmax = npu.vector.softmax();
    let mut cycles = full * npu.vector.occupancy(softmax, entry.window.unwrap_or(0));
    let last = entry.context + growing;
    let mut length = entry.context + 1;
    while length <= last {
        // Rows of equally many lane steps cost the same.
        let longest = (length.div_ceil(lanes) * lanes).min(last);
        cycles += (longest - length + 1) * npu.vector.occupancy(softmax, longest);
        length = longest + 1;
    }
    // The waits of the last row are not filled by others.
    let waits = npu.vector.row(softmax, last) - npu.vector.occupancy(softmax, last);
    (heads * cycles).div_ceil(npu.vector.pipes) + waits
}

/// Lets the value rounds of a sequence wait for its probabilities. A single query needs the whole
/// row of scores first; the rows of a prefill follow one another through softmax, so it starts
/// with the first block of scores and the value rounds keep its pace.
struct Softmax<'a> {
    npu: &'a Npu,
    entries: &'a [AttentionEntry],
    /// Ends of the key rounds of each entry.
    keys: &'a [usize],
    /// Ends of its value rounds.
    values: &'a [usize],
    /// When softmax of each entry can start.
    scores: Vec<Ps>,
    /// Start and end of softmax of each entry, once all keys are done.
    spans: Vec<(Ps, Ps)>,
}

/// Entry of a round, and the first round of that entry, given the ends of all entries and the first
/// round of all.
fn entry_of(round: usize, ends: &[usize], first: usize) -> (usize, usize) {
    let entry = ends.partition_point(|&end| end <= round);
    (
        entry,
        entry.checked_sub(1).map_or(first, |before| ends[before]),
    )
}

impl Softmax<'_> {
    fn first_value(&self) -> usize {
        self.keys.last().copied().unwrap_or(0)
    }
}

impl Pace for Softmax<'_> {
    fn ready(&mut self, round: usize, arrival: Ps) -> Ps {
        let first_value = self.first_value();
        if round < first_value {
            return arrival;
        }
        if self.spans.is_empty() {
            let mut free = Ps::ZERO;
            for (entry, &scores) in self.entries.iter().zip(&self.scores) {
                let start = free.max(scores);
                free = start + self.npu.clock.to_ps(softmax(self.npu, entry));
                self.spans.push((start, free));
            }
        }
        let (entry, first) = entry_of(round, self.values, first_value);
        let (start, end) = self.spans[entry];
        if self.entries[entry].is_decode() {
            return arrival.max(end);
        }
        let rounds = (self.values[entry] - first) as u128;
        let done = (round - first + 1) as u128;
        let share = u128::from(end.since(start).0) * done / rounds;
        arrival.max(start + Ps(share as u64))
    }

    fn done(&mut self, round: usize, at: Ps) {
        if round < self.first_value() {
            let (entry, first) = entry_of(round, self.keys, 0);
            if self.entries[entry].is_decode() || round == first {
                self.scores[entry] = at;
            }
        }
    }
}
