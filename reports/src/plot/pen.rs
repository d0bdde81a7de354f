//! Sizes and texts. Drawings are laid out in the pixels of the SVG; the pen turns those into the
//! pixels of the file at hand. The library takes every size in pixels, fonts too, so whatever does
//! not pass the pen would be half as large on the PNG.

use super::font::FAMILY;
use plotters::coord::Shift;
use plotters::prelude::{
    DrawingArea, DrawingAreaErrorKind, DrawingBackend, Rectangle, ShapeStyle, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontStyle, IntoFont, RGBColor, TextStyle};

/// Width of a drawing.
pub(super) const WIDTH: i32 = 1200;
/// Height of a drawing.
pub(super) const HEIGHT: i32 = 800;

/// Where a drawing goes.
pub(super) type Canvas<DB> = DrawingArea<DB, Shift>;
/// Outcome of drawing.
pub(super) type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;
/// A place, in pixels of the file.
pub(super) type Place = (i32, i32);

/// Something to draw, on whatever kind of file.
pub(super) trait Drawing {
    /// Draws on a white canvas of [`WIDTH`] by [`HEIGHT`] times the scale of the pen.
    fn draw<DB: DrawingBackend>(&self, root: &Canvas<DB>, pen: Pen) -> Drawn<DB>;
}

/// Sizes for one file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    scale: i32,
    /// Thousandths of a font size by which texts are set lower.
    lower: i32,
}

/// How a text is set.
#[derive(Clone, Copy)]
pub(super) struct Type {
    /// Size.
    pub size: i32,
    /// Colour.
    pub colour: RGBColor,
    /// Which point of the text is put at the place given.
    pub anchor: (HPos, VPos),
}

impl Pen {
    /// A pen for an SVG.
    pub(super) fn svg() -> Self {
        Self { scale: 1, lower: 0 }
    }

    /// A pen for a bitmap `scale` times as large as the drawing. The library sets texts on a bitmap
    /// higher than on an SVG, by this part of their size whatever the anchor.
    pub(super) fn bitmap(scale: i32) -> Self {
        Self { scale, lower: 120 }
    }

    /// How much lower a text of this size is set, in pixels of the file.
    pub(super) fn lowering(self, size: i32) -> i32 {
        self.px(size) * self.lower / 1000
    }

    /// A length in pixels of the file.
    pub(super) fn px(self, length: i32) -> i32 {
        length * self.scale
    }

    /// A line.
    pub(super) fn stroke(self, colour: RGBColor, width: u32) -> ShapeStyle {
        colour.stroke_width(width * self.scale.unsigned_abs())
    }

    /// The library's form of `set`.
    pub(super) fn style(self, set: Type) -> TextStyle<'static> {
        font(self.px(set.size))
            .color(&set.colour)
            .pos(Pos::new(set.anchor.0, set.anchor.1))
    }

    /// Draws a text.
    pub(super) fn text<DB: DrawingBackend>(
        self,
        root: &Canvas<DB>,
        text: &str,
        place: Place,
        set: Type,
    ) -> Drawn<DB> {
        let place = (place.0, place.1 + self.lowering(set.size));
        root.draw(&Text::new(text.to_owned(), place, self.style(set)))
    }
}

/// Draws a rectangle between two corners.
pub(super) fn block<DB: DrawingBackend>(
    root: &Canvas<DB>,
    corners: [Place; 2],
    colour: RGBColor,
) -> Drawn<DB> {
    root.draw(&Rectangle::new(corners, colour.filled()))
}

/// Width of a text in the drawing. Measured at one size for all files, so that they are laid out
/// alike.
pub(super) fn width(text: &str, size: i32) -> i32 {
    font(size)
        .layout_box(text)
        .map_or(0, |((left, _), (right, _))| right - left)
}

/// The text, or as much of its beginning as fits.
pub(super) fn fit(text: &str, size: i32, room: i32) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let shortened: String = kept.iter().chain(&['…']).collect();
        if width(&shortened, size) <= room {
            return shortened;
        }
    }
    String::new()
}

/// Whether every text fits.
pub(super) fn fits(texts: &[String], size: i32, room: i32) -> bool {
    texts.iter().all(|text| width(text, size) <= room)
}

/// The largest size of `sizes` at which every text fits; otherwise the smallest.
pub(super) fn size_for(texts: &[String], room: i32, sizes: std::ops::RangeInclusive<i32>) -> i32 {
    let smallest = *sizes.start();
    sizes
        .rev()
        .find(|size| fits(texts, *size, room))
        .unwrap_or(smallest)
}

fn font(size: i32) -> FontDesc<'static> {
    (FAMILY, f64::from(size), FontStyle::Normal).into_font()
}
