//! The time of a collective on an idle network in closed form, where one holds: in every step all
//! messages are equal in size and latency and cross a capacity that is the step's bottleneck, so
//! they end together and the next step starts as one.

use super::Schedule;
use crate::gpu::ratio;
use crate::link::LinkError;
use crate::link::topology::{NodeId, Topology};
use crate::time::Ps;
use std::collections::BTreeMap;

/// Sum over the steps of latency and of the bottleneck's bytes over its rate; `None` where steps
/// are not symmetric and the schedule has to be executed.
///
/// # Errors
/// There is no route between two ranks.
pub fn closed_form(
    topology: &Topology,
    schedule: &Schedule,
    nodes: &[NodeId],
    (bytes, step): (u64, Ps),
    wire: impl Fn(u64) -> u64,
) -> Result<Option<Ps>, LinkError> {
    let mut routes = BTreeMap::new();
    let mut total = Ps::ZERO;
    let mut messages = schedule.messages.as_slice();
    while let Some(first) = messages.first() {
        let count = messages.iter().take_while(|m| m.step == first.step).count();
        let (now, rest) = messages.split_at(count);
        messages = rest;
        let mut crossings = vec![0u64; topology.capacities().len()];
        let mut ways = Vec::with_capacity(count);
        for message in now {
            let ends = (nodes[message.from], nodes[message.to]);
            if let std::collections::btree_map::Entry::Vacant(slot) = routes.entry(ends) {
                slot.insert(topology.route(ends.0, ends.1)?);
            }
            ways.push(ends);
            for &capacity in &routes[&ends].uses {
                crossings[capacity] += 1;
            }
        }
        let lead = &routes[&ways[0]];
        let amount = wire(schedule.bytes_of(first, bytes));
        let level =
            |capacity: usize| topology.capacities()[capacity].bytes_per_s / crossings[capacity];
        let used = (0..crossings.len()).filter(|&capacity| crossings[capacity] > 0);
        let Some(rate) = used.map(level).min() else {
            return Ok(None);
        };
        let even = now.iter().zip(&ways).all(|(message, ends)| {
            let route = &routes[ends];
            wire(schedule.bytes_of(message, bytes)) == amount
                && (route.latency, route.start, route.payload)
                    == (lead.latency, lead.start, lead.payload)
                && route.uses.iter().any(|&capacity| level(capacity) == rate)
        });
        if !even {
            return Ok(None);
        }
        total += step + lead.start + ratio(lead.occupied(amount), rate) + lead.latency;
    }
    Ok(Some(total))
}
