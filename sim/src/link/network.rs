//! Transfers in flight. Those under way share every capacity max-min fairly within their class,
//! classes in order of urgency; rates hold from one event to the next (a start, an end, a chunk
//! boundary), so time and bytes stay exact integers.

use super::LinkError;
use super::route::Route;
use super::share::fill;
use super::topology::{NodeId, Topology};
use crate::time::Ps;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is left of a transfer is counted in bytes times 10^12: a rate in bytes a second over a
/// time in picoseconds, without rounding.
const UNIT: u128 = 1_000_000_000_000;

/// A transfer by the order of submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransferId(pub u64);

/// Bytes from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Source.
    pub from: NodeId,
    /// Destination.
    pub to: NodeId,
    /// Payload.
    pub bytes: u64,
    /// Class: 0 goes before 1, and so on.
    pub class: u8,
    /// A more urgent transfer waits at most for the chunk under way; `None` for the whole of this
    /// one (no pre-emption).
    pub chunk: Option<u64>,
    /// Set-up beside that of the route.
    pub delay: Ps,
}

impl Transfer {
    /// Class 0, pre-empted at packets.
    pub fn new(from: NodeId, to: NodeId, bytes: u64) -> Transfer {
        Transfer {
            from,
            to,
            bytes,
            class: 0,
            chunk: Some(1),
            delay: Ps::ZERO,
        }
    }
}

/// A transfer whose last byte has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Completion {
    /// When.
    pub at: Ps,
    /// Which.
    pub id: TransferId,
}

#[derive(Debug, Clone)]
struct Flow {
    class: u8,
    chunk: u128,
    route: Arc<Route>,
    size: u128,
    left: u128,
    rate: u64,
    /// Keeps its rate until no more than this is left: the end of a chunk that a more urgent
    /// transfer found under way.
    held: Option<u128>,
}

/// The links of a machine over time.
#[derive(Debug, Clone)]
pub struct Network {
    topology: Arc<Topology>,
    routes: BTreeMap<(NodeId, NodeId), Arc<Route>>,
    now: Ps,
    next: u64,
    starting: BTreeMap<(Ps, TransferId), Flow>,
    flows: BTreeMap<TransferId, Flow>,
    arriving: BTreeSet<Completion>,
    carried: Vec<u128>,
}

impl Network {
    /// An idle network at time zero.
    pub fn new(topology: Arc<Topology>) -> Network {
        Network {
            carried: vec![0; topology.edges().len()],
            topology,
            routes: BTreeMap::new(),
            now: Ps::ZERO,
            next: 0,
            starting: BTreeMap::new(),
            flows: BTreeMap::new(),
            arriving: BTreeSet::new(),
        }
    }

    /// The graph.
    pub fn topology(&self) -> &Arc<Topology> {
        &self.topology
    }

    /// The present: nothing can be submitted before it.
    pub fn now(&self) -> Ps {
        self.now
    }

    /// Hands over a transfer at `at`. It occupies links once it is set up; its last byte arrives
    /// the latency of its route after it was sent.
    ///
    /// # Errors
    /// There is no route, or `at` lies before the present.
    pub fn submit(&mut self, at: Ps, transfer: Transfer) -> Result<TransferId, LinkError> {
        if at < self.now {
            return Err(LinkError::Past { at, now: self.now });
        }
        let ends = (transfer.from, transfer.to);
        if let std::collections::btree_map::Entry::Vacant(slot) = self.routes.entry(ends) {
            slot.insert(Arc::new(self.topology.route(ends.0, ends.1)?));
        }
        let route = Arc::clone(&self.routes[&ends]);
        let id = TransferId(self.next);
        self.next += 1;
        let size = u128::from(route.occupied(transfer.bytes)) * UNIT;
        let chunk = transfer.chunk.map_or(size.max(1), |chunk| {
            u128::from(route.occupied(chunk.max(1))) * UNIT
        });
        let begin = at + route.start + transfer.delay;
        self.starting.insert(
            (begin, id),
            Flow {
                class: transfer.class,
                chunk,
                route,
                size,
                left: size,
                rate: 0,
                held: None,
            },
        );
        Ok(id)
    }

    /// Drops what has not been sent of a transfer at `at`, a chunk under way included; returns
    /// those bytes in whole packets, or `None` if all of it has been sent. What is dropped never
    /// completes. Completions before `at` are still to be collected.
    pub fn cancel(&mut self, at: Ps, id: TransferId) -> Option<u64> {
        self.run_to(at);
        let key = self
            .starting
            .keys()
            .find(|(_, other)| *other == id)
            .copied();
        let flow = match key {
            Some(key) => self.starting.remove(&key),
            None => self.flows.remove(&id),
        }?;
        self.allocate();
        Some(flow.left.div_ceil(UNIT) as u64)
    }

