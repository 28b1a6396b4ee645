//! Marks on pictures: what is drawn, where, and how strongly.

mod picture;
mod place;
mod spec;
mod text;

use base64::Engine;
use image::{Rgb, RgbImage, RgbaImage};
use lazaret_watermark::{Content, Mark, MarkSpec, Style};

fn text(text: &str) -> Content {
    Content::Text { text: text.to_owned(), fonts: Vec::new(), color: "#ffffff".to_owned() }
}

fn png(picture: &RgbaImage) -> Content {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    Content::Png { base64: base64::prelude::BASE64_STANDARD.encode(bytes.into_inner()) }
}

/// A mark of one opaque colour, twice as wide as high.
fn plain(color: [u8; 3]) -> Content {
    let [r, g, b] = color;
    png(&RgbaImage::from_pixel(64, 32, image::Rgba([r, g, b, 255])))
}

fn mark(content: Content, style: Style) -> Mark {
    Mark::prepare(&MarkSpec { content, style }).unwrap()
}

fn grey(width: u32, height: u32) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb([120, 120, 120]))
}

/// Left, top, right and bottom (both past the end) of the pixels that differ; none where none does.
fn changed(before: &RgbImage, after: &RgbImage) -> Option<(u32, u32, u32, u32)> {
    let different = before.enumerate_pixels().filter(|(x, y, p)| after.get_pixel(*x, *y) != *p);
    different.fold(None, |bounds, (x, y, _)| {
        let (l, t, r, b) = bounds.unwrap_or((x, y, x, y));
        Some((l.min(x), t.min(y), r.max(x + 1), b.max(y + 1)))
    })
}
