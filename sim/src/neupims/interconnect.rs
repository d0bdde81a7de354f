//! The interconnect between core and channels: one lane a channel, on which an entry takes a tick
//! and one entry a tick moves in each direction. Behind it stand one or two queues of requests
//! that a channel takes from; a head that it refuses blocks those behind it.

use super::address::CHANNELS;
use crate::pim::newton::port::{Ask, Port, Transaction};
use crate::time::Tick;
use std::collections::VecDeque;

/// The two halves of the core and their programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Systolic arrays and vector operators on whole batches.
    Array,
    /// Attention in the banks.
    Pim,
}

/// Ticks of the interconnect from entry to exit.
const LATENCY: u64 = 1;

#[derive(Debug)]
struct Lane<P> {
    port: P,
    /// Requests in the core, of both sides.
    from_core: [VecDeque<Transaction>; 2],
    /// On the way, with the tick in which they are through.
    crossing: VecDeque<(u64, Side, Transaction)>,
    /// In front of the channel.
    waiting: [VecDeque<Transaction>; 2],
    returning: VecDeque<(u64, u32)>,
    returned: VecDeque<u32>,
    /// Transactions in the queues above, and answers still to come.
    inside: u64,
}

/// All lanes and their channels.
#[derive(Debug)]
pub(super) struct Interconnect<P> {
    lanes: Vec<Lane<P>>,
    /// Lanes with something inside.
    active: u64,
    /// Whether the sides have queues of their own in front of the channels.
    two_queues: bool,
    /// Ticks gone through.
    ticks: u64,
}

impl<P: Port> Interconnect<P> {
    pub(super) fn new(mut port: impl FnMut() -> P, two_queues: bool) -> Interconnect<P> {
        let lane = |_| Lane {
            port: port(),
            from_core: [VecDeque::new(), VecDeque::new()],
            crossing: VecDeque::new(),
            waiting: [VecDeque::new(), VecDeque::new()],
            returning: VecDeque::new(),
            returned: VecDeque::new(),
            inside: 0,
        };
        Interconnect {
            lanes: (0..CHANNELS).map(lane).collect(),
            active: 0,
            two_queues,
            ticks: 0,
        }
    }

    /// The core hands a transaction over.
    pub(super) fn send(&mut self, side: Side, channel: usize, transaction: Transaction) {
        let lane = &mut self.lanes[channel % CHANNELS];
        lane.from_core[side as usize].push_back(transaction);
        lane.inside += 1;
        self.active |= 1 << (channel % CHANNELS);
    }

    /// Tick `now` of the channels. Those with nothing inside are left behind until something comes:
    /// what they do meanwhile depends on nothing else.
    pub(super) fn tick_channels(&mut self, now: Tick) {
        for channel in bits(self.active) {
            let port = &mut self.lanes[channel].port;
            while port.now() <= now {
                port.tick();
            }
        }
    }

    /// One tick; `answered` gets the tags that reach the core.
    pub(super) fn tick(&mut self, mut answered: impl FnMut(u32)) {
        for channel in bits(self.active) {
            self.lanes[channel].tick(self.ticks, self.two_queues, &mut answered);
            if self.lanes[channel].inside == 0 {
                self.active &= !(1 << channel);
            }
        }
        self.ticks += 1;
    }
}

fn bits(set: u64) -> impl Iterator<Item = usize> {
    let mut left = set;
    std::iter::from_fn(move || {
        let bit = left.trailing_zeros();
        left &= left.wrapping_sub(1);
        (bit < u64::BITS).then_some(bit as usize)
    })
}

impl<P: Port> Lane<P> {
    fn tick(&mut self, now: u64, two_queues: bool, answered: &mut impl FnMut(u32)) {
        for side in [Side::Array, Side::Pim] {
            if let Some(transaction) = self.from_core[side as usize].pop_front() {
                let last = self.crossing.back().map(|(due, ..)| *due);
                let due = last.map_or(now + LATENCY, |due| due + 1);
                self.crossing.push_back((due, side, transaction));
            }
        }
        if let Some(tag) = self.returned.pop_front() {
            self.inside -= 1;
            answered(tag);
        }
        for queue in &mut self.waiting {
            if let Some(head) = queue.front().copied()
                && self.port.has_room(head.ask)
            {
                queue.pop_front();
                self.port.offer(head);
                if matches!(head.ask, Ask::Header { .. }) {
                    // Never answered.
                    self.inside -= 1;
                }
            }
        }
        if let Some(answer) = self.port.answer() {
            let last = self.returning.back().map(|(due, _)| *due);
            let due = last.map_or(now + LATENCY, |due| due + 1);
            self.returning.push_back((due, answer.tag));
        }
        if let Some((_, side, transaction)) = self.crossing.pop_front_if(|(due, ..)| *due <= now) {
            let queue = if two_queues { side } else { Side::Array };
            self.waiting[queue as usize].push_back(transaction);
        }
        if let Some((_, tag)) = self.returning.pop_front_if(|(due, _)| *due <= now) {
            self.returned.push_back(tag);
        }
    }
}
