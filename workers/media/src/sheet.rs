//! The contact sheet: small copies of frames, side by side in one JPEG.

use crate::decode;
use crate::fault::Fault;
use crate::job::Job;
use image::metadata::Orientation;
use lazaret_pixels::{Steps, View, upright_size};
use lazaret_sandbox::{Budget, Rendition, SheetRequest, Why};
use std::collections::BTreeMap;
use std::io::Write;
use turbojpeg::{Image, PixelFormat, Subsamp};

/// Frames side by side.
const COLUMNS: usize = 6;
/// Pixels between them.
const MARGIN: usize = 4;
const QUALITY: i32 = 80;
/// Longer edge of an animation's frames on its sheet, in pixels. Nothing else shows them to moderators.
const ANIMATED_EDGE: u32 = 320;
/// Behind what shows through, so that neither black nor white is lost on it.
const GROUND: u32 = 128;

/// A small upright copy, RGB.
pub struct Thumbnail {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Thumbnail {
    /// No edge is longer than `edge`, and none longer than it was.
    pub fn of(view: &View<'_>, orientation: Orientation, edge: u32) -> Self {
        let full = upright_size(orientation, (view.width, view.height));
        let longer = full.0.max(full.1).max(1);
        let edge = edge.min(longer);
        let scaled = |side: u32| (u64::from(side) * u64::from(edge) / u64::from(longer)).max(1) as u32;
        let (width, height) = (scaled(full.0), scaled(full.1));
        let steps = Steps::of(view, orientation);
        // Of each pixel's share of the frame, the middles of its four quarters.
        let places = |small: u32, full: u32| -> Vec<isize> {
            let at = |n: u32| (u64::from(n) * 2 + 1) * u64::from(full) / (u64::from(small) * 4);
            (0..small * 2).map(|n| at(n) as isize).collect()
        };
        let (across, down) = (places(width, full.0), places(height, full.1));
        let opaque = !view.has_alpha_channel();
        let mut pixels = Vec::with_capacity((width * height * 3) as usize);
        for rows in down.chunks_exact(2) {
            for columns in across.chunks_exact(2) {
                let mut sum = [0u32; 3];
                for (row, column) in
                    rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)))
                {
                    let at = (steps.origin + column * steps.right + row * steps.down) as usize;
                    let alpha = if opaque { 255 } else { u32::from(view.pixels[at + 3]) };
                    for (sum, value) in sum.iter_mut().zip(&view.pixels[at..at + 3]) {
                        *sum += (u32::from(*value) * alpha + GROUND * (255 - alpha)) / 255;
                    }
                }
                pixels.extend(sum.map(|sum| (sum / 4) as u8));
            }
        }
        Self { width, height, pixels }
    }
}

/// Of an animation, which is decoded once more for it. Frames count as [`crate::scoring`] counts them.
pub(crate) fn of_animation(
    job: &mut Job,
    request: &SheetRequest,
    budget: &Budget,
    out: &mut dyn Write,
) -> Result<Rendition, Why> {
    let wanted = &request.frames[..request.frames.len().min(SheetRequest::MAX)];
    let last = wanted.iter().max().copied().unwrap_or(0);
    let (format, bytes) = (job.format()?, job.bytes()?);
    let mut source = decode::open(format, &bytes, budget)?;
    let orientation = source.about().orientation;
    let mut small = BTreeMap::new();
    for index in 0..=last {
        // A fault behind them takes nothing away from the frames before it, which are what was looked at.
        let Ok(Some(shot)) = source.next() else { break };
        if wanted.contains(&index) {
            small.insert(index, Thumbnail::of(&shot.view, orientation, ANIMATED_EDGE));
        }
    }
    let chosen: Vec<&Thumbnail> = wanted.iter().filter_map(|index| small.get(index)).collect();
    if chosen.len() < wanted.len() {
        return Err(Fault::corrupt("a frame that was looked at is not there any more").into());
    }
    compose(&chosen, out)
}

/// Of frames that were kept, by their index.
///
/// # Errors
/// None of them was shown, or the service is gone.
pub fn of_kept(
    thumbnails: &[Thumbnail],
    request: &SheetRequest,
    out: &mut dyn Write,
) -> Result<Rendition, Why> {
    let wanted = request.frames.iter().take(SheetRequest::MAX);
    let chosen: Vec<&Thumbnail> = wanted.filter_map(|frame| thumbnails.get(*frame as usize)).collect();
    compose(&chosen, out)
}

fn compose(chosen: &[&Thumbnail], out: &mut dyn Write) -> Result<Rendition, Why> {
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

/// A JPEG of RGB rows without gaps.
///
/// # Errors
/// It cannot be made, or the service is gone.
pub fn jpeg(
    pixels: &[u8],
    (width, height): (usize, usize),
    quality: i32,
    out: &mut dyn Write,
) -> Result<Rendition, Why> {
    let image = Image { pixels, width, pitch: width * 3, height, format: PixelFormat::RGB };
    let made = turbojpeg::compress(image, quality, Subsamp::Sub2x2)
        .map_err(|e| Why::new("media.undecodable", format!("the JPEG cannot be made: {e}")))?;
    out.write_all(&made).map_err(Fault::from)?;
    Ok(Rendition {
        media_type: "image/jpeg".to_owned(),
        width: u32::try_from(width).unwrap_or(u32::MAX),
        height: u32::try_from(height).unwrap_or(u32::MAX),
        frames: 1,
        bytes: made.len() as u64,
        note: "re-encoded".to_owned(),
    })
}
