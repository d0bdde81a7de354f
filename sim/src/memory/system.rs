//! All channels of a device at command fidelity. Channels that start a transfer in the same state
//! with the same work are simulated once; the others take over the outcome. Sharing is decided by
//! comparing states, so it cannot change a result (tested with sharing off).

use crate::dram::{
    BlockId, Channel, Counters, Descriptor, Direction, NoObserver, Standard, Stop, Watch,
};
use crate::dram::{Command, Completion};
use crate::engine::EventQueue;
use crate::pim::PimProgram;
use crate::time::{Ps, Tick};
use std::sync::Arc;

/// The channels of one device.
#[derive(Debug, Clone)]
pub struct System {
    std: Arc<Standard>,
    channels: Vec<Channel>,
    share: bool,
    /// Next free byte of the tensor region; tensors are laid out one after another.
    cursor: u64,
}

/// Work that a channel takes on when one of its blocks completes.
#[derive(Debug, Clone)]
pub enum PimEvent {
    /// A host stream, released at a time.
    Stream(Ps, Descriptor),
    /// A PIM program, released at a time.
    Program(Ps, PimProgram),
}

struct Class {
    channel: Channel,
    members: Vec<usize>,
    before: Counters,
    work: Vec<Descriptor>,
    blocks: Vec<BlockId>,
}

/// A striped transfer on channels.
pub struct Striped<'m> {
    system: &'m mut System,
    classes: Vec<Class>,
    released: usize,
}

impl std::fmt::Debug for Striped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Striped")
            .field("classes", &self.classes.len())
            .field("released", &self.released)
            .finish_non_exhaustive()
    }
}

impl System {
    /// Idle channels at time zero. `share` false simulates every channel, for the test that
    /// sharing changes nothing.
    pub fn new(std: Arc<Standard>, share: bool) -> System {
        System {
            channels: vec![Channel::new(Arc::clone(&std)); std.organisation.channels],
            std,
            share,
            cursor: 0,
        }
    }

    /// Sum of what the channels counted.
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        let zero = Counters::default();
        for channel in &self.channels {
            sum.advance_by(&zero, channel.counters());
        }
        sum
    }

    /// Bytes moved over the pins, in whole bursts.
    pub fn bus_bytes(&self) -> u64 {
        let counters = self.counters();
        (counters.of(Command::Rd) + counters.of(Command::Wr)) * self.std.organisation.burst_bytes
    }

    /// Tensors take the lower half of the rows; the rest is for PIM layouts.
    fn tensor_bytes(&self) -> u64 {
        self.std.organisation.capacity_bytes() / 2
    }

    pub(super) fn begin(&mut self, at: Ps, direction: Direction, segments: &[u64]) -> Striped<'_> {
        let stripe = self.std.organisation.stripe_bytes();
        let total: u64 = segments.iter().sum();
        let mut from = self.cursor.next_multiple_of(stripe);
        if from + total > self.tensor_bytes() {
            from = 0;
        }
        self.cursor = from + total;
        let organisation = &self.std.organisation;
        // A segment is there when the channel with the most of it has all of it. Every channel
        // cuts its slots where that first channel does, so that channels differ in their tails
        // only and can share their work.
        let mut end = from;
        let cuts: Vec<u64> = std::iter::once(&0)
            .chain(segments)
            .map(|bytes| {
                end += bytes;
                organisation.slots_below(0, end)
            })
            .collect();
        let lists = (0..self.channels.len()).map(|channel| {
            let last = organisation.slots_below(channel, end);
            let cut = |slot: u64| slot.min(last);
            cuts.windows(2)
                .map(|pair| (cut(pair[0]), cut(pair[1])))
                .map(|(from, to)| Descriptor::sequential(direction, from, to - from))
                .collect()
        });
        let lists = lists.collect();
        let classes = self.classes(at, lists);
        Striped {
            system: self,
            classes,
            released: 0,
        }
    }

    /// Groups the channels that will behave alike from `at` on.
    fn classes(&mut self, at: Ps, lists: Vec<Vec<Descriptor>>) -> Vec<Class> {
        let tick = self.std.clock.next_tick(at);
        let mut classes: Vec<Class> = Vec::new();
        for (index, work) in lists.into_iter().enumerate() {
            let channel = &mut self.channels[index];
            rest(channel, tick);
            let alike = classes.iter_mut().find(|class| {
                self.share && class.work == work && class.channel.same_state(channel)
            });
            match alike {
                Some(class) => class.members.push(index),
                None => classes.push(Class {
                    channel: channel.clone(),
                    members: vec![index],
                    before: *channel.counters(),
                    work,
                    blocks: Vec::new(),
                }),
            }
        }
        classes
    }

    /// Runs a list of streams on each channel, all released at `at`; returns the end of the last
    /// data.
    pub fn run_lists(&mut self, at: Ps, lists: Vec<Vec<Descriptor>>) -> Ps {
        let classes = self.classes(at, lists);
        let mut transfer = Striped {
            system: self,
            classes,
            released: 0,
        };
        let longest = transfer.classes.iter().map(|class| class.work.len()).max();
        transfer.release(longest.unwrap_or(0), at);
        transfer.finish().max(at)
    }

    /// Runs PIM work on all channels from `at` on. Each channel starts with the events of
    /// `initial`; whenever one of its blocks completes, `react` (called in order of completion
    /// over all channels, equal times by channel) hands it more. Returns the time of the last completion.
    ///
    /// `react(channel, index, at)`: `index` counts the blocks of that channel in the order they
    /// were handed over.
    pub fn react(
        &mut self,
        at: Ps,
        initial: Vec<Vec<PimEvent>>,
        mut react: impl FnMut(usize, usize, Ps) -> Vec<PimEvent>,
    ) -> Ps {
        let clock = self.std.clock;
        let mut queue = EventQueue::new();
        let mut pending: Vec<Vec<Completion>> = vec![Vec::new(); self.channels.len()];
        let mut end = at;
        for (index, events) in initial.into_iter().enumerate() {
            let channel = &mut self.channels[index];
            rest(channel, clock.next_tick(at));
            give(channel, clock, events);
            step(channel, clock, index, &mut pending, &mut queue);
        }
        while let Some((time, component)) = queue.pop() {
            let index = usize::from(component);
            end = end.max(time);
            if let Some(done) = take_first(&mut pending[index]) {
                let events = react(index, done.block.0 as usize, time);
                give(&mut self.channels[index], clock, events);
            }
            step(
                &mut self.channels[index],
                clock,
                index,
                &mut pending,
                &mut queue,
            );
        }
        end
    }
}

