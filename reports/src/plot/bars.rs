//! One bar a machine for one quantity, its value written above it: the plot is read for the
//! values, and a reader should not have to measure them against an axis.

use super::axes::{CAPTION, Frame, LABEL, Marks, end, plain};
use super::palette::{BASELINE, FAINT_INK, INK, MACHINE, PAPER};
use super::pen::{Canvas, Drawn, Pen, Type, block, fit, fits, size_for, width};
use plotters::prelude::{DrawingBackend, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

/// Width of a bar, of its slot, and at most of the chart: one bar alone is no wall.
const BAR: f64 = 0.52;
const WIDEST: f64 = 0.2;
/// Smallest text that can be read.
const SMALLEST: i32 = 10;
/// Room of the marks of the vertical axis.
const MARKS: i32 = 56;

/// Bars of one quantity.
#[derive(Debug, Clone)]
pub(super) struct Bars {
    /// The quantity.
    pub caption: String,
    /// Heights; the first is that of the baseline.
    pub values: Vec<f64>,
    /// Texts above the bars, the most telling first: the first that fit are taken, and none rather
    /// than half a number.
    pub labels: Vec<Labels>,
}

/// Texts above the bars of a quantity.
#[derive(Debug, Clone)]
pub(super) struct Labels {
    /// What the caption must add to explain them.
    pub note: String,
    /// One a bar.
    pub texts: Vec<String>,
}

/// Whether these names can stand under as many bars.
pub(super) fn names_fit(frame: Frame, names: &[String]) -> bool {
    fits(names, SMALLEST, slot(frame, names.len()))
}

fn slot(frame: Frame, bars: usize) -> i32 {
    let bars = i32::try_from(bars).unwrap_or(i32::MAX);
    (frame.right - frame.left) / bars.max(1) - 6
}

impl Bars {
    /// Draws the bars with these names under them.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        root: &Canvas<DB>,
        pen: Pen,
        frame: Frame,
        names: &[String],
    ) -> Drawn<DB> {
        let left = frame.left - MARKS;
        let room = slot(frame, self.values.len());
        let labels = self
            .labels
            .iter()
            .find(|labels| fits(&labels.texts, SMALLEST, room));
        let note = labels.map_or("", |labels| &labels.note);
        let caption = format!("{}{note}", self.caption);
        let caption = fit(&caption, CAPTION, frame.right - left);
        frame.caption(root, pen, &caption, left)?;
        let top = end(self.values.iter().copied(), 1.16);
        let axes = (self.values.len() as f64, top);
        let mut chart = frame.chart(root, pen, axes, Marks::Up)?;
        let half = BAR.min(WIDEST * axes.0) / 2.0;
        chart.draw_series(self.values.iter().enumerate().map(|(index, value)| {
            let middle = index as f64 + 0.5;
            let corners = [(middle - half, 0.0), (middle + half, plain(*value))];
            let colour = if index == 0 { BASELINE } else { MACHINE };
            Rectangle::new(corners, colour.filled())
        }))?;

        let texts = labels.map_or(&[][..], |labels| &labels.texts);
        let above = Type {
            size: size_for(texts, room, SMALLEST..=LABEL),
            colour: INK,
            anchor: (HPos::Center, VPos::Bottom),
        };
        let name_size = size_for(names, room, SMALLEST..=LABEL);
        let tops = self.values.iter().enumerate();
        let tops = tops.map(|(index, value)| (index as f64 + 0.5, plain(*value)));
        for (index, top) in tops.enumerate() {
            let (x, y) = chart.backend_coord(&top);
            if let Some(label) = texts.get(index) {
                // Lines behind the data would run through the figures.
                let half = pen.px(width(label, above.size) / 2 + 2);
                let upper = y - pen.px(above.size + 4);
                block(root, [(x - half, upper), (x + half, y - pen.px(3))], PAPER)?;
                pen.text(root, label, (x, y - pen.px(5)), above)?;
            }
            let below = Type {
                size: name_size,
                colour: if index == 0 { FAINT_INK } else { INK },
                anchor: (HPos::Center, VPos::Top),
            };
            let name = names.get(index).map_or("", String::as_str);
            let place = (x, pen.px(frame.bottom + 9));
            pen.text(root, &fit(name, name_size, room), place, below)?;
        }
        Ok(())
    }
}
