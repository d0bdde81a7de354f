//! The plot of `mem`: what each workload gets of the bandwidth, and how long its reads take.

use super::axes::{EDGE, Frame};
use super::comparison::heading;
use super::cumulative::{Line, MOST, cumulative};
use super::pen::{Canvas, Drawing, Drawn, HEIGHT, Pen, WIDTH, width};
use super::rungs::Rungs;
use crate::figures::{figure, percent, tick};
use memwall_sim::record::traffic::TrafficRecord;
use plotters::prelude::DrawingBackend;

/// What the plot shows, read once for both files.
#[derive(Debug)]
pub(super) struct Traffic {
    title: String,
    subtitle: String,
    bandwidth: Rungs,
    caption: String,
    lines: Vec<Line>,
}

impl Traffic {
    /// Reads the records; all are of the first one's memory.
    pub(super) fn new(first: &TrafficRecord, records: &[TrafficRecord]) -> Self {
        let standard = &first.standard;
        let plural = if standard.channels == 1 { "" } else { "s" };
        let bars = records.iter().map(|record| {
            let result = &record.result;
            let text = format!(
                "{} ({} %)",
                figure(result.bandwidth_gb_per_s),
                percent(result.peak_fraction)
            );
            (record.traffic.name.clone(), result.bandwidth_gb_per_s, text)
        });
        let read: Vec<Line> = records
            .iter()
            .filter(|record| !record.result.latency_steps.is_empty())
            .map(|record| Line {
                name: record.traffic.name.clone(),
                points: record
                    .result
                    .latency_steps
                    .iter()
                    .map(|step| (step.ns, step.share))
                    .collect(),
            })
            .collect();
        let cut = if read.len() > MOST {
            format!(", first {MOST} workloads with reads")
        } else {
            String::new()
        };
        Self {
            title: format!(
                "{}, {} channel{plural}, policy {}",
                standard.name, standard.channels, first.policy
            ),
            subtitle: standard.description.clone(),
            bandwidth: Rungs {
                caption: format!(
                    "Bandwidth (GB/s), of {} GB/s at the pins",
                    tick(first.result.peak_gb_per_s)
                ),
                bars: bars.collect(),
                limit: first.result.peak_gb_per_s,
            },
            caption: format!("Reads returned (%) within a latency (ns){cut}"),
            lines: read.into_iter().take(MOST).collect(),
        }
    }
}

impl Drawing for Traffic {
    fn draw<DB: DrawingBackend>(&self, root: &Canvas<DB>, pen: Pen) -> Drawn<DB> {
        heading(root, pen, &self.title, &self.subtitle)?;
        let longest = self.bandwidth.bars.iter().map(|(name, ..)| width(name, 15));
        let names = longest.max().unwrap_or(0);
        let left = (EDGE + 12 + names).clamp(88, 260);
        let bars = Frame {
            left,
            right: 600,
            top: 92,
            bottom: HEIGHT - 56,
        };
        let reads = Frame {
            left: 712,
            right: WIDTH - EDGE,
            top: 92,
            bottom: HEIGHT - 230,
        };
        self.bandwidth.draw(root, pen, bars)?;
        cumulative(root, pen, reads, &self.caption, &self.lines)
    }
}
