//! Colours. Units take those of Okabe and Ito, which readers who confuse red and green can tell
//! apart, and a unit has its colour in every plot, whatever units a record holds.

use plotters::style::RGBColor;

/// Text.
pub(super) const INK: RGBColor = RGBColor(34, 34, 34);
/// Text of less weight: units, notes, marks of axes.
pub(super) const FAINT_INK: RGBColor = RGBColor(96, 96, 96);
/// Text on dark colours.
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Lines of axes.
pub(super) const AXIS: RGBColor = RGBColor(140, 140, 140);
/// Lines behind data.
pub(super) const GRID: RGBColor = RGBColor(228, 228, 228);
/// Bar of the machine the others are compared with.
pub(super) const BASELINE: RGBColor = RGBColor(168, 176, 184);
/// Bars of the other machines: no unit's colour, a machine is no unit.
pub(super) const MACHINE: RGBColor = RGBColor(70, 88, 106);

const ORANGE: RGBColor = RGBColor(230, 159, 0);
const SKY: RGBColor = RGBColor(86, 180, 233);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const BLUE: RGBColor = RGBColor(0, 114, 178);
const VERMILION: RGBColor = RGBColor(213, 94, 0);
const PURPLE: RGBColor = RGBColor(204, 121, 167);
const GREY: RGBColor = RGBColor(153, 153, 153);

/// Requests in the batch.
pub(super) const RUNNING: RGBColor = BLUE;
/// Requests waiting.
pub(super) const WAITING: RGBColor = VERMILION;
/// KV memory reserved.
pub(super) const KV_MEMORY: RGBColor = GREEN;
/// Tokens generated.
pub(super) const OUTPUT: RGBColor = MACHINE;

/// Lines of one chart, in the order they are taken.
pub(super) const LINES: [RGBColor; 7] = [BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, INK];

/// A unit as plots show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnitStyle {
    /// Its name in records and legends.
    pub name: &'static str,
    /// Its colour.
    pub fill: RGBColor,
    /// Colour of text on it.
    pub text: RGBColor,
}

const fn unit(name: &'static str, fill: RGBColor, text: RGBColor) -> UnitStyle {
    UnitStyle { name, fill, text }
}

/// Units in the order they are stacked. The last stands for any that is not known here.
pub(super) const UNITS: [UnitStyle; 7] = [
    unit("array", BLUE, PAPER),
    unit("vector", SKY, INK),
    unit("pim", VERMILION, PAPER),
    unit("memory", ORANGE, INK),
    unit("link", PURPLE, INK),
    unit("gpu", GREEN, PAPER),
    unit("other", GREY, INK),
];

/// Place of a unit in [`UNITS`].
pub(super) fn place(name: &str) -> usize {
    UNITS
        .iter()
        .position(|unit| unit.name == name)
        .unwrap_or(UNITS.len() - 1)
}
