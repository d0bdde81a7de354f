//! Quantities over time in steps: a point of a timeline holds for the interval it ends, and a
//! sloping line between two points would show states that were never there.

use super::axes::{EDGE, Frame, LABEL, Marks, end};
use super::legend::legend;
use super::palette::FAINT_INK;
use super::pen::{Canvas, Drawn, Pen, Type};
use plotters::prelude::{DrawingBackend, PathElement, Polygon};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};

/// A quantity over time.
#[derive(Debug, Clone)]
pub(super) struct Series {
    /// Name in the legend.
    pub name: &'static str,
    /// Colour.
    pub colour: RGBColor,
    /// End of each interval in seconds, and the value in it.
    pub steps: Vec<(f64, f64)>,
}

impl Series {
    /// Corners of the steps, from the left axis on.
    fn corners(&self) -> Vec<(f64, f64)> {
        let mut begin = 0.0;
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for &(time, value) in &self.steps {
            // Steps of equal height are one step: fewer corners, a smaller file.
            match corners.last_mut() {
                Some(last) if last.1.to_bits() == value.to_bits() => last.0 = time,
                _ => corners.extend([(begin, value), (time, value)]),
            }
            begin = time;
        }
        corners
    }
}

/// A chart over time.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    caption: &'static str,
    series: Vec<Series>,
    end: f64,
    filled: bool,
}

impl Panel {
    /// Lines, later ones over earlier ones.
    pub(super) fn lines(caption: &'static str, series: Vec<Series>) -> Self {
        let values = series.iter().flat_map(|series| &series.steps);
        let end = end(values.map(|(_, value)| *value), 1.08);
        Self {
            caption,
            series,
            end,
            filled: false,
        }
    }

    /// An area, in per cent of a whole: the axis shows the whole even where little of it is used.
    pub(super) fn share(caption: &'static str, series: Series) -> Self {
        let most = series.steps.iter().map(|(_, value)| *value);
        Self {
            caption,
            end: most.fold(100.0, f64::max),
            series: vec![series],
            filled: true,
        }
    }
}

/// Draws a panel.
pub(super) fn panel<DB: DrawingBackend>(
    root: &Canvas<DB>,
    pen: Pen,
    frame: Frame,
    panel: &Panel,
    seconds: f64,
    marks: Marks,
) -> Drawn<DB> {
    frame.caption(root, pen, panel.caption, EDGE)?;
    if panel.series.len() > 1 {
        let entries: Vec<_> = panel
            .series
            .iter()
            .rev()
            .map(|series| (series.name, series.colour))
            .collect();
        legend(
            root,
            pen,
            (pen.px(frame.right), frame.caption_middle(pen)),
            &entries,
        )?;
    }
    let mut chart = frame.chart(root, pen, (seconds, panel.end), marks)?;
    for series in &panel.series {
        let corners = series.corners();
        let (Some(first), Some(last)) = (corners.first(), corners.last()) else {
            continue;
        };
        if panel.filled {
            let mut area = corners.clone();
            area.extend([(last.0, 0.0), (first.0, 0.0)]);
            chart.draw_series([Polygon::new(area, series.colour.mix(0.25))])?;
        }
        chart.draw_series([PathElement::new(corners, pen.stroke(series.colour, 2))])?;
    }
    if panel.series.iter().all(|series| series.steps.is_empty()) {
        let set = Type {
            size: LABEL,
            colour: FAINT_INK,
            anchor: (HPos::Center, VPos::Center),
        };
        let middle = chart.backend_coord(&(seconds / 2.0, panel.end * 0.4));
        pen.text(root, "no data", middle, set)?;
    }
    Ok(())
}
