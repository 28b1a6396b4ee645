//! Where the pixels of an upright picture lie, as EXIF orientation 1 to 8 says.

use crate::View;
use image::metadata::Orientation;

/// Whether an upright picture is as wide as the stored one is high.
pub fn swaps_sides(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

pub fn upright_size(orientation: Orientation, (width, height): (u32, u32)) -> (u32, u32) {
    if swaps_sides(orientation) { (height, width) } else { (width, height) }
}

/// Where the pixels of an upright picture lie in the stored one: pixel (x, y) begins at byte
/// `origin + x * right + y * down`.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    pub origin: isize,
    pub right: isize,
    pub down: isize,
}

impl Steps {
    pub fn of(view: &View<'_>, orientation: Orientation) -> Self {
        let pixel = view.channels() as isize;
        let row = view.width as isize * pixel;
        let last_column = (view.width as isize - 1) * pixel;
        let last_row = (view.height as isize - 1) * row;
        let (origin, right, down) = match orientation {
            Orientation::NoTransforms => (0, pixel, row),
            Orientation::FlipHorizontal => (last_column, -pixel, row),
            Orientation::Rotate180 => (last_row + last_column, -pixel, -row),
            Orientation::FlipVertical => (last_row, pixel, -row),
            Orientation::Rotate90FlipH => (0, row, pixel),
            Orientation::Rotate90 => (last_row, -row, pixel),
            Orientation::Rotate270FlipH => (last_row + last_column, -row, -pixel),
            Orientation::Rotate270 => (last_column, row, -pixel),
        };
        Self { origin, right, down }
    }
}
