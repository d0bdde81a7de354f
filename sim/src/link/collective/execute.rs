//! A schedule on a network: messages leave when what they wait for has arrived, so uplinks that
//! several share, and traffic of others, bind as they do for any transfer.

use super::schedule::After;
use super::{Message, Schedule};
use crate::link::LinkError;
use crate::link::network::{Network, Transfer, TransferId};
use crate::link::topology::NodeId;
use crate::time::Ps;
use std::collections::BTreeMap;

/// Messages times those of the widest step at most: some ten seconds of the host's time.
const MOST_WORK: usize = 1 << 24;

/// Runs `schedule` with ranks on `nodes` from `at` on; returns when the last message has arrived.
/// `wire` maps the bytes of a message to those it occupies, `step` is added to each message's
/// set-up. Transfers of others on the network go on beside it and must be collected before.
///
/// # Errors
/// There is no route between two ranks, `at` lies before the network's present, there are more
/// messages than can be followed one by one, or the end lies beyond simulated time.
pub fn execute(
    network: &mut Network,
    at: Ps,
    schedule: &Schedule,
    nodes: &[NodeId],
    (bytes, step): (u64, Ps),
    wire: impl Fn(u64) -> u64,
) -> Result<Ps, LinkError> {
    let messages = &schedule.messages;
    let widest = schedule.widest();
    if messages.len().saturating_mul(widest) > MOST_WORK {
        let rule = format!(
            "{} messages, up to {widest} at a time, over links that differ are too many to follow one \
             by one: choose fewer devices",
            messages.len()
        );
        return Err(LinkError::Collective { rule });
    }
    let amount = wire(schedule.bytes_of(bytes));
    let mut waiting = Waiting::new(schedule);
    let mut under_way: BTreeMap<TransferId, usize> = BTreeMap::new();
    let send = |network: &mut Network, at: Ps, index: usize| {
        let message = &messages[index];
        let transfer = Transfer {
            delay: step,
            ..Transfer::new(nodes[message.from], nodes[message.to], amount)
        };
        network.submit(at, transfer)
    };
    for index in waiting.free() {
        under_way.insert(send(network, at, index)?, index);
    }
    let mut end = at;
    while !under_way.is_empty() {
        let Some(next) = network.next_event() else {
            return Err(LinkError::Endless);
        };
        for done in network.advance(next) {
            let Some(index) = under_way.remove(&done.id) else {
                continue;
            };
            end = end.max(done.at);
            for later in waiting.arrived(index) {
                under_way.insert(send(network, done.at, later)?, later);
            }
        }
    }
    Ok(end)
}

/// Which messages still wait.
struct Waiting<'a> {
    messages: &'a [Message],
    /// Messages named that have not arrived.
    named: Vec<usize>,
    /// Messages that name a message.
    follow: Vec<Vec<usize>>,
    /// Messages of a step that a rank sends or receives and that have not arrived.
    open: Vec<Vec<usize>>,
    /// Messages of a step that a rank sends when all of the step before have arrived.
    sends: Vec<Vec<Vec<usize>>>,
}

impl<'a> Waiting<'a> {
    fn new(schedule: &'a Schedule) -> Waiting<'a> {
        let messages = schedule.messages.as_slice();
        let steps = messages.last().map_or(0, |message| message.step + 1);
        let mut waiting = Waiting {
            messages,
            named: vec![0; messages.len()],
            follow: vec![Vec::new(); messages.len()],
            open: vec![vec![0; schedule.ranks]; steps],
            sends: vec![vec![Vec::new(); schedule.ranks]; steps],
        };
        for (index, message) in messages.iter().enumerate() {
            waiting.open[message.step][message.from] += 1;
            waiting.open[message.step][message.to] += 1;
            match &message.after {
                After::Step => waiting.sends[message.step][message.from].push(index),
                After::Messages(after) => {
                    waiting.named[index] = after.len();
                    for &earlier in after {
                        waiting.follow[earlier].push(index);
                    }
                }
            }
        }
        waiting
    }

    /// Messages that wait for nothing, in order.
    fn free(&self) -> Vec<usize> {
        let messages = self.messages.iter().enumerate();
        messages
            .filter(|(index, message)| match message.after {
                After::Step => message.step == 0 || self.open[message.step - 1][message.from] == 0,
                After::Messages(_) => self.named[*index] == 0,
            })
            .map(|(index, _)| index)
            .collect()
    }

    /// Messages that waited for this one last, in order.
    fn arrived(&mut self, index: usize) -> Vec<usize> {
        let Message { from, to, step, .. } = self.messages[index];
        let mut free = Vec::new();
        for rank in [from, to] {
            self.open[step][rank] -= 1;
            if self.open[step][rank] == 0
                && let Some(sends) = self.sends.get(step + 1)
            {
                free.extend(&sends[rank]);
            }
        }
        for &later in &self.follow[index] {
            self.named[later] -= 1;
            if self.named[later] == 0 {
                free.push(later);
            }
        }
        free.sort_unstable();
        free
    }
}
