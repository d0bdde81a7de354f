//! A schedule on a network: messages leave when what they wait for has arrived, so uplinks that
//! several share, and traffic of others, bind as they do for any transfer.

use super::Schedule;
use crate::link::LinkError;
use crate::link::network::{Network, Transfer, TransferId};
use crate::link::topology::NodeId;
use crate::time::Ps;
use std::collections::BTreeMap;

/// Runs `schedule` with ranks on `nodes` from `at` on; returns when the last message has arrived.
/// `wire` maps the bytes of a message to those it occupies, `step` is added to each message's
/// set-up. Transfers of others on the network go on beside it and must be collected before.
///
/// # Errors
/// There is no route between two ranks, or `at` lies before the network's present.
pub fn execute(
    network: &mut Network,
    at: Ps,
    schedule: &Schedule,
    nodes: &[NodeId],
    (bytes, step): (u64, Ps),
    wire: impl Fn(u64) -> u64,
) -> Result<Ps, LinkError> {
    let messages = &schedule.messages;
    let mut waits: Vec<usize> = messages.iter().map(|m| m.after.len()).collect();
    let mut follow: Vec<Vec<usize>> = vec![Vec::new(); messages.len()];
    for (index, message) in messages.iter().enumerate() {
        for &earlier in &message.after {
            follow[earlier].push(index);
        }
    }
    let mut under_way: BTreeMap<TransferId, usize> = BTreeMap::new();
    let send = |network: &mut Network, at: Ps, index: usize| {
        let message = &messages[index];
        let amount = wire(schedule.bytes_of(message, bytes));
        let transfer = Transfer {
            delay: step,
            ..Transfer::new(nodes[message.from], nodes[message.to], amount)
        };
        network.submit(at, transfer)
    };
    for index in (0..messages.len()).filter(|&index| waits[index] == 0) {
        under_way.insert(send(network, at, index)?, index);
    }
    let mut end = at;
    while !under_way.is_empty() {
        let Some(next) = network.next_event() else {
            break;
        };
        for done in network.advance(next) {
            let Some(index) = under_way.remove(&done.id) else {
                continue;
            };
            end = end.max(done.at);
            for &later in &follow[index] {
                waits[later] -= 1;
                if waits[later] == 0 {
                    under_way.insert(send(network, done.at, later)?, later);
                }
            }
        }
    }
    Ok(end)
}
