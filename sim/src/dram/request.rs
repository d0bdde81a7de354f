//! Single requests in, latencies and counts out: the interface of the controllers that reproduce a
//! published simulator, and of everything that drives a channel with a trace or a workload rule.

use super::command::{Command, PerCommand};
use super::stream::Direction;
use crate::time::Tick;

/// One burst that a host asks of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    /// Earliest tick at which the host offers it.
    pub at: Tick,
    /// Burst of the channel, in the order of its address mapping.
    pub slot: u64,
    /// Read or write.
    pub direction: Direction,
}

/// Requests in the order in which the host offers them. A refused request is offered again at every
/// tick, and none behind it is offered before it is accepted; at most one is accepted a tick.
pub trait Source {
    /// The next request, taken; `None` for ever after the last.
    fn take(&mut self) -> Option<Request>;

    /// The period of a described stream, where the source is one.
    fn period(&self) -> Option<Period> {
        None
    }

    /// Passes over `requests` requests at once; only where `period` is given.
    fn skip(&mut self, requests: u64) {
        for _ in 0..requests {
            let _ = self.take();
        }
    }

    /// Requests left, where `period` is given.
    fn left(&self) -> u64 {
        0
    }
}

/// After `requests` requests a described stream repeats itself `rows` rows further in every bank it
/// uses: same banks, columns and directions, no earliest ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// Requests of a period.
    pub requests: u64,
    /// Rows by which it moves on.
    pub rows: u32,
}

/// Read latencies as exact counts by value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies {
    counts: Vec<u64>,
}

impl Latencies {
    /// Enters one latency.
    #[inline]
    pub fn add(&mut self, ticks: Tick) {
        self.add_many(ticks, 1);
    }

    /// Enters `times` equal latencies.
    #[inline]
    pub fn add_many(&mut self, ticks: Tick, times: u64) {
        let index = ticks as usize;
        if index >= self.counts.len() {
            self.counts.resize((index + 1).next_power_of_two(), 0);
        }
        self.counts[index] += times;
    }

    /// Enters what came between `earlier` and `later` again, `times` times.
    fn repeat(&mut self, earlier: &Latencies, later: &Latencies, times: u64) {
        for (index, &count) in later.counts.iter().enumerate() {
            let before = earlier.counts.get(index).copied().unwrap_or(0);
            if count > before {
                self.add_many(index as Tick, (count - before) * times);
            }
        }
    }

    /// Values and how often each occurred, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (Tick, u64)> + '_ {
        let counted = self.counts.iter().enumerate();
        counted
            .filter(|(_, count)| **count > 0)
            .map(|(ticks, &count)| (ticks as Tick, count))
    }

    /// Number of latencies.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Sum of all latencies, in ticks.
    pub fn total(&self) -> u128 {
        self.iter()
            .map(|(ticks, count)| u128::from(ticks) * u128::from(count))
            .sum()
    }

    /// The value of 0-based rank `rank` in ascending order.
    pub fn at_rank(&self, rank: u64) -> Option<Tick> {
        let mut below = 0;
        for (ticks, count) in self.iter() {
            below += count;
            if rank < below {
                return Some(ticks);
            }
        }
        None
    }
}

/// What a run of requests through one channel came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// One more than the last tick at which a request was accepted or a read returned.
    pub cycles: Tick,
    /// Reads accepted.
    pub reads: u64,
    /// Writes accepted.
    pub writes: u64,
    /// Latency of every read, from acceptance to return.
    pub latencies: Latencies,
    /// Commands issued up to the last counted tick, by number.
    pub commands: PerCommand<u64>,
    /// Column commands to a row that had served one since it was opened.
    pub row_hits: u64,
    /// Ticks, summed over ranks, with at least one open bank.
    pub active_ticks: Tick,
    /// Ticks, summed over ranks, with every bank closed.
    pub idle_ticks: Tick,
}

impl Outcome {
    /// Adds what another channel of the same run came to; the cycles are those of the longer one.
    pub fn add(&mut self, other: &Outcome) {
        self.cycles = self.cycles.max(other.cycles);
        self.reads += other.reads;
        self.writes += other.writes;
        for (ticks, count) in other.latencies.iter() {
            self.latencies.add_many(ticks, count);
        }
        for (sum, count) in self.commands.iter_mut().zip(other.commands.iter()) {
            *sum += count;
        }
        self.row_hits += other.row_hits;
        self.active_ticks += other.active_ticks;
        self.idle_ticks += other.idle_ticks;
    }

    /// Counts what came between `earlier` and `later` again, `times` times; `cycles` and `idle_ticks`
    /// are left alone.
    pub fn repeat(&mut self, earlier: &Outcome, later: &Outcome, times: u64) {
        let again = |count: &mut u64, before: u64, after: u64| *count += (after - before) * times;
        again(&mut self.reads, earlier.reads, later.reads);
        again(&mut self.writes, earlier.writes, later.writes);
        again(&mut self.row_hits, earlier.row_hits, later.row_hits);
        again(
            &mut self.active_ticks,
            earlier.active_ticks,
            later.active_ticks,
        );
        let pairs = earlier.commands.iter().zip(later.commands.iter());
        for (count, (before, after)) in self.commands.iter_mut().zip(pairs) {
            again(count, *before, *after);
        }
        self.latencies
            .repeat(&earlier.latencies, &later.latencies, times);
    }

    /// Commands of one kind.
    pub fn of(&self, command: Command) -> u64 {
        self.commands[command as usize]
    }
}
