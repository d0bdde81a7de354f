//! The plot of `replay`: when requests queue, whether memory is what they wait for, and what comes
//! out meanwhile. The three share their time axis, because the reading is across them.

use super::axes::{EDGE, Frame, MARK, Marks, end, plain};
use super::comparison::heading;
use super::palette::{FAINT_INK, KV_MEMORY, OUTPUT, RUNNING, WAITING};
use super::pen::{Canvas, Drawing, Drawn, HEIGHT, Pen, Type, WIDTH};
use super::timeline::{Panel, Series, panel};
use crate::figures::{ABSENT, count, figure};
use memwall_sim::record::{Distribution, Record, ReplayRecord, TimelinePoint};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, VPos};

const LEFT: i32 = 96;
const TOP: i32 = 92;
const PANEL: i32 = 222;
const BETWEEN: i32 = 14;

/// What the plot shows, read once for both files.
#[derive(Debug)]
pub(super) struct Replay {
    title: String,
    subtitle: String,
    seconds: f64,
    panels: [Panel; 3],
}

impl Replay {
    /// Reads the record.
    pub(super) fn new(record: &Record, replay: &ReplayRecord) -> Self {
        let points = &replay.timeline;
        let series = |name, colour, value: &dyn Fn(&TimelinePoint) -> f64| Series {
            name,
            colour,
            steps: points
                .iter()
                .map(|point| (plain(point.time_s), plain(value(point))))
                .collect(),
        };
        let running = series("running", RUNNING, &|point| point.running as f64);
        let waiting = series("waiting", WAITING, &|point| point.waiting as f64);
        let memory = series("reserved", KV_MEMORY, &|point| 100.0 * point.kv_fraction);
        let output = series("output", OUTPUT, &|point| point.output_tok_per_s);
        Self {
            title: format!(
                "{}, {}, tensor parallel {}, trace {}",
                record.machine.name,
                record.model.name,
                record.tensor_parallel,
                record.workload.source
            ),
            subtitle: format!(
                "TTFT {}; TPOT {}; {} requests completed, {} rejected",
                tail(&replay.ttft_ms),
                tail(&replay.tpot_ms),
                count(replay.completed),
                count(replay.rejected.len() as u64),
            ),
            seconds: end(points.iter().map(|point| point.time_s), 1.0),
            panels: [
                Panel::lines("Requests", vec![waiting, running]),
                Panel::share("KV memory reserved (%)", memory),
                Panel::lines("Output (tok/s)", vec![output]),
            ],
        }
    }
}

fn tail(times: &Distribution) -> String {
    if times.count == 0 {
        return ABSENT.to_owned();
    }
    format!("p50 {} ms, p99 {} ms", figure(times.p50), figure(times.p99))
}

impl Drawing for Replay {
    fn draw<DB: DrawingBackend>(&self, root: &Canvas<DB>, pen: Pen) -> Drawn<DB> {
        heading(root, pen, &self.title, &self.subtitle)?;
        let mut frame = Frame {
            left: LEFT,
            right: WIDTH - EDGE,
            top: TOP,
            bottom: TOP + PANEL - BETWEEN,
        };
        let last = self.panels.len() - 1;
        for (index, shown) in self.panels.iter().enumerate() {
            let marks = if index == last {
                Marks::Both
            } else {
                Marks::UpAndLines
            };
            panel(root, pen, frame, shown, self.seconds, marks)?;
            frame.top += PANEL;
            frame.bottom += PANEL;
        }
        let set = Type {
            size: MARK,
            colour: FAINT_INK,
            anchor: (HPos::Center, VPos::Center),
        };
        let middle = i32::midpoint(frame.left, frame.right);
        let place = (pen.px(middle), pen.px(HEIGHT - 18));
        pen.text(root, "Time since the first arrival (s)", place, set)
    }
}
