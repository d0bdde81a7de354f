//! One core of a product: its tiles, what of them has arrived, and the recurrence of its arrays over
//! blocks. Every instant of the core belongs to one cause.

use super::parts::{Accesses, Parts};
use crate::npu::mapping::{Leaving, PARTIAL, Pass, Step, passes};
use crate::npu::{Array, Dataflow, Folding, Npu, Round, Schedule, Stationary};
use crate::time::{Clock, Ps};
use std::collections::VecDeque;

/// What a block of a tile needs from elsewhere.
#[derive(Debug, Clone, Copy, Default)]
struct Arrival {
    /// Requests that are not complete.
    open: u32,
    /// When the last left memory, and when it was here.
    memory: Ps,
    here: Ps,
}

/// A tile whose space is taken.
#[derive(Debug, Clone)]
struct Loaded {
    step: usize,
    passes: Vec<Pass>,
    arrivals: Vec<Arrival>,
}

/// What running a core further brought about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ran {
    /// A block is used up.
    Block {
        step: usize,
        pass: Pass,
        /// Blocks done and blocks of the tile.
        done: usize,
        of: usize,
        at: Ps,
    },
    /// A tile is.
    Tile { step: usize, at: Ps },
}

/// A core.
#[derive(Debug, Clone)]
pub(super) struct Core {
    pub steps: Vec<Step>,
    clock: Clock,
    array: Array,
    stationary: Stationary,
    element: u64,
    schedule: Schedule,
    loaded: VecDeque<Loaded>,
    next: usize,
    /// Groups of steps that add to the same outputs, as far as begun; when what each left was stored.
    begun: usize,
    groups: Vec<usize>,
    stored: Vec<Option<Ps>>,
    cursor: Ps,
    pub parts: Parts,
    pub accesses: Accesses,
    pub finished: [Ps; 2],
}

impl Core {
    pub(super) fn new(
        npu: &Npu,
        stationary: Stationary,
        element: u64,
        steps: Vec<Step>,
        at: Ps,
    ) -> Core {
        let array = Array {
            dataflow: match stationary {
                Stationary::Weights => Dataflow::WeightStationary,
                Stationary::Activations => Dataflow::InputStationary,
                Stationary::Outputs => Dataflow::OutputStationary,
            },
            ..npu.array
        };
        let mut begun = 0;
        let numbered = steps.iter().map(|step| {
            begun += usize::from(step.new_outputs);
            begun - 1
        });
        let groups: Vec<usize> = numbered.collect();
        Core {
            clock: npu.clock,
            array,
            stationary,
            element,
            schedule: Schedule::new(array, npu.clock.next_tick(at)),
            loaded: VecDeque::new(),
            next: 0,
            begun: 0,
            stored: vec![None; begun],
            groups,
            cursor: at,
            parts: Parts::default(),
            accesses: Accesses::default(),
            finished: [at; 2],
            steps,
        }
    }

    /// Takes space for a tile; returns its blocks.
    pub(super) fn open(&mut self, step: usize, at: Ps) -> &[Pass] {
        let of = self.steps[step];
        let passes = passes(&self.array, self.stationary, of.m, of.k, of.n);
        let none = Arrival {
            open: 0,
            memory: at,
            here: at,
        };
        let arrivals = vec![none; passes.len()];
        self.loaded.push_back(Loaded {
            step,
            passes,
            arrivals,
        });
        self.loaded.back().map_or(&[], |loaded| &loaded.passes)
    }

    fn arrival(&mut self, step: usize, block: usize) -> Option<&mut Arrival> {
        let loaded = self.loaded.iter_mut().find(|loaded| loaded.step == step)?;
        loaded.arrivals.get_mut(block)
    }

    /// A block of a tile waits for one more request.
    pub(super) fn expect(&mut self, step: usize, block: usize) {
        if let Some(arrival) = self.arrival(step, block) {
            arrival.open += 1;
        }
    }

    /// One of them is complete.
    pub(super) fn arrived(&mut self, step: usize, block: usize, memory: Ps, here: Ps) {
        if let Some(arrival) = self.arrival(step, block) {
            arrival.open -= 1;
            arrival.memory = arrival.memory.max(memory);
            arrival.here = arrival.here.max(here);
        }
    }

    /// Group of outputs to which a step adds.
    pub(super) fn group(&self, step: usize) -> usize {
        self.groups[step]
    }

    /// The group in which the partial sums that a step reads back were left.
    pub(super) fn left_in(&self, step: usize) -> Option<usize> {
        let [i, _, j] = self.steps[step].tile;
        let before = self.steps[..step].iter().enumerate().rev();
        let mut alike = before.filter(|(_, other)| other.tile[0] == i && other.tile[2] == j);
        alike.next().map(|(other, _)| self.groups[other])
    }

    /// What a group left is stored.
    pub(super) fn stored(&mut self, group: usize, at: Ps) {
        self.stored[group] = Some(at);
    }

    /// When what a group left was stored.
    pub(super) fn stored_at(&self, group: usize) -> Option<Ps> {
        self.stored.get(group).copied().flatten()
    }

