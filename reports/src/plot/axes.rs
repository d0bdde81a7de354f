//! What every chart has: where it lies on the sheet, a caption that names the quantity with its
//! unit, light lines behind the data, marks on the vertical axis.

use super::palette::{AXIS, FAINT_INK, GRID, INK, PAPER};
use super::pen::{Canvas, Drawn, HEIGHT, Pen, Type, WIDTH};
use crate::figures::tick;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{Cartesian2d, DrawingAreaErrorKind, DrawingBackend};
use plotters::style::text_anchor::{HPos, VPos};

/// Size of titles.
pub(super) const TITLE: i32 = 24;
/// Size of captions.
pub(super) const CAPTION: i32 = 17;
/// Size of names and values.
pub(super) const LABEL: i32 = 15;
/// Size of the marks of axes.
pub(super) const MARK: i32 = 14;
/// Height of a caption with its space.
pub(super) const CAPTION_HEIGHT: i32 = 38;
/// Space at the edges of the sheet.
pub(super) const EDGE: i32 = 32;

/// Marks at most on a vertical axis, and on a horizontal one.
const LABELS: i32 = 6;
const ACROSS: usize = 10;

/// Which axes of a chart have marks and lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// The vertical one.
    Up,
    /// The horizontal one.
    Across,
    /// Both.
    Both,
    /// Both, the values of the horizontal one being read from a chart below.
    UpAndLines,
}

/// A chart of two quantities.
pub(super) type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
/// A chart, or why there is none.
pub(super) type Charted<'a, DB> =
    Result<Chart<'a, DB>, DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Where a chart lies on the sheet, its caption included and its marks left of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Left end of the horizontal axis.
    pub left: i32,
    /// Right end of it.
    pub right: i32,
    /// Upper edge of the caption.
    pub top: i32,
    /// The horizontal axis.
    pub bottom: i32,
}

impl Frame {
    /// Writes the caption, at the left edge of the marks.
    pub(super) fn caption<DB: DrawingBackend>(
        self,
        root: &Canvas<DB>,
        pen: Pen,
        text: &str,
        left: i32,
    ) -> Drawn<DB> {
        let set = Type {
            size: CAPTION,
            colour: INK,
            anchor: (HPos::Left, VPos::Center),
        };
        pen.text(root, text, (pen.px(left), self.caption_middle(pen)), set)
    }

    /// Middle of the line of the caption.
    pub(super) fn caption_middle(self, pen: Pen) -> i32 {
        pen.px(self.top + CAPTION_HEIGHT / 2 - 4)
    }

    /// Axes from zero to these ends, with marks and lines behind the data as `marks` says.
    pub(super) fn chart<DB: DrawingBackend>(
        self,
        root: &Canvas<DB>,
        pen: Pen,
        (x_end, y_end): (f64, f64),
        marks: Marks,
    ) -> Charted<'_, DB> {
        let margins = [
            self.top + CAPTION_HEIGHT,
            HEIGHT - self.bottom,
            self.left,
            WIDTH - self.right,
        ]
        .map(|margin| pen.px(margin));
        let mut chart = ChartBuilder::on(root)
            .margin_top(margins[0])
            .x_label_area_size(margins[1])
            .y_label_area_size(margins[2])
            .margin_right(margins[3])
            .build_cartesian_2d(0.0..x_end, 0.0..y_end)?;
        let mark = Type {
            size: MARK,
            colour: FAINT_INK,
            anchor: (HPos::Center, VPos::Center),
        };
        let height = self.bottom - self.top - CAPTION_HEIGHT;
        let format = |value: &f64| tick(*value);
        let silent = |_: &f64| String::new();
        let (across, up) = match marks {
            Marks::Up => (0, LABELS),
            Marks::Across => (ACROSS, 0),
            Marks::Both | Marks::UpAndLines => (ACROSS, LABELS),
        };
        let mut mesh = chart.configure_mesh();
        mesh.axis_style(pen.stroke(AXIS, 1))
            .bold_line_style(pen.stroke(GRID, 1))
            .light_line_style(pen.stroke(PAPER, 1))
            .max_light_lines(0)
            .set_all_tick_mark_size(pen.px(4))
            .label_style(pen.style(mark))
            .y_label_offset(pen.lowering(MARK))
            .y_labels(up.min(height / 32) as usize)
            .x_labels(across)
            .y_label_formatter(&format);
        if marks == Marks::UpAndLines {
            mesh.x_label_formatter(&silent);
        } else {
            mesh.x_label_formatter(&format);
        }
        mesh.draw()?;
        drop(mesh);
        Ok(chart)
    }
}

/// A value a chart can show: what is no number, or below zero, is shown as nothing.
pub(super) fn plain(value: f64) -> f64 {
    if value.is_nan() {
        0.0
    } else {
        value.clamp(0.0, 1e15)
    }
}

/// End of an axis that leaves `room` above the largest value.
pub(super) fn end(values: impl Iterator<Item = f64>, room: f64) -> f64 {
    let largest = values.map(plain).fold(0.0, f64::max);
    if largest > 1e-9 { largest * room } else { 1.0 }
}
