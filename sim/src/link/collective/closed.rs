//! The time of a collective on an idle network in closed form, where one holds: in every step all
//! messages are equal in size and latency and cross a capacity that is the step's bottleneck, so
//! they end together and the next step starts as one.

use super::Schedule;
use crate::gpu::ratio;
use crate::link::LinkError;
use crate::link::route::Route;
use crate::link::topology::{NodeId, Topology};
use crate::time::Ps;

/// Routes between ranks, each looked for once.
pub(super) struct Routes<'a> {
    topology: &'a Topology,
    nodes: &'a [NodeId],
    found: Vec<Option<Route>>,
}

impl<'a> Routes<'a> {
    pub(super) fn new(topology: &'a Topology, nodes: &'a [NodeId]) -> Routes<'a> {
        Routes {
            topology,
            nodes,
            found: vec![None; nodes.len() * nodes.len()],
        }
    }

    /// Finds the route from rank `from` to rank `to`.
    fn find(&mut self, from: usize, to: usize) -> Result<(), LinkError> {
        let slot = &mut self.found[from * self.nodes.len() + to];
        if slot.is_none() {
            *slot = Some(self.topology.route(self.nodes[from], self.nodes[to])?);
        }
        Ok(())
    }

    /// A route that was found before.
    fn of(&self, from: usize, to: usize) -> Option<&Route> {
        self.found[from * self.nodes.len() + to].as_ref()
    }
}

/// Sum over the steps of latency and of the bottleneck's bytes over its rate; `None` where steps
/// are not symmetric and the schedule has to be executed.
///
/// # Errors
/// There is no route between two ranks.
pub fn closed_form(
    topology: &Topology,
    schedule: &Schedule,
    nodes: &[NodeId],
    sizes: (u64, Ps),
    wire: impl Fn(u64) -> u64,
) -> Result<Option<Ps>, LinkError> {
    by_routes(&mut Routes::new(topology, nodes), schedule, sizes, wire)
}

/// The same with routes that were found before.
pub(super) fn by_routes(
    routes: &mut Routes<'_>,
    schedule: &Schedule,
    (bytes, step): (u64, Ps),
    wire: impl Fn(u64) -> u64,
) -> Result<Option<Ps>, LinkError> {
    let capacities = routes.topology.capacities();
    let amount = wire(schedule.bytes_of(bytes));
    let mut total = Ps::ZERO;
    let mut crossings = vec![0u64; capacities.len()];
    for now in schedule.messages.chunk_by(|a, b| a.step == b.step) {
        crossings.fill(0);
        for message in now {
            routes.find(message.from, message.to)?;
        }
        let ways = || {
            let messages = now.iter();
            messages.filter_map(|message| routes.of(message.from, message.to))
        };
        for &capacity in ways().flat_map(|way| &way.uses) {
            crossings[capacity] += 1;
        }
        let level = |capacity: usize| capacities[capacity].bytes_per_s / crossings[capacity];
        let used = (0..crossings.len()).filter(|&capacity| crossings[capacity] > 0);
        let (Some(rate), Some(lead)) = (used.map(level).min(), ways().next()) else {
            return Ok(None);
        };
        let even = ways().all(|route| {
            (route.latency, route.start, route.payload) == (lead.latency, lead.start, lead.payload)
                && route.uses.iter().any(|&capacity| level(capacity) == rate)
        });
        if !even {
            return Ok(None);
        }
        total += step + lead.start + ratio(lead.occupied(amount), rate) + lead.latency;
    }
    Ok(Some(total))
}
