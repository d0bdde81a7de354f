//! Answers by the tick in which they are given. Each kind has a constant delay, or nearly, so that
//! each is in order and the next one is among the heads.

use super::port::Answer;
use crate::time::Tick;
use std::collections::VecDeque;

#[derive(Debug, Clone, Copy)]
struct Due {
    at: Tick,
    /// Order in which answers were entered: answers of one tick are given in it.
    order: u64,
    tag: u32,
}

/// What an answer comes from; equal kinds are given in the order in which they were entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// A write, or a read of what is yet to be written: answered when accepted.
    Acceptance,
    Read,
    Result,
    Comp,
    Gwrite,
}

const KINDS: usize = 5;

/// Answers to come and given.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    queues: [VecDeque<Due>; KINDS],
    orders: u64,
    /// Earliest one.
    first: Option<(Tick, u64, usize)>,
}

impl Answers {
    /// An answer to be given in tick `at`.
    #[inline]
    pub(super) fn enter(&mut self, from: From, at: Tick, tag: u32) {
        let order = self.orders;
        self.orders += 1;
        self.queues[from as usize].push_back(Due { at, order, tag });
        if self.first.is_none_or(|(first, ..)| at < first) {
            self.first = Some((at, order, from as usize));
        }
    }

    /// Tick of the next one.
    #[inline]
    pub(super) fn next_at(&self) -> Tick {
        self.first.map_or(Tick::MAX, |(at, ..)| at)
    }

    /// The next one, if it was given before tick `now`.
    #[inline]
    pub(super) fn take(&mut self, now: Tick) -> Option<Answer> {
        let (at, _, queue) = self.first.filter(|(at, ..)| *at < now)?;
        let due = self.queues[queue].pop_front()?;
        let heads = self.queues.iter().enumerate();
        let heads = heads.filter_map(|(index, q)| q.front().map(|d| (d.at, d.order, index)));
        self.first = heads.min();
        Some(Answer { tag: due.tag, at })
    }
}
