//! Attention on the arrays: keys, then values, of each sequence are the weights of products and come
//! from memory as weights do; softmax runs on the vector unit between the two.

use super::rounds::{Pace, run_rounds};
use super::watch::{Act, Class, Fold, Operand, Watch};
use crate::dram::Direction;
use crate::lower::AttentionEntry;
use crate::memory::Memory;
use crate::npu::{Dataflow, Npu, Round, VectorUnit};
use crate::time::{Clock, Ps, Tick};
use std::collections::VecDeque;

/// Runs the attention of `entries` from `at` on; returns when the last result is on chip.
pub(super) fn run(
    npu: &Npu,
    memory: &mut Memory,
    at: Ps,
    entries: &[AttentionEntry],
    element: u64,
    watch: Option<&mut dyn Watch>,
) -> Ps {
    let mut rounds = Vec::new();
    let mut folds = watch.is_some().then(VecDeque::new);
    let mut cut = |operand| blocks(npu, entries, operand, element, (&mut rounds, &mut folds));
    let (keys, values) = (cut(Operand::Keys), cut(Operand::Values));
    let mut pace = Softmax {
        npu,
        entries,
        keys: &keys,
        values: &values,
        scores: vec![
            Scores {
                first: None,
                last: at
            };
            entries.len()
        ],
        spans: Vec::new(),
        told: watch.zip(folds).map(|(watch, folds)| Told { watch, folds }),
    };
    let burst = memory.burst_bytes();
    let mut moved = |class, bytes: u64| {
        if let Some(told) = &mut pace.told {
            told.watch.act(&Act::Moved {
                class,
                bytes,
                bursts: bytes.div_ceil(burst),
            });
        }
    };
    moved(Class::KvRead, rounds.iter().map(|round| round.bytes).sum());
    let queries: u64 = entries.iter().map(AttentionEntry::query_elements).sum();
    let resident = npu.keeps(queries * element);
    let start = if resident {
        at
    } else {
        moved(Class::Input, queries * element);
        moved(Class::Output, queries * element);
        memory.transfer(at, Direction::Read, queries * element)
    };
    let end = run_rounds(npu, memory, start, &rounds, &mut pace);
    if resident {
        end
    } else {
        memory.transfer(end, Direction::Write, queries * element)
    }
}

impl Operand {
    /// Tokens and features in a block of it, for one fold; queries in a fold.
    fn extents(self, npu: &Npu) -> (u64, u64, u64) {
        let (rows, columns) = (npu.array.rows, npu.array.columns);
        match (npu.array.dataflow, self) {
            (Dataflow::WeightStationary, Operand::Keys) => (columns, rows, u64::MAX),
            (Dataflow::WeightStationary, Operand::Values) => (rows, columns, u64::MAX),
            (Dataflow::OutputStationary, Operand::Keys) => (columns, u64::MAX, rows),
            (Dataflow::OutputStationary, Operand::Values) => (u64::MAX, columns, rows),
            (Dataflow::InputStationary, Operand::Keys) => (u64::MAX, rows, columns),
            (Dataflow::InputStationary, Operand::Values) => (rows, u64::MAX, columns),
        }
    }

    /// The fold of a block and queries.
    fn fold(self, npu: &Npu, queries: u64, (tokens, features): (u64, u64), bytes: u64) -> Round {
        let (k, n) = match self {
            Operand::Keys => (features, tokens),
            Operand::Values => (tokens, features),
        };
        let (rows, columns, streamed) = npu.array.dataflow.extents(queries, k, n);
        Round {
            streamed,
            bytes,
            rows,
            columns,
            continues: false,
        }
    }
}

/// Folds of several arrays side by side, as they fill.
struct Packing<'a> {
    npu: &'a Npu,
    rounds: &'a mut Vec<Round>,
    packed: Option<Round>,
    folds: u64,
}

impl Packing<'_> {
    fn push(&mut self, fold: Round) {
        let packed = self.packed.get_or_insert(Round { bytes: 0, ..fold });
        packed.streamed = packed.streamed.max(fold.streamed);
        packed.rows = packed.rows.max(fold.rows);
        packed.columns = packed.columns.max(fold.columns);
        packed.bytes += fold.bytes;
        self.folds += 1;
        if self.folds == self.npu.array.count {
            self.close();
        }
    }

    fn close(&mut self) {
        self.rounds.extend(self.packed.take());
        self.folds = 0;
    }
}

