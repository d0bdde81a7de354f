//! The font. All code about fonts is here, because how the drawing library finds them is the part
//! of it most likely to change; the font is in the program, because a machine without any must
//! draw the same plot.

use plotters::style::{FontFamily, FontStyle, register_font};
use std::sync::OnceLock;

/// Family of every text. The name is also what an SVG asks its viewer for.
pub(super) const FAMILY: FontFamily<'static> = FontFamily::SansSerif;

/// Makes the font known, once a process. Other styles fall back to this one.
pub(super) fn register() -> Result<(), &'static str> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        register_font(FAMILY.as_str(), FontStyle::Normal, dejavu::sans::regular()).is_ok()
    });
    if *registered {
        Ok(())
    } else {
        Err("the font of the program cannot be read")
    }
}
