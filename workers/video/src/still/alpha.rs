//! How opaque a picture is: the brightness of another one.

use super::canvas::{Canvas, place};
use super::coded::Decoders;
use crate::luma;
use ffmpeg_next::color::Range;
use lazaret_inspect::heif::{Codec, Drawn};
use lazaret_sandbox::Why;

/// Puts it onto the canvas, which has the place for it. Colours that were multiplied by it are divided again.
pub(super) fn onto(
    canvas: &mut Canvas,
    alpha: &Drawn,
    premultiplied: bool,
    decoders: &mut Decoders<'_>,
) -> Result<(), Why> {
    for (n, tile) in alpha.tiles.iter().enumerate() {
        let frame = decoders.decode(tile, alpha.tile)?;
        // All of the range is to be used (AVIF, 4.1), and HEVC says the other also where it says nothing.
        if tile.codec == Codec::Av1 && frame.color_range() != Range::JPEG {
            return Err(Why::new("media.unsupported", "transparency in a part of its range"));
        }
        let place = place(alpha, n);
        luma::rows(&frame, true, |y, opacity| {
            for (pixel, alpha) in canvas.row(place, y).as_chunks_mut::<4>().0.iter_mut().zip(opacity) {
                pixel[3] = *alpha;
            }
        })?;
    }
    if premultiplied {
        canvas.pixels.as_chunks_mut::<4>().0.iter_mut().for_each(divide);
    }
    Ok(())
}

fn divide(pixel: &mut [u8; 4]) {
    let [colours @ .., alpha] = pixel;
    let alpha = u32::from(*alpha);
    for colour in colours {
        let whole = (u32::from(*colour) * 255 + alpha / 2).checked_div(alpha);
        *colour = whole.map_or(*colour, |whole| whole.min(255) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::divide;

    #[test]
    fn multiplied_colours_come_back() {
        let cases = [
            ([100, 50, 0, 128], [199, 100, 0, 128]),
            ([9, 9, 9, 0], [9, 9, 9, 0]),
            ([200, 7, 255, 100], [255, 18, 255, 100]),
        ];
        for (mut pixel, expected) in cases {
            divide(&mut pixel);
            assert_eq!(pixel, expected);
        }
    }
}
