//! All channels of a device at command fidelity. Channels that start a transfer in the same state
//! with the same work are simulated once; the others take over the outcome. Sharing is decided by
//! comparing states, so it cannot change a result (tested with sharing off).

use crate::dram::{
    Channel, Command, Completion, Counters, Descriptor, NoObserver, Standard, Stop, Watch,
};
use crate::engine::EventQueue;
use crate::pim::PimProgram;
use crate::time::{Ps, Tick};
use std::sync::Arc;

/// The channels of one device.
#[derive(Debug, Clone)]
pub struct System {
    pub(super) std: Arc<Standard>,
    pub(super) channels: Vec<Channel>,
    pub(super) share: bool,
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

    /// A place for a tensor of `bytes`, at the start of a stripe.
    pub(super) fn place(&mut self, bytes: u64) -> u64 {
        let stripe = self.std.organisation.stripe_bytes();
        let mut from = self.cursor.next_multiple_of(stripe);
        if from.saturating_add(bytes) > self.tensor_bytes() {
            from = 0;
        }
        self.cursor = from.saturating_add(bytes);
        from
    }

    /// Runs a list of streams on each channel, all released at `at`; returns the end of the last
    /// data.
    pub fn run_lists(&mut self, at: Ps, lists: &[Vec<Descriptor>]) -> Ps {
        let mut flow = self.flow(at, Ps(u64::MAX));
        flow.submit_lists(at, lists);
        flow.finish().max(at)
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
pub(super) fn rest(channel: &mut Channel, tick: Tick) {
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
