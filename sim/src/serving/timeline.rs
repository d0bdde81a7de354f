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

    /// State at `at` (since the start), and tokens generated just then.
    pub(super) fn sample(&mut self, at: Ps, running: u64, waiting: u64, kv: u64, tokens: u64) {
        let mut index = (at.0 / self.width.0) as usize;
        while index >= MOST {
            self.intervals = self
                .intervals
                .chunks(2)
                .map(|pair| pair.iter().fold(Interval::default(), |a, &b| a.merge(b)))
                .collect();
            self.width = self.width.times(2);
            index = (at.0 / self.width.0) as usize;
        }
        if self.intervals.len() <= index {
            self.intervals.resize(index + 1, Interval::default());
        }
        let sample = Interval {
            running,
            waiting,
            kv_bytes: kv,
            tokens,
        };
        self.intervals[index] = self.intervals[index].merge(sample);
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
            timeline.sample(Ps(index * 77_777_777), index % 7, 1, 5, 3);
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
}
