//! The cores of a product over time: tiles are loaded into two buffers, the arrays take their blocks
//! as they arrive, outputs leave while the next tile runs. All instants come from completions of
//! memory requests and from recurrences over blocks.

use super::core::{Core, Ran, leaving_bytes};
use super::links::Links;
use super::parts::{Bound, Outcome, Traffic};
use super::shared::{Contents, Found, Key};
use super::tensors::{Tensor, Tensors};
use crate::exec::watch::{Act, Class, Plan, Watch};
use crate::machine::DeviceMemory;
use crate::memory::{Flow, Memory, Region};
use crate::npu::mapping::Leaving;
use crate::npu::{Buffering, Gemm, Mapping, Npu, Resident};
use crate::time::Ps;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Tiles in flight of a core.
const BUFFERS: usize = 2;
/// Parts in which the credits of a core come back.
const CREDIT_PARTS: u64 = 8;

/// A product on a machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    pub npu: &'a Npu,
    pub device: &'a DeviceMemory,
    pub gemm: Gemm,
    pub mapping: Mapping,
    pub resident: Resident,
    /// Bytes that come with the first weights (a bias), counted as weights.
    pub bias: u64,
}

/// When a product may begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begin {
    /// Activations are there and the arrays are free.
    pub at: Ps,
    /// The space of each of the first two tiles is free, and memory is: weights may come before `at`.
    pub weights: [Ps; 2],
}

impl Begin {
    pub(crate) fn at(at: Ps) -> Begin {
        Begin {
            at,
            weights: [at; 2],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Loads of a tile up to a count may be asked for.
    Release {
        core: usize,
        step: usize,
        upto: usize,
    },
    /// Weights of a tile may be.
    Weights { core: usize, step: usize },
    /// What a tile leaves may go.
    Store { core: usize, step: usize },
}

/// A load of a tile, until it is asked for.
#[derive(Debug, Clone, Copy)]
struct Load {
    core: usize,
    step: usize,
    block: usize,
    tensor: Tensor,
    region: Region,
    key: Option<Key>,
}

/// What a request to memory was for.
#[derive(Debug, Clone, Copy)]
enum Asked {
    Load { load: Load, at: Ps },
    Store { core: usize, group: usize, way: Ps },
}

struct Running<'a, 'm> {
    run: Run<'a>,
    cores: Vec<Core>,
    tensors: Tensors,
    links: Links,
    contents: Option<Contents>,
    /// Tiles in M, K and N.
    tiles: [u64; 3],
    flow: Flow<'m>,
    asked: Vec<Asked>,
    events: BinaryHeap<Reverse<(Ps, u64, Event)>>,
    serial: u64,
    /// Loads of the tiles that have space, in order, until they may be asked for.
    held: Vec<VecDeque<Load>>,
    /// Loads that may be asked for and wait for credits.
    queues: Vec<VecDeque<Load>>,
    in_flight: Vec<u64>,
    /// Partial sums that are still being written: core, group, load.
    written: Vec<(usize, usize, Load)>,
    traffic: Traffic,
    /// Bytes into and out of each core, and through the shared scratchpad.
    moved: Vec<[u64; 2]>,
    through: u64,
    ran: Vec<Ran>,
    /// Most bytes of a request, where credits limit those in flight.
    most: Option<u64>,
    /// Requests are of less than a stripe: each uses the channels that it lies on.
    apart: bool,
    watch: Option<&'a mut dyn Watch>,
}

impl Run<'_> {
    /// Runs the product; `bounded` asks for the closed forms beside it.
    pub(crate) fn execute(&self, memory: &mut Memory, begin: Begin, bounded: bool) -> Outcome {
        self.watched(memory, begin, bounded, None)
    }

    /// The same, with somebody to hear of every load, block and store.
    pub(crate) fn watched<'s>(
        &'s self,
        memory: &mut Memory,
        begin: Begin,
        bounded: bool,
        watch: Option<&'s mut dyn Watch>,
    ) -> Outcome {
        let mut running = self.start(memory, begin, watch);
        running.settle(Ps(u64::MAX));
        running.outcome(begin, bounded)
    }

    /// Runs the product on memory that is given up with it; `None` if it takes longer than `until`.
    pub(crate) fn try_until(&self, mut memory: Memory, until: Ps) -> Option<Outcome> {
        let begin = Begin::at(Ps::ZERO);
        let mut running = self.start(&mut memory, begin, None);
        if !running.settle(until) {
            return None;
        }
        Some(running.outcome(begin, false)).filter(|outcome| outcome.end <= until)
    }

