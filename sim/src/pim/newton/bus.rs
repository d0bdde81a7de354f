//! Data-bus time of results that are read out when the steps of a command are over: around it host
//! columns keep the distance that they keep from a read of another rank. In use only where results
//! are not exempt from the bus.

use super::tables::Tables;
use crate::time::Tick;
use std::collections::VecDeque;

/// Ticks in which reads to come stand in the place of results.
#[derive(Debug, Clone, Default)]
pub(super) struct Bus {
    results: VecDeque<Tick>,
    /// Distance to a read and to a write.
    apart: [Tick; 2],
}

impl Bus {
    pub(super) fn new(tables: &Tables) -> Bus {
        Bus {
            results: VecDeque::new(),
            apart: tables.bus,
        }
    }

    /// Reserves the bus as a read issued at `at`, which lies ahead, would.
    pub(super) fn reserve(&mut self, at: Tick, now: Tick) {
        let longest = self.apart[0].max(self.apart[1]);
        while self.results.front().is_some_and(|old| old + longest <= now) {
            self.results.pop_front();
        }
        self.results.push_back(at);
    }

    /// The first tick, `at` or later, in which a column command may be issued.
    #[inline]
    pub(super) fn free_from(&self, write: bool, mut at: Tick) -> Tick {
        let apart = self.apart[usize::from(write)];
        for result in &self.results {
            if at < result + apart && result < &(at + apart) {
                at = result + apart;
            }
        }
        at
    }
}
