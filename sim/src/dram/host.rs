//! The host side of a channel: described streams waiting for admission, and a queue of runs for
//! every bank. A run is what one stream wants of one open row, so a whole page costs one entry.
#![deny(clippy::float_arithmetic)]

use super::organisation::Organisation;
use super::stream::{BlockId, Descriptor, Direction};
use crate::time::Tick;
use std::collections::VecDeque;

/// What decides the next command of a bank: kept apart from the queues, in one array, because every
/// decision looks at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub row: u32,
    /// Order of admission over the whole channel: the age that FR-FCFS compares.
    pub order: u64,
}

/// Consecutive bursts of one row of one bank that still wait for their column commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub head: Head,
    pub bursts: u64,
    pub block: BlockId,
}

/// A stream that is not wholly in the bank queues yet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pending {
    release: Tick,
    block: BlockId,
    stream: Descriptor,
    piece: u64,
    /// Bursts of the current piece already admitted.
    done: u64,
}

impl Pending {
    fn has_begun(&self) -> bool {
        self.piece > 0 || self.done > 0
    }
}

/// Queues of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostQueue {
    banks: Vec<VecDeque<Run>>,
    heads: Vec<Head>,
    queued: Vec<u64>,
    /// Bursts in all bank queues.
    pub total: u64,
    /// One bit for every bank with a run.
    pub active: u64,
    pending: VecDeque<Pending>,
    /// The bank whose full queue stops the head of `pending`, and the bursts it lacks.
    pub blocked: Option<(usize, u64)>,
    depth: u64,
}

impl HostQueue {
    pub(super) fn new(banks: usize, depth: u64) -> HostQueue {
        HostQueue {
            banks: vec![VecDeque::new(); banks],
            heads: vec![Head::default(); banks],
            queued: vec![0; banks],
            total: 0,
            active: 0,
            pending: VecDeque::new(),
            blocked: None,
            depth,
        }
    }

    pub(super) fn push(&mut self, release: Tick, block: BlockId, stream: Descriptor) {
        // In order of release, then in the order given; what has begun to enter stays first.
        let later = |pending: &&Pending| pending.release > release && !pending.has_begun();
        let behind = self.pending.iter().rev().take_while(later).count();
        self.pending.insert(
            self.pending.len() - behind,
            Pending {
                release,
                block,
                stream,
                piece: 0,
                done: 0,
            },
        );
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total == 0 && self.pending.is_empty()
    }

    /// Release of the oldest stream that still waits for its time; `None` if it waits for room.
    pub(super) fn next_release(&self, now: Tick) -> Option<Tick> {
        self.pending
            .front()
            .map(|pending| pending.release)
            .filter(|&release| release > now)
    }

    /// Row and age of the oldest run of an active bank.
    #[inline]
    pub(super) fn head(&self, bank: usize) -> Head {
        self.heads[bank]
    }

    pub(super) fn front(&self, bank: usize) -> Option<&Run> {
        self.banks[bank].front()
    }

    /// Moves released runs into the bank queues, in stream order, until one has no room.
    pub(super) fn admit(&mut self, now: Tick, organisation: &Organisation, order: &mut u64) {
        self.blocked = None;
        while let Some(head) = self.pending.front_mut() {
            if head.release > now {
                return;
            }
            let slot = head.stream.start + head.piece * head.stream.stride + head.done;
            let at = organisation.locate(slot);
            let in_row = organisation.run_in_row(at);
            let bursts = in_row.min(head.stream.bursts - head.done);
            let room = self.depth.saturating_sub(self.queued[at.bank]);
            if bursts > room {
                self.blocked = Some((at.bank, bursts - room));
                return;
            }
            let first = Head {
                row: at.row,
                order: *order,
            };
            if self.banks[at.bank].is_empty() {
                self.heads[at.bank] = first;
            }
            self.banks[at.bank].push_back(Run {
                head: first,
                bursts,
                block: head.block,
            });
            *order += 1;
            self.queued[at.bank] += bursts;
            self.total += bursts;
            self.active |= 1 << at.bank;
            head.done += bursts;
            if head.done == head.stream.bursts {
                head.done = 0;
                head.piece += 1;
                if head.piece == head.stream.pieces {
                    self.pending.pop_front();
                }
            }
        }
    }

    /// Takes `bursts` off the head run of a bank.
    pub(super) fn serve(&mut self, bank: usize, bursts: u64) {
        let queue = &mut self.banks[bank];
        if let Some(run) = queue.front_mut() {
            run.bursts -= bursts;
            self.queued[bank] -= bursts;
            self.total -= bursts;
            if run.bursts == 0 {
                queue.pop_front();
                match queue.front() {
                    Some(next) => self.heads[bank] = next.head,
                    None => self.active &= !(1 << bank),
                }
            }
        }
    }
}

/// Reads and writes of a channel, and which of them is being served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostQueues {
    pub reads: HostQueue,
    pub writes: HostQueue,
    /// Admissions so far.
    order: u64,
    draining: bool,
    write_high: u64,
    write_low: u64,
}

impl HostQueues {
    pub(super) fn new(banks: usize, depth: u64, write_high: u64, write_low: u64) -> HostQueues {
        HostQueues {
            reads: HostQueue::new(banks, depth),
            writes: HostQueue::new(banks, depth),
            order: 0,
            draining: false,
            write_high,
            write_low,
        }
    }

    pub(super) fn queue(&self, direction: Direction) -> &HostQueue {
        match direction {
            Direction::Read => &self.reads,
            Direction::Write => &self.writes,
        }
    }

    pub(super) fn queue_mut(&mut self, direction: Direction) -> &mut HostQueue {
        match direction {
            Direction::Read => &mut self.reads,
            Direction::Write => &mut self.writes,
        }
    }

    pub(super) fn admit(&mut self, now: Tick, organisation: &Organisation) {
        self.reads.admit(now, organisation, &mut self.order);
        self.writes.admit(now, organisation, &mut self.order);
    }

    /// The direction served now: reads, unless enough writes wait or nothing else does.
    pub(super) fn turn(&mut self) -> Direction {
        if self.draining {
            let back = self.writes.total <= self.write_low && self.reads.total > 0;
            if back || self.writes.total == 0 {
                self.draining = false;
            }
        } else if self.writes.total >= self.write_high
            || (self.reads.total == 0 && self.writes.total > 0)
        {
            self.draining = true;
        }
        if self.draining {
            Direction::Write
        } else {
            Direction::Read
        }
    }

    /// Bursts of the current direction that can be served before `turn` could change its mind
    /// because of what is served.
    pub(super) fn bursts_to_turn(&self) -> u64 {
        if self.draining && self.reads.total > 0 {
            self.writes.total.saturating_sub(self.write_low).max(1)
        } else {
            u64::MAX
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty() && self.writes.is_empty()
    }

    /// Whether two empty queues would serve the same direction first.
    pub(super) fn same_turn(&self, other: &HostQueues) -> bool {
        self.draining == other.draining
    }

    pub(super) fn next_release(&self, now: Tick) -> Option<Tick> {
        [&self.reads, &self.writes]
            .into_iter()
            .filter_map(|queue| queue.next_release(now))
            .min()
    }
}
