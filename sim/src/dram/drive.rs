//! A host over several channels: closed loop, in order. With C channels it offers at most C
//! requests a tick; the first that its channel refuses stops the tick, and is offered again at the
//! next (the rule of the reference driver). A channel is advanced only when a request is for it.
#![deny(clippy::float_arithmetic)]

use super::observer::Observer;
use super::request::{Outcome, Request};
use super::traffic::Traffic;
use crate::time::Tick;

/// One channel with its controller, driven request by request.
pub trait Engine {
    /// Offers a request at every tick from `from` on until it is accepted; the tick at which it is.
    /// `from` never falls. Several requests may be accepted in one tick.
    fn offer(&mut self, request: Request, from: Tick, observer: &mut impl Observer) -> Tick;

    /// Goes on until every accepted read has returned; the tick of the last return so far.
    fn settle(&mut self, observer: &mut impl Observer) -> Option<Tick>;

    /// Goes on until `cycles` ticks have passed, and gives what they came to.
    fn finish(&mut self, cycles: Tick, observer: &mut impl Observer) -> Outcome;
}

/// Runs all requests through the channels, each with an observer of its own.
pub fn drive<E: Engine, O: Observer>(
    engines: &mut [E],
    observers: &mut [O],
    traffic: &mut impl Traffic,
) -> Outcome {
    let turns = engines.len();
    let (mut now, mut taken, mut cycles): (Tick, usize, Tick) = (0, 0, 0);
    while let Some(offered) = traffic.offered() {
        let from = if taken == turns {
            now.saturating_add(1)
        } else {
            now
        };
        let from = from.max(offered.request.at);
        let channel = offered.channel;
        let at = engines[channel].offer(offered.request, from, &mut observers[channel]);
        if at > now {
            (now, taken) = (at, 0);
        }
        taken += 1;
        cycles = now.saturating_add(1);
    }
    for (engine, observer) in engines.iter_mut().zip(observers.iter_mut()) {
        if let Some(last) = engine.settle(observer) {
            cycles = cycles.max(last + 1);
        }
    }
    let mut whole = Outcome::default();
    for (engine, observer) in engines.iter_mut().zip(observers) {
        whole.add(&engine.finish(cycles, observer));
    }
    whole.cycles = cycles;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dram::observer::NoObserver;
    use crate::dram::request::{Latencies, Source};
    use crate::dram::stream::Direction;
    use crate::dram::traffic::Offered;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    /// A server in order with a short queue, stepped tick by tick: enough to tell a right driver
    /// from a wrong one, and nothing like a memory. The slot is the service time.
    #[derive(Default)]
    struct Server {
        now: Tick,
        queue: VecDeque<(Tick, Request)>,
        busy: Tick,
        latencies: Latencies,
        last: Option<Tick>,
        writes: u64,
    }

    const ROOM: usize = 3;

    impl Server {
        fn accepts(&self) -> bool {
            self.queue.len() < ROOM
        }

        fn accept(&mut self, request: Request) {
            if self.queue.is_empty() {
                self.busy = request.slot;
            }
            self.queue.push_back((self.now, request));
        }

        fn tick(&mut self) {
            if let Some(&(at, request)) = self.queue.front() {
                if self.busy > 0 {
                    self.busy -= 1;
                } else {
                    self.queue.pop_front();
                    match request.direction {
                        Direction::Read => {
                            self.latencies.add(self.now - at);
                            self.last = Some(self.now);
                        }
                        Direction::Write => self.writes += 1,
                    }
                    self.busy = self.queue.front().map_or(0, |(_, next)| next.slot);
                }
            }
            self.now += 1;
        }

        fn reads_wait(&self) -> bool {
            let read = |(_, request): &(Tick, Request)| request.direction == Direction::Read;
            self.queue.iter().any(read)
        }

        fn outcome(&self) -> Outcome {
            Outcome {
                writes: self.writes,
                latencies: self.latencies.clone(),
                ..Outcome::default()
            }
        }
    }

    impl Engine for Server {
        fn offer(&mut self, request: Request, from: Tick, _: &mut impl Observer) -> Tick {
            while self.now < from || !self.accepts() {
                self.tick();
            }
            self.accept(request);
            self.now
        }

        fn settle(&mut self, _: &mut impl Observer) -> Option<Tick> {
            while self.reads_wait() {
                self.tick();
            }
            self.last
        }

        fn finish(&mut self, cycles: Tick, _: &mut impl Observer) -> Outcome {
            while self.now < cycles {
                self.tick();
            }
            self.outcome()
        }
    }

    struct Listed(VecDeque<Offered>);

    impl Source for Listed {
        fn take(&mut self) -> Option<Request> {
            self.offered().map(|offered| offered.request)
        }
    }

    impl Traffic for Listed {
        fn offered(&mut self) -> Option<Offered> {
            self.0.pop_front()
        }
    }

    /// The rule of the reference driver as it is written down, a tick at a time.
    fn ticked(servers: &mut [Server], requests: &[Offered]) -> Outcome {
        let (mut now, mut next, mut cycles) = (0, 0, 0);
        while next < requests.len() || servers.iter().any(Server::reads_wait) {
            for _ in 0..servers.len() {
                let Some(offered) = requests.get(next) else {
                    break;
                };
                let server = &mut servers[offered.channel];
                if now < offered.request.at || !server.accepts() {
                    break;
                }
                server.accept(offered.request);
                cycles = now + 1;
                next += 1;
            }
            servers.iter_mut().for_each(Server::tick);
            now += 1;
        }
        let last = servers.iter().filter_map(|server| server.last).max();
        let mut whole = Outcome::default();
        for server in servers.iter_mut() {
            whole.add(&server.outcome());
        }
        whole.cycles = cycles.max(last.map_or(0, |last| last + 1));
        whole
    }

    fn request(channels: usize) -> impl Strategy<Value = Offered> {
        (0..channels, 0u64..6, any::<bool>(), 0u64..4).prop_map(|(channel, slot, write, gap)| {
            let direction = if write {
                Direction::Write
            } else {
                Direction::Read
            };
            let at = gap / 3 * 5;
            let request = Request {
                at,
                slot,
                direction,
            };
            Offered { channel, request }
        })
    }

    proptest! {
        #[test]
        fn advancing_channels_on_demand_changes_nothing(
            (channels, mut requests) in (1usize..5).prop_flat_map(|channels| {
                (Just(channels), prop::collection::vec(request(channels), 0..80))
            }),
        ) {
            let mut at = 0;
            for offered in &mut requests {
                at += offered.request.at;
                offered.request.at = at;
            }
            let make = || (0..channels).map(|_| Server::default()).collect::<Vec<_>>();
            let expected = ticked(&mut make(), &requests);
            let mut observers = vec![NoObserver; channels];
            let found = drive(&mut make(), &mut observers, &mut Listed(requests.into()));
            prop_assert_eq!(found.latencies, expected.latencies);
            prop_assert_eq!(found.cycles, expected.cycles);
            prop_assert_eq!(found.writes, expected.writes);
        }
    }
}
