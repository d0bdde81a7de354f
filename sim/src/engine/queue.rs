//! Pending events in one total order: time, then component, then the order of scheduling. One
//! packed key makes the comparison a single integer compare and leaves no tie to chance.

use crate::time::Ps;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A queue of events, earliest first. An event is the number of the component it is for.
///
/// Order: time (64 bits), component (16 bits), sequence of scheduling (48 bits).
#[derive(Debug, Clone, Default)]
pub struct EventQueue {
    heap: BinaryHeap<Reverse<u128>>,
    sequence: u64,
}

impl EventQueue {
    /// An empty queue.
    pub fn new() -> EventQueue {
        EventQueue::default()
    }

    /// Schedules an event.
    pub fn schedule(&mut self, at: Ps, component: u16) {
        let key = u128::from(at.0) << 64
            | u128::from(component) << 48
            | u128::from(self.sequence & ((1 << 48) - 1));
        self.sequence += 1;
        self.heap.push(Reverse(key));
    }

    /// Takes the earliest event.
    pub fn pop(&mut self) -> Option<(Ps, u16)> {
        let Reverse(key) = self.heap.pop()?;
        Some((Ps((key >> 64) as u64), (key >> 48) as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_a_sorted_list(events in proptest::collection::vec((0u64..50, 0u16..5), 0..200)) {
            let mut queue = EventQueue::new();
            for &(at, component) in &events {
                queue.schedule(Ps(at), component);
            }
            let mut sorted = events;
            sorted.sort_by_key(|&(at, component)| (at, component));
            let popped: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(at, c)| (at.0, c)).collect();
            prop_assert_eq!(popped, sorted);
        }
    }
}
