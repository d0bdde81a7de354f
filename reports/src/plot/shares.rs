//! Which unit the time of an iteration goes to, one bar a machine: two machines of equal latency
//! may wait for different things, and that is what a designer changes.

use super::axes::{CAPTION_HEIGHT, EDGE, Frame, LABEL, Marks, plain};
use super::legend::legend;
use super::palette::{INK, UNITS, place};
use super::pen::{Canvas, Drawn, Pen, Type, fit, width};
use crate::figures::percent;
use memwall_sim::record::IterationRecord;
use plotters::prelude::{DrawingBackend, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};

/// Height of a bar, of its row, and at most in pixels.
const BAR: f64 = 0.62;
const HIGHEST: f64 = 48.0;
const WITHIN: i32 = 14;
const SMALLEST: i32 = 9;
const GAP: i32 = 12;

/// Shares of the units of one machine.
#[derive(Debug, Clone)]
pub(super) struct Shares {
    /// Share of each of [`UNITS`].
    pub units: [f64; UNITS.len()],
}

impl Shares {
    /// Sums the shares of the operators by unit.
    pub(super) fn new(iteration: &IterationRecord) -> Self {
        let mut units = [0.0; UNITS.len()];
        for operator in &iteration.operators {
            if let Some(share) = units.get_mut(place(&operator.unit)) {
                *share += plain(operator.share);
            }
        }
        Self { units }
    }
}

/// Draws the bars from top to bottom, and the legend of the units that occur.
pub(super) fn shares<DB: DrawingBackend>(
    root: &Canvas<DB>,
    pen: Pen,
    frame: Frame,
    machines: &[Shares],
    names: &[String],
) -> Drawn<DB> {
    frame.caption(root, pen, "Share of the iteration by unit (%)", EDGE)?;
    let occurring: Vec<_> = UNITS
        .iter()
        .enumerate()
        .filter(|(unit, _)| machines.iter().any(|machine| machine.units[*unit] > 0.0))
        .map(|(_, style)| (style.name, style.fill))
        .collect();
    legend(
        root,
        pen,
        (pen.px(frame.right), frame.caption_middle(pen)),
        &occurring,
    )?;

    let whole = machines
        .iter()
        .map(|machine| machine.units.iter().sum::<f64>())
        .fold(1.0, f64::max);
    let rows = machines.len() as f64;
    let mut chart = frame.chart(root, pen, (100.0 * whole, rows), Marks::Across)?;
    // Many machines make flat bars: texts shrink with them.
    let height = f64::from(frame.bottom - frame.top - CAPTION_HEIGHT) / rows.max(1.0);
    let bar = BAR.min(HIGHEST / height);
    let within = (height * bar) as i32;
    let within = within.clamp(SMALLEST, WITHIN);
    let beside = (height as i32 - 3).clamp(SMALLEST, LABEL);
    for (index, machine) in machines.iter().enumerate() {
        let middle = rows - index as f64 - 0.5;
        let mut from = 0.0;
        for (style, share) in UNITS.iter().zip(machine.units) {
            let to = from + 100.0 * share;
            let corners = [(from, middle - bar / 2.0), (to, middle + bar / 2.0)];
            chart.draw_series([Rectangle::new(corners, style.fill.filled())])?;
            let label = percent(share);
            let (left, y) = chart.backend_coord(&(from, middle));
            let (right, _) = chart.backend_coord(&(to, middle));
            if share > 0.0 && right - left >= pen.px(width(&label, within) + 8) {
                let set = Type {
                    size: within,
                    colour: style.text,
                    anchor: (HPos::Center, VPos::Center),
                };
                pen.text(root, &label, (i32::midpoint(left, right), y), set)?;
            }
            from = to;
        }
        let (left, y) = chart.backend_coord(&(0.0, middle));
        let set = Type {
            size: beside,
            colour: INK,
            anchor: (HPos::Right, VPos::Center),
        };
        let room = frame.left - EDGE;
        let name = names.get(index).map_or("", String::as_str);
        let name = fit(name, beside, room - GAP);
        pen.text(root, &name, (left - pen.px(GAP), y), set)?;
    }
    Ok(())
}