    fn start<'s, 'm>(
        &'s self,
        memory: &'m mut Memory,
        begin: Begin,
        watch: Option<&'s mut dyn Watch>,
    ) -> Running<'s, 'm> {
        let (npu, at) = (self.npu, begin.at);
        let tensors = Tensors::place(
            &self.gemm,
            &self.mapping,
            npu.cores.layout,
            self.device,
            memory,
        );
        let bias = memory.place(self.bias);
        let [rows, parts, columns] = self.mapping.tiles(&self.gemm);
        let steps = self.mapping.steps(&self.gemm, npu.cores.count);
        let new = |steps| Core::new(npu, self.mapping.stationary, self.gemm.element, steps, at);
        let cores: Vec<Core> = steps.into_iter().map(new).collect();
        let count = cores.len();
        let first = begin.weights[0].min(begin.weights[1]).min(at);
        let dma = &npu.cores.dma;
        let least = dma.request_bytes;
        let most = dma
            .window()
            .map(|window| (window / CREDIT_PARTS).max(least).next_multiple_of(least));
        let stripe = self
            .device
            .part()
            .map_or(1, |part| part.organisation.stripe_bytes());
        let mut running = Running {
            run: *self,
            tensors,
            links: Links::new(npu.clock, &npu.cores),
            contents: npu.cores.shared.map(|shared| {
                let tiles = [rows * parts, parts * columns];
                Contents::new(shared.bytes, shared.multicast, tiles)
            }),
            tiles: [rows, parts, columns],
            flow: memory.flow(first, self.lookahead()),
            asked: Vec::new(),
            events: BinaryHeap::new(),
            serial: 0,
            held: vec![VecDeque::new(); count],
            queues: vec![VecDeque::new(); count],
            in_flight: vec![0; count],
            written: Vec::new(),
            traffic: Traffic::default(),
            moved: vec![[0; 2]; count],
            through: 0,
            ran: Vec::new(),
            most,
            apart: most.is_some_and(|most| most < stripe),
            cores,
            watch,
        };
        running.announce(bias);
        running.begin(begin, bias);
        running
    }

    /// Shortest time from a completion to a request that it causes.
    fn lookahead(&self) -> Ps {
        let (npu, cores) = (self.npu, &self.npu.cores);
        let at_once = cores.dma.credits.is_some() || self.mapping.tile_k < self.gemm.k;
        if at_once {
            return Ps::ZERO;
        }
        npu.clock
            .to_ps((npu.array.rows + npu.array.columns).saturating_sub(2))
    }
}

impl Running<'_, '_> {
    fn announce(&mut self, bias: u64) {
        let (run, tensors) = (&self.run, &self.tensors);
        if let Some(watch) = &mut self.watch {
            let order = [
                Tensor::Activations,
                Tensor::Weights,
                Tensor::Partial,
                Tensor::Outputs,
            ];
            let plan = Plan {
                gemm: run.gemm,
                mapping: run.mapping,
                resident: run.resident,
                layout: run.npu.cores.layout,
                array: run.npu.array,
                cores: self.cores.len(),
                placed: order.map(|tensor| tensors.placed(tensor)),
                bias: (run.bias > 0).then_some((bias, bias + run.bias)),
                in_place: run.npu.cores.count == 1 && self.contents.is_none(),
            };
            watch.act(&Act::Product(plan));
        }
    }

    fn schedule(&mut self, at: Ps, event: Event) {
        self.serial += 1;
        self.events.push(Reverse((at, self.serial, event)));
    }

    fn begin(&mut self, begin: Begin, bias: u64) {
        if self.run.bias > 0 && !self.run.resident.weights && !self.cores.is_empty() {
            let end = bias + self.run.bias;
            let load = Load {
                core: 0,
                step: 0,
                block: 0,
                tensor: Tensor::Weights,
                region: Region::Span {
                    base: bias,
                    from: bias,
                    to: end,
                    end,
                },
                key: None,
            };
            self.held[0].push_back(load);
        }
        for core in 0..self.cores.len() {
            for step in 0..BUFFERS.min(self.cores[core].steps.len()) {
                let biased = (core, step) == (0, 0) && !self.held[0].is_empty();
                self.open(core, step, begin.at);
                if biased {
                    self.cores[0].expect(0, 0);
                }
                let early = begin.weights[step];
                if early < begin.at {
                    self.schedule(early, Event::Weights { core, step });
                }
                let upto = usize::MAX;
                self.schedule(early.max(begin.at), Event::Release { core, step, upto });
            }
        }
    }

