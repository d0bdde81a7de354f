//! The host's side: requests in, outcome out.

use super::super::command::Command;
use super::super::observer::Observer;
use super::super::recurrence::Recurrence;
use super::super::request::{Outcome, Period, Request, Source};
use super::super::stream::Direction;
use super::controller::BankQueues;
use super::parameters::RefreshOrder;
use crate::time::Tick;

impl BankQueues {
    /// Runs a source to its end: until every request is accepted and every read has returned. At
    /// most one request is accepted a tick. Where nobody watches, a described stream is passed over
    /// in whole periods once it repeats itself; the outcome is the same.
    pub fn run<O: Observer>(&mut self, source: &mut impl Source, observer: &mut O) -> Outcome {
        if let (true, Some(period)) = (O::IDLE, source.period()) {
            self.run_described(source, period, observer);
        }
        let mut from = 0;
        while let Some(request) = source.take() {
            from = self.offer(request, from.max(request.at), observer) + 1;
        }
        let last = self.drain(observer);
        self.finish(last, observer)
    }

    /// Takes a described stream to its end. States are compared at the first acceptance after a
    /// refresh, when nearly all gates have passed; without refresh, once in a while.
    fn run_described(
        &mut self,
        source: &mut impl Source,
        period: Period,
        observer: &mut impl Observer,
    ) {
        let mut recurrence = Recurrence::new(period, self.tables.rows);
        let refreshed = self.parameters.refresh != RefreshOrder::Off;
        let spacing = period.requests * 1000_u64.div_ceil(period.requests.max(1));
        let (mut from, mut refreshes) = (0, self.outcome.of(Command::Ref));
        while let Some(request) = source.take() {
            from = self.offer(request, from, observer) + 1;
            let taken = recurrence.took();
            let now = self.outcome.of(Command::Ref);
            let instant = if refreshed {
                now != refreshes
            } else {
                taken.is_multiple_of(spacing)
            };
            if instant {
                refreshes = now;
                from += recurrence.show(self, source);
                refreshes = refreshes.max(self.outcome.of(Command::Ref));
            }
        }
    }

    /// Offers a request at every tick from `from` on until it is accepted, and returns the tick of
    /// acceptance. The ticks before that one have then been gone through, it itself has not: further
    /// requests can be accepted in it. Ticks that have been gone through take no request.
    #[inline]
    pub fn offer(&mut self, request: Request, from: Tick, observer: &mut impl Observer) -> Tick {
        let mut from = from.max(self.now);
        while self.next < from {
            self.tick(observer);
        }
        let write = request.direction == Direction::Write;
        while self.refuses(write) {
            self.tick(observer);
            from = from.max(self.now);
        }
        self.now = from;
        self.accept(request, from);
        from
    }

    #[inline]
    fn refuses(&self, write: bool) -> bool {
        let queue = if write { &self.writes } else { &self.reads };
        queue.len >= self.parameters.transactions
    }

    #[inline]
    fn accept(&mut self, request: Request, t: Tick) {
        let Request {
            slot, direction, ..
        } = request;
        let write = direction == Direction::Write;
        self.last = self.last.max(t);
        if write {
            self.outcome.writes += 1;
        } else {
            self.outcome.reads += 1;
        }
        if self.parameters.merging {
            if self.flights.find(slot, true).is_some() {
                if !write {
                    self.outcome.latencies.add(1);
                    self.last = self.last.max(t + 1);
                }
                return;
            }
            if !write && let Some(pending) = self.flights.find(slot, false) {
                self.flights.merge(pending, t);
                return;
            }
        }
        let location = self.tables.mapper.locate(slot);
        let flight = self.flights.enter(slot, location.row, direction, t);
        if self.parameters.merging {
            self.flights.index(flight);
        }
        if write {
            self.writes.push(location.bank, flight, &mut self.flights);
        } else {
            self.reads.push(location.bank, flight, &mut self.flights);
            self.reading += 1;
        }
        if self.can_move() {
            self.next = t;
        }
    }

    /// Goes on until no accepted read waits and returns the tick of the last acceptance or return.
    pub fn drain(&mut self, observer: &mut impl Observer) -> Tick {
        while self.reading > 0 {
            self.tick(observer);
        }
        self.last
    }

    /// Ticks up to `now`, summed over ranks, since a rank with an open bank had its first one.
    pub(super) fn active_unclosed(&self, now: Tick) -> Tick {
        let open = |rank: &usize| self.queues.open & self.rank_mask(*rank) != 0;
        let ranks = (0..self.tables.ranks).filter(open);
        ranks.map(|rank| now - self.active_since[rank]).sum()
    }

    /// Goes on to the end of tick `last` and returns what the run came to.
    pub fn finish(&mut self, last: Tick, observer: &mut impl Observer) -> Outcome {
        while self.next <= last {
            self.tick(observer);
        }
        self.now = self.now.max(last + 1);
        let mut outcome = self.outcome.clone();
        outcome.cycles = last + 1;
        outcome.active_ticks += self.active_unclosed(outcome.cycles);
        outcome.idle_ticks = outcome.cycles * self.tables.ranks as Tick - outcome.active_ticks;
        outcome
    }
}
