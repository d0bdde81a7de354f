//! Writes a drawing to its two files. Each is drawn under a temporary name in the same folder and
//! renamed when both are whole: a failed drawing must not leave half a plot, or destroy an old one.

use super::pen::{Canvas, Drawing, HEIGHT, Pen, WIDTH};
use super::{PlotError, font};
use plotters::prelude::{BitMapBackend, IntoDrawingArea, SVGBackend};
use std::path::{Path, PathBuf};
use std::{fs, io, process};

/// Pixels of the PNG to one of the SVG: plots are looked at on dense screens and in print.
const PNG_SCALE: i32 = 2;

/// Draws both files, or none.
pub(super) fn save(drawing: &impl Drawing, svg: &Path, png: &Path) -> Result<(), PlotError> {
    font::register().map_err(|reason| drawing_error(svg, &reason))?;
    let first = Temporary::beside(svg, "svg")?;
    let text = svg_text(drawing).map_err(|reason| drawing_error(svg, &reason))?;
    fs::write(&first.path, text).map_err(|source| writing_error(svg, source))?;
    let second = Temporary::beside(png, "png")?;
    draw_png(drawing, &second.path).map_err(|reason| drawing_error(png, &reason))?;
    first.keep()?;
    second.keep()
}

fn svg_text(drawing: &impl Drawing) -> Result<String, String> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size(1)).into_drawing_area();
        draw(drawing, &root, Pen::svg())?;
    }
    Ok(text)
}

fn draw_png(drawing: &impl Drawing, path: &Path) -> Result<(), String> {
    let root = BitMapBackend::new(path, size(PNG_SCALE)).into_drawing_area();
    draw(drawing, &root, Pen::bitmap(PNG_SCALE))
}

fn draw<DB: plotters::prelude::DrawingBackend>(
    drawing: &impl Drawing,
    root: &Canvas<DB>,
    pen: Pen,
) -> Result<(), String> {
    root.fill(&plotters::style::WHITE)
        .and_then(|()| drawing.draw(root, pen))
        .and_then(|()| root.present())
        .map_err(|error| error.to_string())
}

/// Pixels of a file.
fn size(scale: i32) -> (u32, u32) {
    let pixels = |length: i32| (length * scale).unsigned_abs();
    (pixels(WIDTH), pixels(HEIGHT))
}

fn drawing_error(file: &Path, reason: &(impl ToString + ?Sized)) -> PlotError {
    PlotError::Draw {
        file: file.to_owned(),
        reason: reason.to_string(),
    }
}

fn writing_error(file: &Path, source: io::Error) -> PlotError {
    PlotError::Write {
        file: file.to_owned(),
        source,
    }
}

/// A file under a name of its own, gone when dropped unless kept.
struct Temporary<'a> {
    path: PathBuf,
    target: &'a Path,
}

impl<'a> Temporary<'a> {
    /// The bitmap writer goes by the ending of a name, hence `kind`. Created at once, so that a
    /// folder that cannot be written to is refused in the words of the system.
    fn beside(target: &'a Path, kind: &str) -> Result<Self, PlotError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.{}.{kind}", process::id()));
        fs::File::create(&path).map_err(|source| writing_error(target, source))?;
        Ok(Self { path, target })
    }

    fn keep(self) -> Result<(), PlotError> {
        fs::rename(&self.path, self.target).map_err(|source| writing_error(self.target, source))
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // After a rename there is nothing to remove, and an error has nobody to be told to.
        let _ = fs::remove_file(&self.path);
    }
}