    /// Processes completions and events in the order of time; whether all were before `until`.
    fn settle(&mut self, until: Ps) -> bool {
        loop {
            let horizon = self.events.peek().map_or(Ps(u64::MAX), |event| event.0.0);
            if let Some((request, at)) = self.flow.next(horizon) {
                if at > until {
                    return false;
                }
                self.complete(request as usize, at);
                continue;
            }
            let Some(Reverse((at, _, event))) = self.events.pop() else {
                return true;
            };
            if at > until {
                return false;
            }
            match event {
                Event::Release { core, step, upto } => self.release(core, step, upto, at),
                Event::Weights { core, step } => self.release_weights(core, step, at),
                Event::Store { core, step } => self.store(core, step, at),
            }
        }
    }

    /// Takes space for a tile and lists what it needs.
    fn open(&mut self, core: usize, step: usize, at: Ps) {
        let Running {
            tensors,
            cores,
            held,
            contents,
            run,
            apart,
            tiles: [_, parts, columns],
            ..
        } = self;
        let of = cores[core].steps[step];
        let passes = cores[core].open(step, at);
        let new = |tensor, block, region, key| Load {
            core,
            step,
            block,
            tensor,
            region,
            key,
        };
        let mut loads = Vec::new();
        if contents.is_some() {
            if of.partial_in {
                loads.push(new(Tensor::Partial, 0, tensors.partial(&of), None));
            }
            for (tensor, tile, region) in tensors.whole(&of) {
                let (needed, operand, across) = match tensor {
                    Tensor::Activations => (of.new_activations, 0, *parts),
                    _ => (of.new_weights, 1, *columns),
                };
                if needed {
                    let key = (operand, (tile.0 * across + tile.1) as usize);
                    loads.push(new(tensor, 0, region, Some(key)));
                }
            }
        } else {
            for (tensor, block, region) in tensors.loads(&of, passes) {
                loads.push(new(tensor, block, region, None));
            }
        }
        // One core that has the whole tensor in its own scratchpad needs no copy of a tile.
        let here = run.npu.cores.count == 1 && contents.is_none();
        loads.retain(|load| !(here && run.is_resident(load.tensor)));
        for load in &mut loads {
            if *apart {
                load.region = load.region.apart();
            }
            cores[core].expect(step, load.block);
        }
        held[core].extend(loads);
    }

    /// Loads of `step` may be asked for, up to the `upto`-th block.
    fn release(&mut self, core: usize, step: usize, upto: usize, at: Ps) {
        while let Some(load) = self.held[core].front()
            && (load.step, load.block) < (step, upto)
        {
            let load = *load;
            self.held[core].pop_front();
            self.queues[core].push_back(load);
        }
        self.pump(core, at);
        self.advance(core);
    }

    fn release_weights(&mut self, core: usize, step: usize, at: Ps) {
        let held = std::mem::take(&mut self.held[core]);
        for load in held {
            if load.step == step && load.tensor == Tensor::Weights {
                self.queues[core].push_back(load);
            } else {
                self.held[core].push_back(load);
            }
        }
        self.pump(core, at);
    }

    /// Asks for what credits allow.
    fn pump(&mut self, core: usize, at: Ps) {
        let window = self.run.npu.cores.dma.window();
        while let Some(load) = self.queues[core].front() {
            if let (Some(window), Some(most)) = (window, self.most) {
                if self.in_flight[core] > 0
                    && self.in_flight[core] + most.min(load.region.bytes()) > window
                {
                    return;
                }
                if load.key.is_none()
                    && let Some((part, rest)) = load.region.split(most)
                {
                    let own = |region: Region| if self.apart { region.apart() } else { region };
                    let mut load = *load;
                    self.cores[core].expect(load.step, load.block);
                    load.region = own(rest);
                    self.queues[core][0] = load;
                    load.region = own(part);
                    self.ask(load, at);
                    continue;
                }
            }
            let load = *load;
            self.queues[core].pop_front();
            self.ask(load, at);
        }
    }

