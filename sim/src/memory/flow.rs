//! Requests of several cores to the channels of a device, in the order of their release, and their
//! completions as they become certain.
//!
//! Channels in equal state with equal work are one class and are simulated once; a request that
//! means different bursts to them splits the class. No channel runs ahead of another by more than
//! the look-ahead, the shortest time in which a completion can cause a release.

use super::Region;
use super::system::{System, rest};
use crate::dram::{BlockId, Channel, Counters, Descriptor, Direction, NoObserver, Stop};
use crate::time::{Ps, Tick};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Number of a request, counted from zero in each flow.
pub type RequestId = u32;

struct Class {
    channel: Channel,
    members: Vec<usize>,
    before: Counters,
    /// Request of each block.
    blocks: Vec<RequestId>,
    /// Blocks that are not complete.
    open: usize,
}

#[derive(Clone, Copy)]
struct Progress {
    open: u32,
    last: Tick,
}

/// Requests on channels.
pub struct Channels<'m> {
    system: &'m mut System,
    classes: Vec<Class>,
    requests: Vec<Progress>,
    ready: BTreeSet<(Ps, RequestId)>,
    lookahead: Tick,
    end: Tick,
}

impl std::fmt::Debug for Channels<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channels")
            .field("classes", &self.classes.len())
            .field("requests", &self.requests.len())
            .finish_non_exhaustive()
    }
}

impl System {
    /// Opens a flow on idle channels.
    pub(super) fn flow(&mut self, at: Ps, lookahead: Ps) -> Channels<'_> {
        let tick = self.std.clock.next_tick(at);
        let mut classes: Vec<Class> = Vec::new();
        for (index, channel) in self.channels.iter_mut().enumerate() {
            rest(channel, tick);
            let alike = classes
                .iter_mut()
                .find(|class| self.share && class.channel.same_state(channel));
            match alike {
                Some(class) => class.members.push(index),
                None => classes.push(Class {
                    channel: channel.clone(),
                    members: vec![index],
                    before: *channel.counters(),
                    blocks: Vec::new(),
                    open: 0,
                }),
            }
        }
        Channels {
            lookahead: self.std.clock.next_tick(lookahead).saturating_sub(1).max(1),
            system: self,
            classes,
            requests: Vec::new(),
            ready: BTreeSet::new(),
            end: tick,
        }
    }
}

impl Channels<'_> {
    /// Asks for a region from `at` on.
    pub(super) fn submit(&mut self, at: Ps, direction: Direction, region: Region) -> RequestId {
        let std = Arc::clone(&self.system.std);
        let even = region.is_even(&std.organisation);
        self.submit_by(at, |channel, into| {
            let channel = if even { 0 } else { channel };
            region.of_channel(&std.organisation, channel, direction, into);
            even
        })
    }

    /// Asks for streams that are given channel by channel.
    pub(super) fn submit_lists(&mut self, at: Ps, lists: &[Vec<Descriptor>]) -> RequestId {
        self.submit_by(at, |channel, into| {
            into.extend(lists.get(channel).into_iter().flatten());
            false
        })
    }

    /// `streams(channel, into)` gives the streams of a channel and says whether they are those of
    /// all channels.
    fn submit_by(
        &mut self,
        at: Ps,
        streams: impl Fn(usize, &mut Vec<Descriptor>) -> bool,
    ) -> RequestId {
        let tick = self.system.std.clock.next_tick(at);
        let request = self.requests.len() as RequestId;
        self.requests.push(Progress {
            open: 0,
            last: tick,
        });
        let mut own = Vec::new();
        let mut index = 0;
        while index < self.classes.len() {
            own.clear();
            let class = &self.classes[index];
            let first = class.members.first().copied().unwrap_or(0);
            let even = streams(first, &mut own);
            if !even {
                self.split(index, &own, &streams);
            }
            self.push(index, request, tick, &own);
            index += 1;
        }
        if self.requests[request as usize].open == 0 {
            self.ready.insert((at, request));
        }
        request
    }

    /// Leaves in a class those whose streams are `own`; the others become classes at the end of the
    /// list, which the caller reaches later.
    fn split(
        &mut self,
        index: usize,
        own: &[Descriptor],
        streams: &impl Fn(usize, &mut Vec<Descriptor>) -> bool,
    ) {
        let mut other = Vec::new();
        let (same, rest): (Vec<usize>, Vec<usize>) =
            self.classes[index].members.iter().partition(|&&member| {
                other.clear();
                streams(member, &mut other);
                other == own
            });
        if rest.is_empty() {
            return;
        }
        let class = &mut self.classes[index];
        class.members = same;
        let apart = Class {
            channel: class.channel.clone(),
            members: rest,
            before: class.before,
            blocks: class.blocks.clone(),
            open: class.open,
        };
        for (block, &request) in apart.blocks.iter().enumerate() {
            if apart.channel.completed(BlockId(block as u32)).is_none() {
                self.requests[request as usize].open += 1;
            }
        }
        self.classes.push(apart);
    }

    fn push(&mut self, index: usize, request: RequestId, tick: Tick, streams: &[Descriptor]) {
        let class = &mut self.classes[index];
        for stream in streams {
            class.channel.push(tick, *stream, crate::dram::Watch::Stop);
            class.blocks.push(request);
            class.open += 1;
            self.requests[request as usize].open += 1;
        }
    }

    /// The next completion that becomes certain while no channel passes `horizon`; `None` when all
    /// channels with work are there, or have none left.
    pub(super) fn next(&mut self, horizon: Ps) -> Option<(RequestId, Ps)> {
        let clock = self.system.std.clock;
        let horizon = if horizon.0 == u64::MAX {
            Tick::MAX
        } else {
            clock.next_tick(horizon)
        };
        loop {
            if let Some((at, request)) = self.ready.pop_first() {
                return Some((request, at));
            }
            let mut least: Option<usize> = None;
            let mut second = Tick::MAX;
            for (index, class) in self.classes.iter().enumerate() {
                if class.open == 0 {
                    continue;
                }
                let now = class.channel.now();
                match least {
                    Some(best) if self.classes[best].channel.now() <= now => {
                        second = second.min(now);
                    }
                    Some(best) => {
                        second = second.min(self.classes[best].channel.now());
                        least = Some(index);
                    }
                    None => least = Some(index),
                }
            }
            let class = &mut self.classes[least?];
            if class.channel.now() >= horizon {
                return None;
            }
            let limit = horizon.min(second.saturating_add(self.lookahead));
            match class.channel.advance(limit, &mut NoObserver) {
                Stop::Watched(done) => {
                    class.open -= 1;
                    let request = class.blocks[done.block.0 as usize];
                    let progress = &mut self.requests[request as usize];
                    progress.open -= 1;
                    progress.last = progress.last.max(done.at);
                    self.end = self.end.max(done.at);
                    if progress.open == 0 {
                        self.ready.insert((clock.to_ps(progress.last), request));
                    }
                }
                Stop::Horizon => {}
                // Cannot be while blocks are open.
                Stop::Idle => class.open = 0,
            }
        }
    }

    /// Completes everything asked for; returns the end of the last data.
    pub(super) fn finish(mut self) -> Ps {
        while self.next(Ps(u64::MAX)).is_some() {}
        for class in &self.classes {
            for &member in &class.members {
                self.system.channels[member].adopt(&class.channel, &class.before);
            }
        }
        self.system.std.clock.to_ps(self.end)
    }
}
