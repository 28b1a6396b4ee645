//! The contact sheet: small copies of frames that were shown, side by side in one JPEG.

use crate::fault;
use crate::picture::Thumbnail;
use lazaret_sandbox::child::RenditionSink;
use lazaret_sandbox::{Rendition, SheetRequest, Why};
use std::io::Write;
use turbojpeg::{Image, PixelFormat, Subsamp};

/// Frames side by side.
const COLUMNS: usize = 6;
/// Pixels between them.
const MARGIN: usize = 4;
const QUALITY: i32 = 80;

pub(crate) fn make(
    thumbnails: &[Thumbnail],
    request: &SheetRequest,
    out: &mut dyn RenditionSink,
) -> Result<Rendition, Why> {
    let wanted = request.frames.iter().take(SheetRequest::MAX);
    let chosen: Vec<&Thumbnail> = wanted.filter_map(|frame| thumbnails.get(*frame as usize)).collect();
    let (Some(width), Some(height)) =
        (chosen.iter().map(|t| t.width as usize).max(), chosen.iter().map(|t| t.height as usize).max())
    else {
        return Err(Why::new("video.none", "none of these frames was shown"));
    };
    let columns = chosen.len().min(COLUMNS);
    let rows = chosen.len().div_ceil(COLUMNS);
    let sheet = (columns * (width + MARGIN) + MARGIN, rows * (height + MARGIN) + MARGIN);
    let mut pixels = vec![32; sheet.0 * sheet.1 * 3];
    for (n, small) in chosen.iter().enumerate() {
        let left = MARGIN + (n % COLUMNS) * (width + MARGIN);
        let top = MARGIN + (n / COLUMNS) * (height + MARGIN);
        for (y, row) in small.pixels.chunks_exact(small.width as usize * 3).enumerate() {
            let at = ((top + y) * sheet.0 + left) * 3;
            pixels[at..at + row.len()].copy_from_slice(row);
        }
    }
    jpeg(&pixels, sheet, QUALITY, out)
}

/// RGB rows without gaps.
pub(crate) fn jpeg(
    pixels: &[u8],
    (width, height): (usize, usize),
    quality: i32,
    out: &mut dyn Write,
) -> Result<Rendition, Why> {
    let image = Image { pixels, width, pitch: width * 3, height, format: PixelFormat::RGB };
    let made = turbojpeg::compress(image, quality, Subsamp::Sub2x2)
        .map_err(|e| Why::new("media.undecodable", format!("the JPEG cannot be made: {e}")))?;
    out.write_all(&made).map_err(fault::gone)?;
    Ok(Rendition {
        media_type: "image/jpeg".to_owned(),
        width: u32::try_from(width).unwrap_or(u32::MAX),
        height: u32::try_from(height).unwrap_or(u32::MAX),
        frames: 1,
        bytes: made.len() as u64,
        note: "re-encoded".to_owned(),
    })
}
