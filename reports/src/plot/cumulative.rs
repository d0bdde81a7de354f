//! Cumulative distributions over a logarithmic axis: latencies of one chart may be a thousandfold
//! apart, and their tails are what is looked for.

use super::axes::{EDGE, Frame, LABEL, MARK, Marks};
use super::palette::{AXIS, FAINT_INK, GRID, LINES};
use super::pen::{Canvas, Drawn, Pen, Type, block, fit};
use crate::figures::tick;
use plotters::prelude::{DrawingBackend, PathElement};
use plotters::style::text_anchor::{HPos, VPos};

/// Distributions that one chart shows at most; more could not be told apart.
pub(super) const MOST: usize = LINES.len();

const KEY_ROW: i32 = 20;
const SWATCH: i32 = 12;

/// A distribution.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Name in the key.
    pub name: String,
    /// Value and share of values up to it, ascending.
    pub points: Vec<(f64, f64)>,
}

/// Draws distributions, their key right of the chart.
pub(super) fn cumulative<DB: DrawingBackend>(
    root: &Canvas<DB>,
    pen: Pen,
    frame: Frame,
    caption: &str,
    lines: &[Line],
) -> Drawn<DB> {
    frame.caption(root, pen, caption, frame.left - 56)?;
    let values = || {
        let points = lines.iter().flat_map(|line| &line.points);
        points.map(|(value, _)| value.max(1e-3))
    };
    let (low, high) = (
        values().fold(f64::INFINITY, f64::min),
        values().fold(0.0, f64::max),
    );
    if lines.is_empty() || high <= 0.0 {
        let set = Type {
            size: LABEL,
            colour: FAINT_INK,
            anchor: (HPos::Left, VPos::Center),
        };
        let middle = i32::midpoint(frame.top, frame.bottom);
        return pen.text(root, "no reads", (pen.px(frame.left), pen.px(middle)), set);
    }
    // Whole steps of the axis around all values, and at least one.
    let marks = marks(low, high);
    let (first, last) = (marks[0].log10(), marks[marks.len() - 1].log10());
    let place = |value: f64| value.max(1e-3).log10() - first;
    let mut chart = frame.chart(root, pen, (last - first, 100.0), Marks::Up)?;
    for &mark in &marks {
        let x = place(mark);
        let line = vec![(x, 0.0), (x, 100.0)];
        chart.draw_series([PathElement::new(line, pen.stroke(GRID, 1))])?;
        let (x, y) = chart.backend_coord(&(x, 0.0));
        let set = Type {
            size: MARK,
            colour: FAINT_INK,
            anchor: (HPos::Center, VPos::Top),
        };
        pen.text(root, &tick(mark), (x, y + pen.px(7)), set)?;
    }
    for (line, colour) in lines.iter().zip(LINES) {
        let mut corners = Vec::new();
        let mut share = 0.0;
        for &(value, next) in &line.points {
            corners.push((place(value), 100.0 * share));
            corners.push((place(value), 100.0 * next));
            share = next;
        }
        chart.draw_series([PathElement::new(corners, pen.stroke(colour, 2))])?;
    }
    chart.draw_series([PathElement::new(
        vec![(0.0, 0.0), (last - first, 0.0)],
        pen.stroke(AXIS, 1),
    )])?;
    for (index, (line, colour)) in lines.iter().zip(LINES).enumerate() {
        let row = i32::try_from(index).unwrap_or(0) * KEY_ROW;
        let (left, y) = (frame.left + 4, frame.bottom + 48 + row);
        let corner = (pen.px(left), pen.px(y - SWATCH / 2));
        let other = (corner.0 + pen.px(SWATCH), corner.1 + pen.px(SWATCH));
        block(root, [corner, other], colour)?;
        let set = Type {
            size: LABEL,
            colour: FAINT_INK,
            anchor: (HPos::Left, VPos::Center),
        };
        let room = frame.right - EDGE - left;
        let name = fit(&line.name, LABEL, room);
        pen.text(root, &name, (pen.px(left + SWATCH + 6), pen.px(y)), set)?;
    }
    Ok(())
}

/// 1, 2 and 5 times powers of ten around these values.
fn marks(low: f64, high: f64) -> Vec<f64> {
    let mut marks = Vec::new();
    for exponent in -3..16 {
        for factor in [1.0, 2.0, 5.0] {
            let mark = factor * 10_f64.powi(exponent);
            let next = if factor > 1.5 && factor < 3.0 {
                2.5
            } else {
                2.0
            };
            // From the last mark not above the lowest value to the first not below the highest.
            let below_first = mark * next <= low;
            let beyond = marks.last().is_some_and(|last| *last >= high);
            if !(below_first || beyond && marks.len() > 1) {
                marks.push(mark);
            }
        }
    }
    // Many decades: powers of ten alone.
    if marks.len() > 10 {
        let first = marks[0];
        let last = marks[marks.len() - 1];
        marks = (first.log10().floor() as i32..=last.log10().ceil() as i32)
            .map(|exponent| 10_f64.powi(exponent))
            .collect();
    }
    marks
}