    fn ask(&mut self, load: Load, at: Ps) {
        let bytes = load.region.bytes();
        let core = load.core;
        if load.tensor == Tensor::Partial
            && let Some(group) = self.cores[core].left_in(load.step)
            && self.cores[core].stored_at(group).is_none()
        {
            self.written.push((core, group, load));
            return;
        }
        self.in_flight[core] += bytes;
        if self.run.is_resident(load.tensor) {
            self.send(&load, at, at);
            return;
        }
        if let (Some(contents), Some(key)) = (&mut self.contents, load.key) {
            let waiting = (core, load.step, load.block);
            match contents.find(key, bytes, at, waiting) {
                Found::Here(here) => {
                    self.send(&load, at, here.max(at));
                    return;
                }
                Found::Sent(until) => return self.deliver(&load, at, until, until),
                Found::Coming => return,
                Found::Nothing => {}
            }
        }
        match load.tensor {
            Tensor::Activations => self.traffic.activations += bytes,
            Tensor::Weights => self.traffic.weights += bytes,
            Tensor::Partial => self.traffic.partial_in += bytes,
            Tensor::Outputs => {}
        }
        self.tell_moved(load.tensor, load.region);
        self.flow.submit(at, Tensor::LOAD, load.region);
        self.asked.push(Asked::Load { load, at });
    }

    fn tell_moved(&mut self, tensor: Tensor, region: Region) {
        if let Some(watch) = &mut self.watch {
            let burst = self.run.device.burst_bytes();
            watch.act(&Act::Moved {
                class: match tensor {
                    Tensor::Activations => Class::Input,
                    Tensor::Weights => Class::Weights,
                    Tensor::Partial => Class::Partial,
                    Tensor::Outputs => Class::Output,
                },
                bytes: region.bytes(),
                bursts: region.bursts(burst),
            });
        }
    }

    /// Data that has left memory, or a scratchpad, by `memory` goes to its core; returns when it was
    /// through the shared scratchpad.
    fn send(&mut self, load: &Load, begin: Ps, memory: Ps) -> Ps {
        let bytes = load.region.bytes();
        let through = self.links.pass_shared(bytes, begin, memory);
        if let (Some(contents), Some(key)) = (&mut self.contents, load.key) {
            contents.send(key, through);
        }
        self.through += bytes;
        self.deliver(load, begin, memory, through);
        through
    }

    fn deliver(&mut self, load: &Load, begin: Ps, memory: Ps, through: Ps) {
        let bytes = load.region.bytes();
        let here = self.links.pass(load.core, true, bytes, begin, through);
        self.moved[load.core][0] += bytes;
        self.cores[load.core].accesses.fills += bytes;
        self.cores[load.core].arrived(load.step, load.block, memory, here);
        if let Some(watch) = &mut self.watch {
            watch.act(&Act::Load {
                core: load.core,
                step: load.step,
                of: self.cores[load.core].steps[load.step],
                tensor: load.tensor,
                region: load.region,
            });
        }
        self.in_flight[load.core] -= bytes;
    }

    fn complete(&mut self, request: usize, at: Ps) {
        match self.asked[request] {
            Asked::Load { load, at: begin } => {
                let waiting = match (&mut self.contents, load.key) {
                    (Some(contents), Some(key)) => contents.come(key, at),
                    _ => Vec::new(),
                };
                let begin = self.streams_from(load.region.bytes(), begin, at);
                if waiting.is_empty() {
                    self.send(&load, begin, at);
                    self.pump(load.core, at);
                    return self.advance(load.core);
                }
                let together = self
                    .run
                    .npu
                    .cores
                    .shared
                    .is_some_and(|shared| shared.multicast);
                let mut sent = None;
                for (core, step, block) in waiting {
                    let own = Load {
                        core,
                        step,
                        block,
                        ..load
                    };
                    match sent {
                        Some(until) if together => self.deliver(&own, begin, at, until),
                        _ => sent = Some(self.send(&own, begin, at)),
                    }
                    self.pump(core, at);
                    self.advance(core);
                }
            }
            Asked::Store { core, group, way } => self.stored(core, group, at.max(way)),
        }
    }

    /// When the first of `bytes` that are complete at `end` goes from one side of the network to the
    /// other, where both stream at the rate that the pins allow: asked for at `begin`, they stay
    /// behind a latency first.
    fn streams_from(&self, bytes: u64, begin: Ps, end: Ps) -> Ps {
        let peak = self.run.device.peak_bytes_per_s();
        begin.max(Ps(end.0.saturating_sub(rounded_down(bytes, peak).0)))
    }

    fn stored(&mut self, core: usize, group: usize, at: Ps) {
        self.cores[core].stored(group, at);
        let back = |entry: &(usize, usize, Load)| (entry.0, entry.1) == (core, group);
        while let Some(index) = self.written.iter().position(back) {
            let (_, _, load) = self.written.swap_remove(index);
            self.ask(load, at);
        }
        self.advance(core);
    }

