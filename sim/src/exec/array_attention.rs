//! Attention on the arrays: keys, then values, of each sequence are the stationary blocks, streamed
//! from memory as weights are; softmax runs on the vector unit between the two.

use super::gemm::{Pace, run_rounds};
use crate::lower::AttentionEntry;
use crate::memory::Memory;
use crate::npu::{Npu, Round, VectorOp};
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
    let mut ends = Vec::with_capacity(entries.len());
    for entry in entries {
        push_rounds(npu, entry, element, &mut rounds);
        ends.push(rounds.len());
    }
    // Values have the blocks of the keys, transposed.
    let keys = rounds.len();
    rounds.extend_from_within(..);
    let mut pace = Softmax {
        npu,
        entries,
        ends: &ends,
        keys,
        scores: vec![at; entries.len()],
        spans: Vec::new(),
    };
    run_rounds(npu, memory, at, &rounds, &mut pace)
}

/// The key blocks of one sequence: token blocks of every KV head, as many side by side as there are
/// arrays. Under a causal mask only later queries stream through later blocks.
fn push_rounds(npu: &Npu, entry: &AttentionEntry, element: u64, rounds: &mut Vec<Round>) {
    let array = npu.array;
    let head = entry.head;
    let mut packed = NO_BLOCKS;
    let mut blocks = 0;
    let mut token = 0;
    while token < head.tokens {
        let tokens = array.columns.min(head.tokens - token);
        // Queries that precede the block's first token see none of it.
        let blind = (token + 1).saturating_sub(entry.first_attended());
        let seeing = entry.new_tokens.saturating_sub(blind).max(1);
        for _ in 0..head.kv_heads {
            let mut feature = 0;
            while feature < head.dim {
                let features = array.rows.min(head.dim - feature);
                packed.streamed = packed.streamed.max(entry.group() * seeing);
                packed.bytes += tokens * features * element;
                blocks += 1;
                if blocks == array.count {
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
}

/// Cycles of the softmax of one sequence, all pipes together. The rows of a prefill grow by a token
/// each.
fn softmax(npu: &Npu, entry: &AttentionEntry) -> Tick {
    let rows = entry.head.kv_heads * entry.group();
    let lanes = npu.vector.lanes;
    let mut cycles = 0;
    let mut length = entry.first_attended();
    while length <= entry.head.tokens {
        // Rows of equally many lane steps cost the same.
        let longest = (length.div_ceil(lanes) * lanes).min(entry.head.tokens);
        cycles += (longest - length + 1) * npu.vector.row(VectorOp::Softmax, longest);
        length = longest + 1;
    }
    (rows * cycles).div_ceil(npu.vector.pipes)
}

/// Lets the value rounds of a sequence wait for its probabilities. A single query needs the whole
/// row of scores first; the rows of a prefill follow one another through softmax, so it starts
/// with the first block of scores and the value rounds keep its pace.
struct Softmax<'a> {
    npu: &'a Npu,
    entries: &'a [AttentionEntry],
    ends: &'a [usize],
    keys: usize,
    /// When softmax of each entry can start.
    scores: Vec<Ps>,
    /// Start and end of softmax of each entry, once all keys are done.
    spans: Vec<(Ps, Ps)>,
}

impl Softmax<'_> {
    /// Entry of a key or value round, and the first round of that entry.
    fn entry(&self, round: usize) -> (usize, usize) {
        let entry = self.ends.partition_point(|&end| end <= round);
        let first = entry.checked_sub(1).map_or(0, |before| self.ends[before]);
        (entry, first)
    }
}

impl Pace for Softmax<'_> {
    fn ready(&mut self, round: usize, arrival: Ps) -> Ps {
        let Some(round) = round.checked_sub(self.keys) else {
            return arrival;
        };
        if self.spans.is_empty() {
            let mut free = Ps::ZERO;
            for (entry, &scores) in self.entries.iter().zip(&self.scores) {
                let start = free.max(scores);
                free = start + self.npu.clock.to_ps(softmax(self.npu, entry));
                self.spans.push((start, free));
            }
        }
        let (entry, first) = self.entry(round);
        let (start, end) = self.spans[entry];
        if self.entries[entry].is_decode() {
            return arrival.max(end);
        }
        let rounds = (self.ends[entry] - first) as u128;
        let done = (round - first + 1) as u128;
        let share = u128::from(end.since(start).0) * done / rounds;
        arrival.max(start + Ps(share as u64))
    }

    fn done(&mut self, round: usize, at: Ps) {
        if round < self.keys {
            let (entry, first) = self.entry(round);
            if self.entries[entry].is_decode() || round == first {
                self.scores[entry] = at;
            }
        }
    }
}
