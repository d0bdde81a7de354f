//! Requests arriving over time, served first come first served with batching at iteration level
//! (Orca, OSDI 2022): each iteration runs one token of every request in the batch and the whole
//! prompt of those that join it.
//!
//! A request joins when its prompt and all it will generate fit the KV memory, so nothing is ever
//! evicted; the head of the queue is not overtaken.

use super::kv::KvManager;
use super::placement::ChannelChoice;
use super::timeline::Timeline;
use crate::exec::{SimError, Simulator};
use crate::record::{RejectedRecord, ReplayRecord};
use crate::statistics::milliseconds;
use crate::time::Ps;
use memwall_models::Sequence;
use memwall_traces::{Request, TraceError};
use std::collections::VecDeque;
use thiserror::Error;

/// A replay that cannot go on.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The trace is broken.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A step cannot be simulated.
    #[error(transparent)]
    Sim(#[from] SimError),
    /// No request could be served.
    #[error("no request could be served: {rejected} can never fit, {empty} rows are empty")]
    NothingServed {
        /// Requests that can never be served.
        rejected: u64,
        /// Rows without work.
        empty: u64,
    },
}

/// The time that a device takes for a step: all that serving asks of it.
pub trait StepCost {
    /// Duration of one iteration of `sequences`, placed on the channels of `placement`.
    fn cost(&mut self, sequences: &[Sequence], placement: &[u32]) -> Result<Ps, SimError>;
}

impl StepCost for Simulator {
    fn cost(&mut self, sequences: &[Sequence], placement: &[u32]) -> Result<Ps, SimError> {
        Ok(self.step(sequences, placement)?.total)
    }
}

/// One iteration as it ran.
#[derive(Debug, Clone, Copy)]
pub struct Iteration<'a> {
    /// 0-based number.
    pub index: u64,
    /// Sequences of the batch.
    pub sequences: &'a [Sequence],
    /// Channel of each.
    pub placement: &'a [u32],
    /// Duration.
    pub cost: Ps,
    /// Arrival of the last request taken from the trace.
    pub arrived: u64,
}

/// Sees every iteration.
pub trait IterationObserver {
    /// Called once for each iteration, in order.
    fn iteration(&mut self, iteration: &Iteration<'_>);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoIterationObserver;

impl IterationObserver for NoIterationObserver {
    fn iteration(&mut self, _iteration: &Iteration<'_>) {}
}

/// Limits of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayLimits {
    /// Requests in the batch.
    pub batch: u64,
    /// Prompt tokens that join in one iteration; a longer prompt joins alone.
    pub prefill_tokens: u64,
    /// Positions of the model: prompt and generated tokens of a request.
    pub positions: u64,
}

/// A request waiting or running.
#[derive(Debug, Clone, Copy)]
struct Active {
    arrival: Ps,
    input: u64,
    output: u64,
    generated: u64,
    first_token: Ps,
    channel: u32,
}

impl Active {
    /// Tokens that the KV cache holds at the end; the last one generated never enters it.
    fn reserved(&self) -> u64 {
        self.input + self.output - 1
    }
}

/// What is measured of finished requests.
#[derive(Debug, Default)]
struct Measures {
    ttft: Vec<u64>,
    tpot: Vec<u64>,
    e2e: Vec<u64>,
    input: u64,
    output: u64,
}

/// A replay in progress.
pub struct Replay<'a, C> {
    cost: &'a mut C,
    choice: ChannelChoice,
    kv: KvManager,
    limits: ReplayLimits,
    waiting: VecDeque<Active>,
    running: Vec<Active>,
    measures: Measures,
    rejected: Vec<RejectedRecord>,
    empty_rows: u64,
    timeline: Timeline,
    now: Ps,
    iterations: u64,
    arrived: u64,
}

impl<'a, C: StepCost> Replay<'a, C> {
    /// An idle server at time zero.
    pub fn new(
        cost: &'a mut C,
        choice: ChannelChoice,
        kv: KvManager,
        limits: ReplayLimits,
    ) -> Replay<'a, C> {
        Replay {
            cost,
            choice,
            kv,
            limits,
            waiting: VecDeque::new(),
            running: Vec::new(),
            measures: Measures::default(),
            rejected: Vec::new(),
            empty_rows: 0,
            timeline: Timeline::new(),
            now: Ps::ZERO,
            iterations: 0,
            arrived: 0,
        }
    }

    /// Most KV memory ever reserved, bytes of one device.
    pub fn kv_peak(&self) -> u64 {
        self.kv.peak()
    }

    /// Serves all requests to their end. Requests are taken from the iterator as their time comes,
    /// so a trace of any length needs little memory.
    pub fn run(
        &mut self,
        requests: impl Iterator<Item = Result<Request, TraceError>>,
        observer: &mut impl IterationObserver,
    ) -> Result<ReplayRecord, ReplayError> {
        let mut requests = requests.peekable();
        loop {
            while let Some(next) = requests.peek() {
                let due = match next {
                    Ok(request) => Ps::from_ns(request.arrival_ns) <= self.now,
                    Err(_) => true,
                };
                if !due {
                    break;
                }
                if let Some(request) = requests.next() {
                    self.arrive(&request?);
                }
            }
            let joined = self.join();
            if self.running.is_empty() {
                match requests.peek() {
                    Some(Ok(request)) => self.now = Ps::from_ns(request.arrival_ns),
                    Some(Err(_)) => {}
                    None => break,
                }
                continue;
            }
            self.iterate(joined, observer)?;
        }
        self.finish()
    }

