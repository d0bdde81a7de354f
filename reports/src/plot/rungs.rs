//! Horizontal bars with names beside them: for more bars than names fit under.

use super::axes::{CAPTION_HEIGHT, EDGE, Frame, LABEL, Marks, plain};
use super::palette::{AXIS, INK, MACHINE};
use super::pen::{Canvas, Drawn, Pen, Type, fit};
use plotters::prelude::{DrawingBackend, PathElement, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

/// Height of a bar in its row, and at most in pixels.
const BAR: f64 = 0.62;
const HIGHEST: f64 = 34.0;
const SMALLEST: i32 = 10;
const GAP: i32 = 8;

/// Bars of one quantity up to a limit that exists.
#[derive(Debug, Clone)]
pub(super) struct Rungs {
    /// The quantity.
    pub caption: String,
    /// Name, length, and text at its end.
    pub bars: Vec<(String, f64, String)>,
    /// What no bar can exceed; a line.
    pub limit: f64,
}

impl Rungs {
    /// Draws the bars from top to bottom.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        root: &Canvas<DB>,
        pen: Pen,
        frame: Frame,
    ) -> Drawn<DB> {
        frame.caption(root, pen, &self.caption, EDGE)?;
        let rows = self.bars.len() as f64;
        let longest = self.bars.iter().map(|(_, value, _)| plain(*value));
        let end = longest.fold(plain(self.limit), f64::max).max(1e-9) * 1.02;
        let mut chart = frame.chart(root, pen, (end, rows), Marks::Across)?;
        let height = f64::from(frame.bottom - frame.top - CAPTION_HEIGHT) / rows.max(1.0);
        let bar = BAR.min(HIGHEST / height);
        let size = (height as i32 - 4).clamp(SMALLEST, LABEL);
        let limit = vec![(self.limit, 0.0), (self.limit, rows)];
        chart.draw_series([PathElement::new(limit, pen.stroke(AXIS, 2))])?;
        for (index, (name, value, text)) in self.bars.iter().enumerate() {
            let middle = rows - index as f64 - 0.5;
            let corners = [
                (0.0, middle - bar / 2.0),
                (plain(*value), middle + bar / 2.0),
            ];
            chart.draw_series([Rectangle::new(corners, MACHINE.filled())])?;
            let (left, y) = chart.backend_coord(&(0.0, middle));
            let (right, _) = chart.backend_coord(&(plain(*value), middle));
            let mut set = Type {
                size,
                colour: INK,
                anchor: (HPos::Right, VPos::Center),
            };
            let name = fit(name, size, frame.left - EDGE - GAP);
            pen.text(root, &name, (left - pen.px(GAP), y), set)?;
            // Inside where the bar has room, beside it otherwise: never beyond the limit's line.
            let inside = value / end > 0.5;
            set.colour = if inside { super::palette::PAPER } else { INK };
            set.anchor.0 = if inside { HPos::Right } else { HPos::Left };
            let shift = if inside { -pen.px(GAP) } else { pen.px(GAP) };
            pen.text(root, text, (right + shift, y), set)?;
        }
        Ok(())
    }
}
