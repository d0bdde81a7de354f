//! The attention of one decoder layer with one new token a head: scores (q x keys), softmax, context
//! (scores x values), each head on one channel, rounds of one head a channel, rounds in pairs so that
//! moves and softmax of one run beside the steps of the other.
#![deny(clippy::float_arithmetic)]

use super::request::{Ask, Request, Storage};
use super::stream::Stream;
use super::{Level, Parameters, Run, run};
use crate::dram::Standard;

/// Scores that a unit accumulates before they are moved out together: a burst of fp16.
pub(crate) const RESULTS_OF_MOVE: u64 = 16;

/// The heads that one stack works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attention {
    /// Heads of the stack, of all requests together.
    pub heads: u64,
    /// Elements of a key or value of one head.
    pub head_size: u64,
    /// Tokens whose keys and values are read, the new one included.
    pub length: u64,
}

impl Attention {
    /// Bytes of all keys and values.
    pub fn bytes(&self, parameters: &Parameters) -> u64 {
        2 * self.heads * self.length * self.head_size * parameters.element_bytes
    }
}

/// Runs a layer's attention on one stack. A part that [`super::lacks`] a command of the level gives
/// a run of meaningless length.
pub fn attention(standard: &Standard, parameters: &Parameters, work: Attention) -> Run {
    let stream = stream(standard, parameters, work);
    Run {
        weight_bytes: work.bytes(parameters),
        ..run(standard, parameters, &stream)
    }
}

/// The requests of the layer, in order.
pub fn stream(standard: &Standard, parameters: &Parameters, work: Attention) -> Stream {
    let channels = standard.organisation.channels as u64;
    let mut stream = Stream::new(standard.organisation.channels);
    if work.heads == 0 || work.head_size == 0 || work.length == 0 {
        return stream;
    }
    let layer = Layer::new(standard, parameters, work);
    let rounds: Vec<Round> = (0..work.heads.div_ceil(channels))
        .map(|round| layer.round(round, channels.min(work.heads - round * channels)))
        .collect();
    for (index, pair) in rounds.chunks(2).enumerate() {
        match pair {
            [first, second] => layer.pair(&mut stream, first, second, index == 0),
            [last] => layer.alone(&mut stream, last),
            _ => {}
        }
    }
    stream
}

/// One head a channel.
struct Round {
    /// Channels at work.
    channels: u64,
    /// First burst of the keys, and of the values, in the bank.
    keys: u64,
    values: u64,
}

/// The shape of the work, the same for every head.
struct Layer<'a> {
    parameters: &'a Parameters,
    storage: Storage,
    /// Tokens that a step's units work on side by side.
    side_by_side: u64,
    /// Steps for one score of each.
    steps_of_score: u64,
    /// Steps side by side along a context's tokens, and passes over them.
    steps_of_pass: u64,
    passes: u64,
    /// Groups of scores that are moved out together.
    groups: u64,
    length: u64,
    /// Bursts between heads.
    region: u64,
    vector: Vec<Request>,
    scores_out: Vec<Request>,
    weights_in: Vec<Request>,
    context_out: Vec<Request>,
}