/// The folds of all entries, as many side by side as there are arrays; returns the end of the rounds
/// of each entry. Under a causal mask only queries that see some of a block meet it.
fn blocks(
    npu: &Npu,
    entries: &[AttentionEntry],
    operand: Operand,
    element: u64,
    (rounds, folds): (&mut Vec<Round>, &mut Option<Folds>),
) -> Vec<usize> {
    let (token_extent, feature_extent, query_extent) = operand.extents(npu);
    let mut packing = Packing {
        npu,
        rounds,
        packed: None,
        folds: 0,
    };
    let mut push = |(index, entry): (usize, &AttentionEntry)| {
        let head = entry.head;
        let mut token = 0;
        while token < head.tokens {
            let tokens = token_extent.min(head.tokens - token);
            let queries = entry.group() * entry.seeing(token, tokens).max(1);
            for kv_head in 0..head.kv_heads {
                let mut feature = 0;
                while feature < head.dim {
                    let features = feature_extent.min(head.dim - feature);
                    let mut bytes = tokens * features * element;
                    let mut query = 0;
                    while query < queries {
                        let some = query_extent.min(queries - query);
                        if let Some(folds) = folds {
                            let fold = Fold {
                                operand,
                                entry: index,
                                head: kv_head,
                                tokens: token..token + tokens,
                                features: feature..feature + features,
                                seen_from: entry.seen_by(token, tokens).0,
                                queries: query..query + some,
                            };
                            folds.push_back((packing.rounds.len(), fold));
                        }
                        packing.push(operand.fold(npu, some, (tokens, features), bytes));
                        // The block stays for the other queries.
                        bytes = 0;
                        query += some;
                    }
                    feature += features;
                }
            }
            token += tokens;
        }
        packing.close();
        packing.rounds.len()
    };
    entries.iter().enumerate().map(&mut push).collect()
}

/// Cycles of the softmax of one sequence, all pipes together. The rows of a prefill grow by a token
/// each until they fill the window.
fn softmax(vector: &VectorUnit, entry: &AttentionEntry) -> Tick {
    let heads = entry.head.kv_heads * entry.group();
    let lanes = vector.lanes;
    let (growing, full) = entry.growing_and_full();
    let softmax = vector.softmax();
    let mut cycles = full * vector.occupancy(softmax, entry.window.unwrap_or(0));
    let last = entry.context + growing;
    let mut length = entry.context + 1;
    while length <= last {
        // Rows of equally many lane steps cost the same.
        let longest = (length.div_ceil(lanes) * lanes).min(last);
        cycles += (longest - length + 1) * vector.occupancy(softmax, longest);
        length = longest + 1;
    }
    // The waits of the last row are not filled by others.
    let waits = vector.row(softmax, last) - vector.occupancy(softmax, last);
    (heads * cycles).div_ceil(vector.pipes) + waits
}

/// When the first and the last block of scores of an entry were there.
#[derive(Debug, Clone, Copy)]
struct Scores {
    first: Option<Ps>,
    last: Ps,
}

/// Lets the value rounds of a sequence wait for its probabilities. A single query needs the whole
/// row of scores first; the rows of a prefill follow one another through softmax, so it starts
/// with the first block of scores and the value rounds keep its pace. Softmax with a running maximum
/// begins with the first block in any case, and what is left of it when the last has come follows.
struct Softmax<'a> {
    npu: &'a Npu,
    entries: &'a [AttentionEntry],
    /// Ends of the key rounds of each entry.
    keys: &'a [usize],
    /// Ends of its value rounds.
    values: &'a [usize],
    /// When the scores of each entry come.
    scores: Vec<Scores>,
    /// Start and end of softmax of each entry, once all keys are done.
    spans: Vec<(Ps, Ps)>,
    told: Option<Told<'a>>,
}

/// Folds, each with its round.
type Folds = VecDeque<(usize, Fold)>;

/// Who hears of the folds, and those of rounds to come.
struct Told<'a> {
    watch: &'a mut dyn Watch,
    folds: Folds,
}

