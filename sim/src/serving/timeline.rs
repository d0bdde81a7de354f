//! The state of a replay over time in a bounded number of intervals, whatever its length: when the
//! intervals are used up, neighbours are merged and the interval doubles.

use crate::record::TimelinePoint;
use crate::time::Ps;

/// Intervals kept at most.
const MOST: usize = 512;
const PS_PER_S: f64 = 1e12;

#[derive(Debug, Clone, Copy, Default)]
struct Interval {
    running: u64,
    waiting: u64,
    kv_bytes: u64,
    tokens: u64,
}

impl Interval {
    fn merge(self, other: Interval) -> Interval {
        Interval {
            running: self.running.max(other.running),
            waiting: self.waiting.max(other.waiting),
            kv_bytes: self.kv_bytes.max(other.kv_bytes),
            tokens: self.tokens + other.tokens,
        }
    }
}

/// Collects samples in equal intervals.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    width: Ps,
    intervals: Vec<Interval>,
}

impl Timeline {
    pub(super) fn new() -> Timeline {
        Timeline {
            // 2^24 ps = 17 us; doubled as often as the replay needs.
            width: Ps(1 << 24),
            intervals: Vec::new(),
        }
    }

    /// State during an iteration from `start` to `end`, which yields `tokens` tokens at its end.
    pub(super) fn sample(
        &mut self,
        (start, end): (Ps, Ps),
        running: u64,
        waiting: u64,
        kv_bytes: u64,
        tokens: u64,
    ) {
        while end.0 / self.width.0 >= MOST as u64 {
            self.intervals = self
                .intervals
                .chunks(2)
                .map(|pair| pair.iter().fold(Interval::default(), |a, &b| a.merge(b)))
                .collect();
            self.width = self.width.times(2);
        }
        let (first, last) = (start.0 / self.width.0, end.0 / self.width.0);
        let (first, last) = (first as usize, last as usize);
        if self.intervals.len() <= last {
            self.intervals.resize(last + 1, Interval::default());
        }
        let state = Interval {
            running,
            waiting,
            kv_bytes,
            tokens: 0,
        };
        // A long iteration spans intervals in which nothing else happens.
        for interval in &mut self.intervals[first..=last] {
            *interval = interval.merge(state);
        }
        self.intervals[last].tokens += tokens;
    }

    /// The points of a record; `free_bytes` is the KV memory there is.
    pub(super) fn points(&self, free_bytes: u64) -> Vec<TimelinePoint> {
        let width = self.width.0 as f64 / PS_PER_S;
        let points = self.intervals.iter().enumerate();
        points
            .map(|(index, interval)| TimelinePoint {
                time_s: (index + 1) as f64 * width,
                running: interval.running,
                waiting: interval.waiting,
                kv_fraction: interval.kv_bytes as f64 / free_bytes.max(1) as f64,
                output_tok_per_s: interval.tokens as f64 / width,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_fits_and_no_token_is_lost() {
        let mut timeline = Timeline::new();
        for index in 0..10_000u64 {
            let (start, end) = (Ps(index * 77_777_777), Ps((index + 1) * 77_777_777));
            timeline.sample((start, end), index % 7, 1, 5, 3);
        }
        let points = timeline.points(10);
        assert!(points.len() <= MOST);
        let tokens: f64 = points
            .iter()
            .map(|p| p.output_tok_per_s * points[0].time_s)
            .sum();
        assert!((tokens - 30_000.0).abs() < 1e-3);
        assert_eq!(points[0].running, 6);
    }

    #[test]
    fn a_long_iteration_holds_its_state() {
        let mut timeline = Timeline::new();
        timeline.sample((Ps(0), Ps(100 << 24)), 5, 2, 9, 5);
        let points = timeline.points(10);
        assert_eq!(points.len(), 101);
        assert!(points.iter().all(|point| point.running == 5));
        assert!(points[99].output_tok_per_s == 0.0 && points[100].output_tok_per_s > 0.0);
    }
}