    /// The next time at which something starts, ends or arrives.
    pub fn next_event(&self) -> Option<Ps> {
        let arrival = self.arriving.first().map(|done| done.at);
        let arrival = arrival.filter(|&at| at < Ps::END);
        [self.next_change(), arrival].into_iter().flatten().min()
    }

    /// Goes on to `until`; returns what arrived by then, in order of time and submission.
    pub fn advance(&mut self, until: Ps) -> Vec<Completion> {
        self.run_to(until);
        let mut arrived = Vec::new();
        while let Some(done) = self
            .arriving
            .first()
            .copied()
            .filter(|done| done.at <= until)
        {
            self.arriving.remove(&done);
            arrived.push(done);
        }
        arrived
    }

    /// Goes on until nothing is left.
    pub fn drain(&mut self) -> Vec<Completion> {
        let mut arrived = Vec::new();
        while let Some(at) = self.next_event() {
            arrived.extend(self.advance(at));
        }
        arrived
    }

    /// Bytes that each edge has carried, in whole packets.
    pub fn carried(&self) -> Vec<u64> {
        self.carried
            .iter()
            .map(|amount| (amount / UNIT) as u64)
            .collect()
    }

    /// Rates in force, of the transfers that have begun.
    pub fn rates(&self) -> Vec<(TransferId, u64)> {
        self.flows
            .iter()
            .map(|(&id, flow)| (id, flow.rate))
            .collect()
    }

    fn next_change(&self) -> Option<Ps> {
        let begin = self.starting.first_key_value().map(|(&(at, _), _)| at);
        let flows = self.flows.values().filter_map(|flow| {
            let part = flow.left - flow.held.unwrap_or(0);
            let time = part.div_ceil(u128::from(flow.rate).max(1));
            let time = u64::try_from(time).ok().filter(|_| flow.rate > 0)?;
            Some(self.now + Ps(time))
        });
        // What would happen at the end of time never does; nothing else can stop a run there.
        flows.chain(begin).min().filter(|&at| at < Ps::END)
    }

    fn run_to(&mut self, until: Ps) {
        while let Some(at) = self.next_change().filter(|&at| at <= until) {
            self.move_to(at);
            self.change();
        }
        self.move_to(until.max(self.now));
    }

    fn move_to(&mut self, at: Ps) {
        let time = u128::from(at.since(self.now).0);
        self.now = at;
        for flow in self.flows.values_mut() {
            // An end is rounded up to a picosecond; nothing is sent twice.
            let sent = (u128::from(flow.rate) * time).min(flow.left);
            flow.left -= sent;
            for &edge in &flow.route.edges {
                self.carried[edge] += sent;
            }
        }
    }

    fn change(&mut self) {
        let (now, arriving) = (self.now, &mut self.arriving);
        self.flows.retain(|&id, flow| {
            if flow.held.is_some_and(|end| flow.left <= end) {
                flow.held = None;
            }
            if flow.left == 0 {
                arriving.insert(Completion {
                    at: now + flow.route.latency,
                    id,
                });
            }
            flow.left > 0
        });
        while let Some(entry) = self.starting.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((_, id), flow) = entry.remove_entry();
            if flow.left == 0 {
                let at = now + flow.route.latency;
                self.arriving.insert(Completion { at, id });
                continue;
            }
            self.hold(&flow);
            self.flows.insert(id, flow);
        }
        self.allocate();
    }

    /// Less urgent transfers that share a capacity with a newcomer finish their chunk.
    fn hold(&mut self, newcomer: &Flow) {
        for flow in self.flows.values_mut() {
            let meets = || {
                flow.route
                    .uses
                    .iter()
                    .any(|c| newcomer.route.uses.contains(c))
            };
            if flow.class <= newcomer.class || flow.rate == 0 || flow.held.is_some() || !meets() {
                continue;
            }
            let sent = flow.size - flow.left;
            let end = sent.next_multiple_of(flow.chunk).min(flow.size);
            // At a boundary it gives way at once.
            flow.held = (end > sent).then_some(flow.size - end);
        }
    }

    fn allocate(&mut self) {
        let capacities = self.topology.capacities().iter();
        let mut left: Vec<u64> = capacities.map(|capacity| capacity.bytes_per_s).collect();
        let mut classes: BTreeMap<u8, Vec<TransferId>> = BTreeMap::new();
        for (&id, flow) in &self.flows {
            if flow.held.is_some() {
                for &capacity in &flow.route.uses {
                    left[capacity] -= flow.rate;
                }
            } else {
                classes.entry(flow.class).or_default().push(id);
            }
        }
        for ids in classes.values() {
            let claims: Vec<&[usize]> = ids
                .iter()
                .filter_map(|id| Some(self.flows.get(id)?.route.uses.as_slice()))
                .collect();
            let rates = fill(&mut left, &claims);
            for (id, rate) in ids.iter().zip(rates) {
                if let Some(flow) = self.flows.get_mut(id) {
                    flow.rate = rate;
                }
            }
        }
    }
}
