use super::{Art, MAX_AREA};
use crate::MarkError;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::{ImageDecoder, Limits, codecs::png::PngDecoder};
use std::io::Cursor;

const MAX_BYTES: usize = 4 * 1024 * 1024;
const MAX_EDGE: u32 = 4096;

/// The mark's picture, premultiplied; the first picture of an animated one.
pub(super) fn decode(base64: &str) -> Result<Art, MarkError> {
    let bad = |problem: String| MarkError::Picture(problem);
    if base64.len() / 4 * 3 > MAX_BYTES {
        return Err(bad(format!("it is larger than {MAX_BYTES} bytes")));
    }
    let bytes =
        BASE64_STANDARD.decode(base64.trim()).map_err(|e| bad(format!("it is not standard base64: {e}")))?;
    // Dimensions are known after the header: checked before a pixel is decoded.
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_EDGE);
    limits.max_image_height = Some(MAX_EDGE);
    limits.max_alloc = Some(u64::from(MAX_EDGE) * u64::from(MAX_EDGE) * 8);
    let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), limits.clone())
        .map_err(|e| bad(format!("it is not a png within {MAX_EDGE} by {MAX_EDGE} pixels: {e}")))?;
    decoder
        .set_limits(limits)
        .map_err(|e| bad(format!("it is larger than {MAX_EDGE} by {MAX_EDGE} pixels: {e}")))?;
    let mut picture = image::DynamicImage::from_decoder(decoder)
        .map_err(|e| bad(format!("the png does not decode: {e}")))?
        .into_rgba8();
    for pixel in picture.pixels_mut() {
        let alpha = u32::from(pixel.0[3]);
        for value in &mut pixel.0[..3] {
            *value = ((u32::from(*value) * alpha + 127) / 255) as u8;
        }
    }
    if picture.pixels().all(|p| p.0[3] == 0) {
        return Err(bad("every pixel of it is transparent".to_owned()));
    }
    let (width, height) = picture.dimensions();
    Ok(Art { width, height, rgba: picture.into_raw() }.bounded(MAX_AREA))
}