    /// Runs the arrays as far as operands and accumulators allow.
    pub(super) fn run(&mut self, ran: &mut Vec<Ran>) {
        while let Some(front) = self.loaded.front() {
            let arrival = front.arrivals[self.next];
            let pass = front.passes[self.next];
            let (step, blocks) = (front.step, front.passes.len());
            let of = self.steps[step];
            if arrival.open > 0 {
                return;
            }
            let (mut memory, mut here) = (arrival.memory, arrival.here);
            if self.next == 0 && of.new_outputs {
                // Two halves of accumulators: what the group before the last left must be out.
                if let Some(group) = self.begun.checked_sub(2) {
                    let Some(room) = self.stored[group] else {
                        return;
                    };
                    memory = memory.max(room);
                    here = here.max(room);
                }
                self.begun += 1;
            }
            let end = self.pass(&pass, memory, here);
            self.count(&pass, !pass.first || !of.new_outputs || of.partial_in);
            self.next += 1;
            ran.push(Ran::Block {
                step,
                pass,
                done: self.next,
                of: blocks,
                at: end,
            });
            if self.next == blocks {
                self.loaded.pop_front();
                self.next = 0;
                self.finished = [self.finished[1], end];
                ran.push(Ran::Tile { step, at: end });
            }
        }
    }

    /// Runs one block; returns when its last result is there.
    fn pass(&mut self, pass: &Pass, memory: Ps, here: Ps) -> Ps {
        let [m, k, n] = pass.extent;
        let (rows, columns) = match self.stationary {
            Stationary::Weights => (k, n),
            Stationary::Activations => (k, m),
            Stationary::Outputs => (m, n),
        };
        // By the rule of blocks, an array takes at most as many rows at once as it has.
        let most = match self.array.folding {
            Folding::Blocks => self.array.rows,
            Folding::Serial | Folding::Overlapped => pass.streamed,
        };
        let ready = self.clock.next_tick(here);
        let mut left = pass.streamed;
        while left > 0 {
            let streamed = left.min(most);
            left -= streamed;
            let round = Round {
                streamed,
                bytes: 0,
                rows,
                columns: columns.min(self.array.columns),
                continues: false,
            };
            self.schedule.run(round, ready);
            let start = self.schedule.started();
            self.account(memory, here, self.clock.to_ps(start));
            let busy = self.clock.to_ps(start + streamed);
            self.parts.busy += busy - self.cursor;
            self.cursor = busy;
        }
        self.clock.to_ps(self.schedule.end())
    }

    /// Gives the time up to `start` to its causes: first memory, then the way from it, then what the
    /// arrays themselves need.
    fn account(&mut self, memory: Ps, here: Ps, start: Ps) {
        for (until, part) in [
            (memory, &mut self.parts.memory),
            (here, &mut self.parts.link),
            (start, &mut self.parts.fill),
        ] {
            let until = until.min(start);
            if until > self.cursor {
                *part += until - self.cursor;
                self.cursor = until;
            }
        }
    }

    fn count(&mut self, pass: &Pass, adds: bool) {
        let [m, k, n] = pass.extent;
        let e = self.element;
        self.accesses.activation_reads += m * k * e;
        self.accesses.weight_reads += k * n * e;
        self.accesses.accumulator_writes += m * n * PARTIAL;
        if adds {
            self.accesses.accumulator_reads += m * n * PARTIAL;
        }
    }

    /// Ends the core's account: the arrays drain, the last stores leave, others finish by `end`.
    pub(super) fn close(&mut self, end: Ps) {
        if !self.steps.is_empty() {
            let drained = self.clock.to_ps(self.schedule.end());
            self.parts.fill += drained - self.cursor;
            self.cursor = self.cursor.max(drained);
            let stored = self.done();
            self.parts.store += stored - self.cursor;
            self.cursor = self.cursor.max(stored);
        }
        self.parts.barrier += end - self.cursor;
    }

    /// When the core's work is done, stores included.
    pub(super) fn done(&self) -> Ps {
        let last = self.stored.iter().flatten().copied().max();
        let drained = self.clock.to_ps(self.schedule.end());
        match last {
            _ if self.steps.is_empty() => self.cursor,
            Some(last) => last.max(drained),
            None => drained,
        }
    }

    /// The blocks of the core one after another with all operands at hand: no run is shorter.
    pub(super) fn bound(&self) -> Ps {
        let mut alone = self.clone();
        alone.schedule = Schedule::new(alone.array, 0);
        for step in &self.steps {
            for pass in passes(&self.array, self.stationary, step.m, step.k, step.n) {
                alone.pass(&pass, Ps::ZERO, Ps::ZERO);
            }
        }
        if self.steps.is_empty() {
            return Ps::ZERO;
        }
        self.clock.to_ps(alone.schedule.end())
    }
}

/// What leaves with a step, in bytes.
pub(super) fn leaving_bytes(step: &Step, element: u64) -> u64 {
    match step.out {
        Leaving::Nothing => 0,
        Leaving::Partial => step.m * step.n * PARTIAL,
        Leaving::Outputs => step.m * step.n * element,
    }
}
