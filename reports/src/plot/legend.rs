//! A legend on a line of its own beside a caption: inside a chart it would sooner or later cover
//! data.

use super::palette::FAINT_INK;
use super::pen::{Canvas, Drawn, Pen, Place, Type, block, width};
use plotters::prelude::DrawingBackend;
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

const SIZE: i32 = 15;
const SWATCH: i32 = 12;
const GAP: i32 = 6;
const BETWEEN: i32 = 20;

/// Draws the entries on one line that ends at `end` and has its middle there.
pub(super) fn legend<DB: DrawingBackend>(
    root: &Canvas<DB>,
    pen: Pen,
    end: Place,
    entries: &[(&str, RGBColor)],
) -> Drawn<DB> {
    let length: i32 = entries.iter().map(|(name, _)| entry(name)).sum();
    let mut x = end.0 - pen.px(length - BETWEEN);
    for (name, colour) in entries {
        let top = end.1 - pen.px(SWATCH / 2);
        let corners = [(x, top), (x + pen.px(SWATCH), top + pen.px(SWATCH))];
        block(root, corners, *colour)?;
        let set = Type {
            size: SIZE,
            colour: FAINT_INK,
            anchor: (HPos::Left, VPos::Center),
        };
        pen.text(root, name, (x + pen.px(SWATCH + GAP), end.1), set)?;
        x += pen.px(entry(name));
    }
    Ok(())
}

/// Room of one entry and what separates it from the next.
fn entry(name: &str) -> i32 {
    SWATCH + GAP + width(name, SIZE) + BETWEEN
}