impl<'a> Layer<'a> {
    fn new(standard: &Standard, parameters: &'a Parameters, work: Attention) -> Layer<'a> {
        let storage = Storage::new(&standard.organisation);
        let lanes = parameters.lanes(standard);
        let units = storage.pseudo * storage.ranks * storage.groups;
        // Banks of a group share a head's elements at bank level; a unit of a group, or of the
        // buffer die, takes them all.
        let (side_by_side, shares) = match parameters.level {
            Level::Bank => (units, storage.of_group),
            Level::BankGroup => (units, 1),
            Level::Buffer => (storage.pseudo, 1),
        };
        let steps_of_score = work.head_size.div_ceil(shares * lanes);
        let tokens = work.length.div_ceil(side_by_side);
        let banks = standard.organisation.banks() as u64;
        let tokens_of_region = parameters.region_tokens.max(1);
        let burst = standard.organisation.burst_bytes.max(1);
        let region = if parameters.quirks.byte_regions {
            (tokens_of_region * work.head_size).div_ceil(banks) / burst
        } else {
            // As much as the longer of both matrices takes in every bank that a step reads.
            let tokens = tokens_of_region.max(work.length).div_ceil(side_by_side);
            let bursts = tokens * steps_of_score;
            let sharing = match parameters.level {
                Level::Bank => 1,
                Level::BankGroup => storage.of_group,
                Level::Buffer => storage.of_group * storage.groups * storage.ranks,
            };
            let rows = bursts.div_ceil(sharing).div_ceil(storage.columns);
            rows * storage.columns
        };
        let layer = Layer {
            parameters,
            storage,
            side_by_side,
            steps_of_score,
            steps_of_pass: tokens,
            passes: work.head_size.div_ceil(shares * lanes),
            groups: tokens.div_ceil(RESULTS_OF_MOVE),
            length: work.length,
            region,
            vector: Vec::new(),
            scores_out: Vec::new(),
            weights_in: Vec::new(),
            context_out: Vec::new(),
        };
        Layer {
            vector: layer.vector(shares),
            scores_out: layer.scores_out(),
            weights_in: layer.weights_in(lanes),
            context_out: layer.context_out(),
            ..layer
        }
    }

    fn round(&self, round: u64, channels: u64) -> Round {
        let keys = round * self.region;
        Round {
            channels,
            keys,
            values: keys + self.storage.bank / 2,
        }
    }

    /// The query into the GEMV buffers, by the bank index that takes it.
    fn vector(&self, shares: u64) -> Vec<Request> {
        (0..shares * self.steps_of_score)
            .map(|item| Request {
                ask: Ask::WrGb,
                bank: self.storage.bank_index(item / self.steps_of_score),
                row: 0,
            })
            .collect()
    }

    /// First banks of the groups of one pseudo-channel, ranks counted fastest or groups.
    fn group_banks(&self, ranks_fastest: bool) -> Vec<u8> {
        let (ranks, groups) = (self.storage.ranks, self.storage.groups);
        let place = |n: u64| {
            if ranks_fastest {
                self.storage.first_of(n % ranks, n / ranks)
            } else {
                self.storage.first_of(n / groups, n % groups)
            }
        };
        (0..ranks * groups).map(place).collect()
    }

    fn moves(ask: Ask, banks: impl IntoIterator<Item = u8>) -> Vec<Request> {
        let request = |bank| Request { ask, bank, row: 0 };
        banks.into_iter().map(request).collect()
    }

    /// Scores of a group of tokens to the softmax.
    fn scores_out(&self) -> Vec<Request> {
        match self.parameters.level {
            Level::Buffer => vec![Request::bare(Ask::MvSb)],
            _ => Self::moves(Ask::MvSb, self.group_banks(true)),
        }
    }

    /// The softmax's output, each unit its share of the tokens.
    fn weights_in(&self, lanes: u64) -> Vec<Request> {
        let bursts = self.length.div_ceil(self.side_by_side * lanes) as usize;
        let banks = match self.parameters.level {
            Level::Buffer => vec![0],
            _ => self.group_banks(false),
        };
        let each = banks.into_iter().flat_map(|bank| vec![bank; bursts]);
        Self::moves(Ask::MvGb, each)
    }

    /// The context of a pass to the buffer die.
    fn context_out(&self) -> Vec<Request> {
        let storage = &self.storage;
        let of_rank = storage.groups * storage.of_group;
        let places = match self.parameters.level {
            Level::Bank => storage.of_group * storage.ranks,
            Level::BankGroup => storage.ranks,
            Level::Buffer => 1,
        };
        let place = |n: u64| storage.bank_index(n % storage.ranks * of_rank + n / storage.ranks);
        Self::moves(Ask::MvSb, (0..places).map(place))
    }

    fn step(&self, base: u64, burst: u64) -> Request {
        self.storage.step(self.parameters.level, base, burst)
    }

    /// The steps of a group of scores.
    fn scores(&self, stream: &mut Stream, round: &Round, group: u64) {
        let from = group * RESULTS_OF_MOVE;
        let to = self.steps_of_pass.min(from + RESULTS_OF_MOVE);
        for burst in from * self.steps_of_score..to * self.steps_of_score {
            stream.push(self.step(round.keys, burst), 0, round.channels);
        }
    }

    fn context(&self, stream: &mut Stream, round: &Round, pass: u64) {
        let from = pass * self.steps_of_pass;
        for burst in from..from + self.steps_of_pass {
            stream.push(self.step(round.values, burst), 0, round.channels);
        }
    }

    fn all(stream: &mut Stream, items: &[Request], round: &Round) {
        stream.slice(items, round.channels, 0, u64::MAX);
    }

    fn softmax(stream: &mut Stream, round: &Round) {
        stream.push(Request::bare(Ask::Softmax), 0, round.channels);
    }

    /// The share of `items` that runs beside part `part` of `parts`.
    fn share(&self, stream: &mut Stream, items: &[Request], round: &Round, part: u64, parts: u64) {
        let all = items.len() as u64 * round.channels;
        let cut = self.parameters.quirks.moves_cut_off;
        let stride = if cut {
            all / parts
        } else {
            all.div_ceil(parts)
        };
        stream.slice(
            items,
            round.channels,
            (part * stride).min(all),
            part * stride + stride,
        );
    }

    /// Two rounds, each the cover of the other's moves.
    fn pair(&self, stream: &mut Stream, first: &Round, second: &Round, at_start: bool) {
        Self::all(stream, &self.vector, first);
        if at_start && self.parameters.quirks.warm_up_step {
            stream.push(self.step(first.keys, 0), 0, first.channels);
        }
        stream.barrier();
        for group in 0..self.groups {
            self.scores(stream, first, group);
            if group > 0 {
                Self::all(stream, &self.scores_out, first);
            }
            self.share(stream, &self.vector, second, group, self.groups);
            stream.barrier();
        }
        Self::all(stream, &self.scores_out, first);
        for group in 0..self.groups {
            self.scores(stream, second, group);
            if group > 0 {
                Self::all(stream, &self.scores_out, second);
            } else {
                Self::softmax(stream, first);
            }
            self.late_share(stream, first, group, self.groups);
            stream.barrier();
        }
        Self::all(stream, &self.scores_out, second);
        for pass in 0..self.passes {
            self.context(stream, first, pass);
            if pass > 0 {
                Self::all(stream, &self.context_out, first);
            } else {
                Self::softmax(stream, second);
            }
            self.late_share(stream, second, pass, self.passes);
            stream.barrier();
        }
        Self::all(stream, &self.context_out, first);
        let contexts = if self.parameters.quirks.second_context_as_first {
            first
        } else {
            second
        };
        self.contexts(stream, contexts);
    }

    /// The output of the softmax goes out in the second half of the parts.
    fn late_share(&self, stream: &mut Stream, round: &Round, part: u64, parts: u64) {
        let early = parts / 2;
        if part >= early {
            let items = &self.weights_in;
            self.share(stream, items, round, part - early, parts - early);
        }
    }

    fn contexts(&self, stream: &mut Stream, round: &Round) {
        for pass in 0..self.passes {
            self.context(stream, round, pass);
            if pass > 0 {
                Self::all(stream, &self.context_out, round);
            }
            stream.barrier();
        }
        Self::all(stream, &self.context_out, round);
    }

    /// A round with nothing to run beside.
    fn alone(&self, stream: &mut Stream, round: &Round) {
        let again = self.parameters.quirks.softmax_every_group;
        let weigh = |stream: &mut Stream| {
            Self::softmax(stream, round);
            Self::all(stream, &self.weights_in, round);
            stream.barrier();
        };
        Self::all(stream, &self.vector, round);
        stream.barrier();
        for group in 0..self.groups {
            self.scores(stream, round, group);
            if group > 0 {
                Self::all(stream, &self.scores_out, round);
            }
            stream.barrier();
            if again {
                weigh(stream);
            }
        }
        Self::all(stream, &self.scores_out, round);
        weigh(stream);
        self.contexts(stream, round);
    }
}
