//! The order in which a graph's operators run on a machine that runs one at a time.

use std::collections::BTreeSet;

use petgraph::Direction::Incoming;
use petgraph::graph::NodeIndex;

use super::OperatorGraph;
use super::error::GraphError;

/// The operators of `graph`, each behind all that it depends on. Of several that are ready
/// the lowest index comes first, so the order is the same on every run and every machine.
///
/// # Errors
/// [`GraphError::Cycle`] when there is no such order.
pub fn topological_order(graph: &OperatorGraph) -> Result<Vec<NodeIndex>, GraphError> {
    let mut waiting_for: Vec<usize> = graph
        .node_indices()
        .map(|node| graph.edges_directed(node, Incoming).count())
        .collect();
    let mut ready: BTreeSet<NodeIndex> = graph
        .node_indices()
        .filter(|node| waiting_for.get(node.index()) == Some(&0))
        .collect();
    let mut order = Vec::with_capacity(graph.node_count());
    while let Some(node) = ready.pop_first() {
        order.push(node);
        for consumer in graph.neighbors(node) {
            if let Some(count) = waiting_for.get_mut(consumer.index()) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(consumer);
                }
            }
        }
    }
    let stuck = graph
        .node_indices()
        .find(|node| waiting_for.get(node.index()) != Some(&0));
    match stuck.and_then(|node| graph.node_weight(node)) {
        Some(operator) => Err(GraphError::Cycle {
            operator: operator.name,
        }),
        None => Ok(order),
    }
}