impl Told<'_> {
    fn done(&mut self, round: usize) {
        while let Some((_, fold)) = self.folds.pop_front_if(|(of, _)| *of == round) {
            self.watch.act(&Act::Fold(&fold));
        }
    }
}

/// Softmax of an entry on a vector unit that is free from a time on: start and end.
fn span(
    (clock, vector): (Clock, &VectorUnit),
    entry: &AttentionEntry,
    scores: &Scores,
    free: Ps,
) -> (Ps, Ps) {
    let online = vector.online_softmax;
    let first = scores.first.unwrap_or(scores.last);
    let whole_rows = entry.is_decode() && !online;
    let start = free.max(if whole_rows { scores.last } else { first });
    let work = softmax(vector, entry);
    let end = start + clock.to_ps(work);
    if !online {
        return (start, end);
    }
    // Every row of a single query ends with the last block; of a prefill, only the last rows do.
    let rows = if entry.is_decode() {
        entry.head.kv_heads * entry.group()
    } else {
        1
    };
    let (growing, full) = entry.growing_and_full();
    let width = match entry.window {
        Some(window) if full > 0 => window,
        _ => entry.context + growing,
    };
    let tail = vector.tails(vector.softmax(), rows, width).min(work);
    (start, end.max(scores.last + clock.to_ps(tail)))
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
            for (entry, scores) in self.entries.iter().zip(&self.scores) {
                let unit = (self.npu.clock, &self.npu.vector);
                let span = span(unit, entry, scores, free);
                self.spans.push(span);
                free = span.1;
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
        if let Some(told) = &mut self.told {
            if round == self.keys.last().copied().unwrap_or(0) {
                let online = self.npu.vector.online_softmax;
                for entry in 0..self.entries.len() {
                    told.watch.act(&Act::Softmax { entry, online });
                }
            }
            told.done(round);
        }
        if round < self.first_value() {
            let (entry, _) = entry_of(round, self.keys, 0);
            let scores = &mut self.scores[entry];
            scores.first.get_or_insert(at);
            scores.last = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pim::tiling::Head;
    use proptest::prelude::*;

    fn entry(new_tokens: u64, context: u64, kv_heads: u64, group: u64) -> AttentionEntry {
        AttentionEntry {
            sequence: 0,
            head: Head {
                kv_heads,
                queries: group * new_tokens,
                dim: 128,
                tokens: context + new_tokens,
            },
            new_tokens,
            context,
            window: None,
        }
    }

    #[test]
    fn the_tail_of_a_single_score_is_all_of_its_softmax() {
        let entry = entry(1, 1, 1, 1);
        let clock = Clock::new(1_000_000_000).unwrap();
        let vector = VectorUnit {
            online_softmax: true,
            ..VectorUnit::plain(2, 2)
        };
        let scores = Scores {
            first: Some(Ps(0)),
            last: Ps(29_240),
        };
        let work = clock.to_ps(softmax(&vector, &entry));
        let (_, end) = span((clock, &vector), &entry, &scores, Ps(0));
        assert_eq!(end, scores.last + work);
    }

    proptest! {
        #[test]
        fn online_softmax_is_between_its_parts_and_one_after_the_other(
            new_tokens in 1u64..40, context in 1u64..3000, kv_heads in 1u64..9, group in 1u64..5,
            pipes in 1u64..9, lanes in 1u64..300, first in 0u64..100_000, more in 0u64..1_000_000, free in 0u64..200_000,
        ) {
            let entry = entry(new_tokens, context, kv_heads, group);
            let clock = Clock::new(1_000_000_000).unwrap();
            let vector = VectorUnit { online_softmax: true, ..VectorUnit::plain(pipes, lanes) };
            let scores = Scores { first: Some(Ps(first)), last: Ps(first + more) };
            let work = clock.to_ps(softmax(&vector, &entry));
            let (start, end) = span((clock, &vector), &entry, &scores, Ps(free));
            prop_assert_eq!(start, Ps(first.max(free)));
            prop_assert!(end >= start + work);
            prop_assert!(end > scores.last);
            // As if it had waited for the last scores.
            prop_assert!(end <= Ps(free).max(scores.last) + work);
        }
    }
}