    fn arrive(&mut self, request: &Request) {
        self.arrived += 1;
        let (input, output) = (request.input_tokens, request.output_tokens);
        if input == 0 || output == 0 {
            self.empty_rows += 1;
            return;
        }
        let tokens = input + output;
        let reason = if tokens > self.limits.positions {
            format!(
                "{tokens} tokens exceed the model's {} positions",
                self.limits.positions
            )
        } else if !self.kv.could_hold(tokens - 1) {
            let placement = self.kv.placement();
            format!(
                "its KV cache of {} bytes a device exceeds the {} beside the weights",
                placement.bytes(tokens - 1),
                placement.free_bytes
            )
        } else {
            self.waiting.push_back(Active {
                arrival: Ps::from_ns(request.arrival_ns),
                input,
                output,
                generated: 0,
                first_token: Ps::ZERO,
                channel: 0,
            });
            return;
        };
        self.rejected.push(RejectedRecord {
            index: request.index,
            line: request.line,
            input_tokens: input,
            output_tokens: output,
            reason,
        });
    }

    /// Lets waiting requests join the batch; returns how many did.
    fn join(&mut self) -> usize {
        let before = self.running.len();
        let mut prompt = 0;
        while let Some(head) = self.waiting.front() {
            let full = self.running.len() as u64 >= self.limits.batch;
            let long = prompt > 0 && prompt + head.input > self.limits.prefill_tokens;
            if full || long || !self.kv.reserve(head.reserved()) {
                break;
            }
            let mut request = *head;
            self.waiting.pop_front();
            prompt += request.input;
            let others = self
                .running
                .iter()
                .map(|other| (other.channel, other.input + other.generated));
            request.channel = self.choice.join(others);
            self.running.push(request);
        }
        self.running.len() - before
    }

    fn iterate(
        &mut self,
        joined: usize,
        observer: &mut impl IterationObserver,
    ) -> Result<(), ReplayError> {
        let decoding = self.running.len() - joined;
        let sequences: Vec<Sequence> = self
            .running
            .iter()
            .enumerate()
            .map(|(index, request)| {
                if index < decoding {
                    // The token generated last is not in the cache yet.
                    Sequence {
                        new_tokens: 1,
                        context: request.input + request.generated - 1,
                    }
                } else {
                    Sequence {
                        new_tokens: request.input,
                        context: 0,
                    }
                }
            })
            .collect();
        let placement: Vec<u32> = self.running.iter().map(|request| request.channel).collect();
        let cost = self.cost.cost(&sequences, &placement)?;
        observer.iteration(&Iteration {
            index: self.iterations,
            sequences: &sequences,
            placement: &placement,
            cost,
            arrived: self.arrived,
        });
        self.iterations += 1;
        let start = self.now;
        self.now += cost;
        let batch = self.running.len() as u64;
        self.timeline.sample(
            (start, self.now),
            batch,
            self.waiting.len() as u64,
            self.kv.used(),
            batch,
        );
        let now = self.now;
        let (measures, kv) = (&mut self.measures, &mut self.kv);
        self.running.retain_mut(|request| {
            request.generated += 1;
            if request.generated == 1 {
                request.first_token = now;
            }
            let done = request.generated == request.output;
            if done {
                kv.release(request.reserved());
                measures.finish(request, now);
            }
            !done
        });
        Ok(())
    }

    fn finish(&mut self) -> Result<ReplayRecord, ReplayError> {
        const PS_PER_S: f64 = 1e12;
        let completed = self.measures.e2e.len() as u64;
        if completed == 0 {
            return Err(ReplayError::NothingServed {
                rejected: self.rejected.len() as u64,
                empty: self.empty_rows,
            });
        }
        let makespan = self.now.0 as f64 / PS_PER_S;
        let measures = std::mem::take(&mut self.measures);
        Ok(ReplayRecord {
            completed,
            rejected: std::mem::take(&mut self.rejected),
            empty_rows: self.empty_rows,
            makespan_s: makespan,
            iterations: self.iterations,
            request_throughput_per_s: completed as f64 / makespan,
            input_throughput_tok_per_s: measures.input as f64 / makespan,
            output_throughput_tok_per_s: measures.output as f64 / makespan,
            ttft_ms: milliseconds(measures.ttft),
            tpot_ms: milliseconds(measures.tpot),
            e2e_ms: milliseconds(measures.e2e),
            timeline: self.timeline.points(self.kv.placement().free_bytes),
            check: None,
        })
    }
}

impl Measures {
    fn finish(&mut self, request: &Active, now: Ps) {
        self.ttft.push(request.first_token.since(request.arrival).0);
        self.e2e.push(now.since(request.arrival).0);
        if request.output > 1 {
            let decode = now.since(request.first_token).0;
            self.tpot.push(decode / (request.output - 1));
        }
        self.input += request.input;
        self.output += request.output;
    }
}
