//! Sets of memory lines as ascending runs: a transfer of a megabyte is one or two of them.

use std::iter::once;

/// Lines `first .. first + count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) count: u64,
}

/// A set of lines, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines(pub(super) Vec<Run>);

impl Lines {
    /// Lines of `bytes` from `at` on.
    pub(super) fn range(at: u64, bytes: u64, line_bytes: u64) -> Lines {
        Lines::rows(once(at), bytes, line_bytes)
    }

    /// Lines of rows of `bytes` each, at ascending places. Of each row as many lines as it would
    /// fill if it began on a boundary: a row that straddles one more loses the last (`GemmWS.cc`
    /// steps from the row's start by whole lines).
    pub(super) fn rows(rows: impl Iterator<Item = u64>, bytes: u64, line_bytes: u64) -> Lines {
        let mut lines = Lines::default();
        let count = bytes.div_ceil(line_bytes);
        for at in rows.filter(|_| count > 0) {
            lines.add(at / line_bytes, count);
        }
        lines
    }

    /// Adds a run that begins no earlier than the last.
    fn add(&mut self, first: u64, count: u64) {
        match self.0.last_mut() {
            Some(last) if last.first + last.count >= first => {
                last.count = last.count.max(first + count - last.first);
            }
            _ => self.0.push(Run { first, count }),
        }
    }

    /// Lines in the set.
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|run| run.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_side_by_side_are_one_run() {
        let lines = Lines::rows((0..4).map(|row| 64 + row * 128), 128, 32);
        assert_eq!(
            lines.0,
            [Run {
                first: 2,
                count: 16
            }]
        );
    }

    #[test]
    fn a_shared_line_counts_once() {
        // 600 bytes a row: 19 lines of each, the 19th shared with the next row.
        let lines = Lines::rows((0..3).map(|row| row * 600), 600, 32);
        assert_eq!(lines.0.len(), 1);
        assert_eq!(lines.count(), 18 + 18 + 20);
    }

    #[test]
    fn rows_apart_stay_apart() {
        let lines = Lines::rows((0..2).map(|row| row * 256), 64, 32);
        assert_eq!(lines.0.len(), 2);
        assert_eq!(lines.count(), 4);
        assert_eq!(Lines::range(96, 0, 32).count(), 0);
    }
}
