//! How the tool drains outputs: lines as wide as the port gather in the scratchpad; once half is taken,
//! and no drain is going on, half is drained, a line a cycle (`write_buffer.py`).
//!
//! A departure: the line that is being gathered when a drain begins is closed as it is. Unless it leaves
//! with that drain, the empty rest of it is counted as written by the next (127 words in `S-calc-64`).

use super::{Product, half};
use crate::npu::{Array, Dataflow};
use crate::time::Tick;
use std::collections::VecDeque;

/// Lines that wait: whole ones, then perhaps one that was closed early, with its words.
struct Closed {
    whole: u64,
    partial: Option<u64>,
}

struct Buffer {
    width: u64,
    drained_at_once: u64,
    /// Free words before half is taken.
    least_free: i128,
    free: i128,
    /// Words of the line that is being gathered.
    gathered: u64,
    whole: u64,
    closed: VecDeque<Closed>,
    /// Last cycle of the drain that goes on.
    drain_end: Tick,
    written: u64,
}

impl Buffer {
    fn new(size: u64, width: u64) -> Buffer {
        let width = width.max(1);
        let active = half(size);
        Buffer {
            width,
            drained_at_once: (size - active).div_ceil(width),
            least_free: i128::from(active),
            free: i128::from(size),
            gathered: 0,
            whole: 0,
            closed: VecDeque::new(),
            drain_end: 0,
            written: 0,
        }
    }

    fn store(&mut self, words: u64) {
        self.free -= i128::from(words);
        let words = self.gathered + words;
        self.whole += words / self.width;
        self.gathered = words % self.width;
    }

    /// Closes the line that is being gathered.
    fn close(&mut self) {
        let partial = (self.gathered > 0).then_some(self.gathered);
        if self.whole > 0 || partial.is_some() {
            self.closed.push_back(Closed {
                whole: self.whole,
                partial,
            });
        }
        (self.whole, self.gathered) = (0, 0);
    }

    /// Drains closed lines; returns how many.
    fn drain(&mut self) -> u64 {
        let (mut lines, mut last) = (0, self.width);
        while lines < self.drained_at_once {
            let Some(first) = self.closed.front_mut() else {
                break;
            };
            let whole = first.whole.min(self.drained_at_once - lines);
            first.whole -= whole;
            lines += whole;
            if whole > 0 {
                last = self.width;
            }
            if first.whole > 0 || (first.partial.is_some() && lines == self.drained_at_once) {
                break;
            }
            if let Some(words) = first.partial {
                lines += 1;
                last = words;
            }
            self.closed.pop_front();
        }
        // Only the last line is looked at for empty words.
        let written = (lines * self.width).saturating_sub(self.width - last);
        self.written += written;
        self.free += i128::from(written);
        lines
    }

    /// Takes the words of a cycle; returns the cycle at which all are in.
    fn write(&mut self, at: Tick, mut words: u64) -> Tick {
        let mut now = at;
        while words > 0 {
            if now < self.drain_end {
                let room = u64::try_from(self.free.max(1)).unwrap_or(u64::MAX);
                let some = words.min(room);
                self.store(some);
                words -= some;
                if self.free <= 0 {
                    now = self.drain_end;
                }
            } else {
                let until = (self.free - self.least_free + 1).max(1);
                let some = words.min(u64::try_from(until).unwrap_or(u64::MAX));
                self.store(some);
                words -= some;
                if self.free < self.least_free {
                    self.close();
                    let lines = self.drain();
                    self.drain_end = now + lines.saturating_sub(1);
                }
            }
        }
        now
    }

    fn finish(&mut self) -> u64 {
        self.close();
        while self.drain() > 0 {}
        self.written
    }
}

/// Stalls for want of room, and words written behind a scratchpad of `size` through a port of `rate`.
pub(super) fn drain(array: &Array, product: Product, size: u64, rate: u64) -> (Tick, u64) {
    let Product { m, k, n, .. } = product;
    let (on_rows, on_columns, streamed) = array.dataflow.extents(m, k, n);
    let folds = array.folds(m, k, n);
    // Serial folds are all as long as a full one.
    let fold = array.cycles(folds) / folds.count().max(1);
    let mut buffer = Buffer::new(size, rate);
    let mut stalls = 0;
    let mut base = 0;
    for column in 0..folds.columns {
        let columns = array.columns.min(on_columns - column * array.columns);
        for row in 0..folds.rows {
            let rows = array.rows.min(on_rows - row * array.rows);
            // Words of a column, from the cycle of the first; the next column is a cycle later.
            let (first, words) = match array.dataflow {
                Dataflow::OutputStationary => (streamed - 1 + array.rows - rows, rows),
                Dataflow::WeightStationary | Dataflow::InputStationary => {
                    (2 * array.rows - 1, streamed)
                }
            };
            for cycle in 0..words + columns - 1 {
                let done = (cycle + 1).saturating_sub(words);
                let wide = columns.min(cycle + 1) - done;
                let at = base + first + cycle + stalls;
                stalls += buffer.write(at, wide) - at;
            }
            base += fold;
        }
    }
    (stalls, buffer.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flow: Dataflow, (m, k, n): (u64, u64, u64), size: u64, rate: u64) -> (Tick, u64) {
        let array = Array {
            dataflow: flow,
            folding: crate::npu::Folding::Serial,
            ..Array::new(128, 128)
        };
        drain(&array, Product::new(m, k, n), size, rate)
    }

    #[test]
    fn outputs_that_fit_leave_as_they_are() {
        let found = of(Dataflow::WeightStationary, (100, 300, 500), 1 << 20, 10);
        assert_eq!(found, (0, 150_000));
    }

    #[test]
    fn a_line_closed_early_is_counted_whole_by_the_next_drain() {
        // Half of 64 KiB and a word: a line of that word is left behind.
        let found = of(Dataflow::OutputStationary, (100, 300, 500), 1 << 16, 128);
        assert_eq!(found, (0, 50_000 + 127));
    }

    #[test]
    fn a_full_scratchpad_stalls() {
        let (stalls, written) = of(Dataflow::WeightStationary, (1000, 128, 128), 1 << 12, 1);
        assert!(stalls > 100_000);
        assert!(written >= 128_000);
    }
}
