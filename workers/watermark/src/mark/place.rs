//! How large a mark is on a picture, and where it goes.

use crate::{Position, Style};

/// No mark is made larger than this many pixels: it would cost more memory than the picture.
const MAX_AREA: f64 = 16.0 * 1024.0 * 1024.0;

/// Width and height of the mark on a picture, at least one pixel each and never larger than the picture.
pub(super) fn size(style: &Style, art: (u32, u32), picture: (u32, u32)) -> (u32, u32) {
    let (art_w, art_h) = (f64::from(art.0), f64::from(art.1));
    let margin = if style.tile { 0 } else { margin(style, picture) };
    // The margin gives way on a picture that is too small for both.
    let room = |edge: u32| f64::from(edge.saturating_sub(2 * margin).max(1));
    let wanted = f64::from(picture.0) * f64::from(style.scale) / art_w;
    let factor = wanted
        .min(room(picture.0) / art_w)
        .min(room(picture.1) / art_h)
        .min((MAX_AREA / (art_w * art_h)).sqrt());
    let edge = |length: f64, most: u32| ((length * factor).round() as u32).clamp(1, most);
    (edge(art_w, picture.0), edge(art_h, picture.1))
}

fn margin(style: &Style, picture: (u32, u32)) -> u32 {
    (f64::from(picture.0.min(picture.1)) * f64::from(style.margin)).round() as u32
}

/// Top left corners of all marks on the picture, as x and y; a tiled one may begin outside of it.
pub(super) fn corners(
    style: &Style,
    picture: (u32, u32),
    mark: (u32, u32),
) -> Box<dyn Iterator<Item = (i64, i64)>> {
    if style.tile {
        Box::new(tiles(style, picture, mark))
    } else {
        Box::new(std::iter::once(one(style, picture, mark)))
    }
}

fn one(style: &Style, picture: (u32, u32), mark: (u32, u32)) -> (i64, i64) {
    use Position::{Bottom, BottomLeft, BottomRight, Center, Left, Right, Top, TopLeft, TopRight};
    let margin = i64::from(margin(style, picture));
    let start = |room: i64| margin.min(room / 2);
    let free_x = i64::from(picture.0) - i64::from(mark.0);
    let free_y = i64::from(picture.1) - i64::from(mark.1);
    let x = match style.position {
        TopLeft | Left | BottomLeft => start(free_x),
        Top | Center | Bottom => free_x / 2,
        TopRight | Right | BottomRight => free_x - start(free_x),
    };
    let y = match style.position {
        TopLeft | Top | TopRight => start(free_y),
        Left | Center | Right => free_y / 2,
        BottomLeft | Bottom | BottomRight => free_y - start(free_y),
    };
    (x, y)
}

fn tiles(style: &Style, picture: (u32, u32), mark: (u32, u32)) -> impl Iterator<Item = (i64, i64)> + use<> {
    let gap = (f64::from(mark.0) * f64::from(style.spacing)).round() as i64;
    let (step_x, step_y) = (i64::from(mark.0) + gap, i64::from(mark.1) + gap);
    let (width, height) = (i64::from(picture.0), i64::from(picture.1));
    // The first row and column begin half a gap in, so that the pattern has no heavy edge.
    (0..).map(move |row| (row, gap / 2 + row * step_y)).take_while(move |(_, y)| *y < height).flat_map(
        move |(row, y)| {
            let first = gap / 2 - if row % 2 == 1 { step_x / 2 } else { 0 };
            (0..)
                .map(move |column| first + column * step_x)
                .take_while(move |x| *x < width)
                .map(move |x| (x, y))
        },
    )
}