/// Brings a drained channel to `tick` and forgets what is over.
fn rest(channel: &mut Channel, tick: Tick) {
    channel.advance(tick, &mut NoObserver);
    channel.settle(tick);
    channel.forget_blocks();
}

fn give(channel: &mut Channel, clock: crate::time::Clock, events: Vec<PimEvent>) {
    for event in events {
        match event {
            PimEvent::Stream(at, stream) => {
                channel.push(clock.next_tick(at), stream, Watch::Stop);
            }
            PimEvent::Program(at, program) => {
                channel.push_pim(clock.next_tick(at), program, Watch::Stop);
            }
        }
    }
}

/// Advances a channel until its earliest completion is certain, and schedules that one. Commands
/// issued later may complete earlier (a short write beside a long tile), so the channel goes on to
/// the earliest completion known.
fn step(
    channel: &mut Channel,
    clock: crate::time::Clock,
    index: usize,
    pending: &mut [Vec<Completion>],
    queue: &mut EventQueue,
) {
    let first = |pending: &[Completion]| pending.iter().map(|done| done.at).min();
    loop {
        let horizon = first(&pending[index]).unwrap_or(Tick::MAX);
        match channel.advance(horizon, &mut NoObserver) {
            Stop::Watched(done) => pending[index].push(done),
            Stop::Horizon | Stop::Idle => break,
        }
    }
    if let Some(at) = first(&pending[index]) {
        queue.schedule(clock.to_ps(at), index as u16);
    }
}

fn take_first(pending: &mut Vec<Completion>) -> Option<Completion> {
    let (index, _) = pending
        .iter()
        .enumerate()
        .min_by_key(|(_, done)| (done.at, done.block))?;
    Some(pending.remove(index))
}

impl Striped<'_> {
    pub(super) fn release(&mut self, end: usize, at: Ps) {
        let tick = self.system.std.clock.next_tick(at);
        for class in &mut self.classes {
            let upto = end.min(class.work.len());
            for index in self.released..upto {
                let watch = if index + 1 == upto {
                    Watch::Stop
                } else {
                    Watch::Record
                };
                let block = class.channel.push(tick, class.work[index], watch);
                class.blocks.push(block);
            }
        }
        self.released = end;
    }

    pub(super) fn arrival(&mut self, segment: usize) -> Ps {
        let mut last = 0;
        for class in &mut self.classes {
            let Some(&block) = class.blocks.get(segment) else {
                continue;
            };
            class.channel.watch(block);
            let done = loop {
                if let Some(at) = class.channel.completed(block) {
                    break at;
                }
                if class.channel.advance(Tick::MAX, &mut NoObserver) == Stop::Idle {
                    break class.channel.completed(block).unwrap_or(0);
                }
            };
            last = last.max(done);
        }
        self.system.std.clock.to_ps(last)
    }

    pub(super) fn finish(mut self) -> Ps {
        let mut last = 0;
        for class in &mut self.classes {
            while class.channel.advance(Tick::MAX, &mut NoObserver) != Stop::Idle {}
            let ends = class.blocks.iter();
            let ends = ends.filter_map(|&block| class.channel.completed(block));
            last = ends.fold(last, Tick::max);
        }
        let clock = self.system.std.clock;
        for class in self.classes {
            let Some((&first, others)) = class.members.split_first() else {
                continue;
            };
            for &member in others {
                self.system.channels[member].adopt(&class.channel, &class.before);
            }
            self.system.channels[first] = class.channel;
        }
        clock.to_ps(last)
    }
}