    /// Runs a core as far as it can, and plans what follows from it.
    fn advance(&mut self, core: usize) {
        let mut ran = std::mem::take(&mut self.ran);
        ran.clear();
        self.cores[core].run(&mut ran);
        for ran in &ran {
            match *ran {
                Ran::Block {
                    step,
                    pass,
                    done,
                    of,
                    at,
                } => {
                    if let Some(watch) = &mut self.watch {
                        let of = self.cores[core].steps[step];
                        watch.act(&Act::Block {
                            core,
                            step,
                            of,
                            pass,
                        });
                    }
                    let next = step + BUFFERS;
                    if self.run.npu.cores.buffering == Buffering::Block
                        && next < self.cores[core].steps.len()
                    {
                        if done == 1 {
                            self.open(core, next, at);
                        }
                        // Blocks of the next tile in the same proportion.
                        let upto = if done == of { usize::MAX } else { done };
                        let event = Event::Release {
                            core,
                            step: next,
                            upto,
                        };
                        self.schedule(at, event);
                    }
                }
                Ran::Tile { step, at } => {
                    let next = step + BUFFERS;
                    if self.run.npu.cores.buffering == Buffering::Tile
                        && next < self.cores[core].steps.len()
                    {
                        self.open(core, next, at);
                        let upto = usize::MAX;
                        let event = Event::Release {
                            core,
                            step: next,
                            upto,
                        };
                        self.schedule(at, event);
                    }
                    if self.cores[core].steps[step].out != Leaving::Nothing {
                        self.schedule(at, Event::Store { core, step });
                    }
                }
            }
        }
        self.ran = ran;
    }

    fn store(&mut self, core: usize, step: usize, at: Ps) {
        let of = self.cores[core].steps[step];
        let group = self.cores[core].group(step);
        let Some((tensor, region)) = self.tensors.store(&of) else {
            return;
        };
        let kept = tensor == Tensor::Outputs && self.run.resident.outputs;
        if let Some(watch) = &mut self.watch {
            watch.act(&Act::Store {
                core,
                step,
                of,
                tensor,
                region: (!kept).then_some(region),
            });
        }
        if kept {
            return self.stored(core, group, at);
        }
        let bytes = region.bytes();
        match tensor {
            Tensor::Partial => self.traffic.partial_out += bytes,
            _ => self.traffic.outputs += bytes,
        }
        self.cores[core].accesses.drains += leaving_bytes(&of, self.run.gemm.element);
        self.moved[core][1] += bytes;
        self.through += bytes;
        let out = self.links.pass(core, false, bytes, at, at);
        let way = self.links.pass_shared(bytes, at, out);
        let begin = self.streams_from(bytes, at, way);
        self.tell_moved(tensor, region);
        self.flow.submit(begin, Tensor::STORE, region);
        self.asked.push(Asked::Store { core, group, way });
    }

    fn outcome(mut self, begin: Begin, bounded: bool) -> Outcome {
        let idle = self.flow.finish();
        let done = self.cores.iter().map(Core::done);
        let end = done.max().unwrap_or(begin.at).max(begin.at);
        let mut outcome = Outcome {
            end,
            traffic: self.traffic,
            memory_idle: idle,
            cores: self
                .cores
                .iter()
                .filter(|core| !core.steps.is_empty())
                .count() as u64,
            steps: self.cores.iter().map(|core| core.steps.len() as u64).sum(),
            ..Outcome::default()
        };
        for core in &mut self.cores {
            core.close(end);
            outcome.parts.add(&core.parts);
            outcome.accesses.add(&core.accesses);
            for (all, own) in outcome.buffers.iter_mut().zip(core.finished) {
                *all = (*all).max(own);
            }
        }
        if bounded {
            let macs = |core: &&Core| {
                core.steps
                    .iter()
                    .map(|step| step.m * step.k * step.n)
                    .sum::<u64>()
            };
            let busiest = self.cores.iter().max_by_key(macs);
            let peak = self.run.device.peak_bytes_per_s();
            outcome.bound = Bound {
                array: busiest.map_or(Ps::ZERO, Core::bound),
                memory: rounded_down(self.traffic.total(), peak),
                link: self.links.bound(&self.moved, self.through),
            };
        }
        outcome
    }
}

/// `bytes / rate`, rounded down: a bound.
fn rounded_down(bytes: u64, rate: u64) -> Ps {
    let ps = u128::from(bytes) * 1_000_000_000_000 / u128::from(rate.max(1));
    Ps(u64::try_from(ps).unwrap_or(u64::MAX))
}

impl Run<'_> {
    fn is_resident(&self, tensor: Tensor) -> bool {
        match tensor {
            Tensor::Activations => self.resident.activations,
            Tensor::Weights => self.resident.weights,
            Tensor::Partial | Tensor::Outputs => false,
        }
    }
}
