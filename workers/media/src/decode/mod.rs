//! Formats to full frames: [`open`] reads a header, [`Source::next`] gives one composited frame after another.

mod canvas;
mod gif;
mod jpeg;
mod png;
mod raw;
mod still;
mod webp;

pub(crate) use self::jpeg::fault as jpeg_fault;
pub(crate) use self::png::colour as png_colour;
pub(crate) use lazaret_pixels::View;
pub(crate) use still::Still;

use crate::colour::Colour;
use crate::fault::Fault;
use image::metadata::Orientation;
use lazaret_sandbox::Budget;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
    /// Pixels as they are: frames of live streams, never uploads.
    Raw,
}

impl Format {
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        Some(match media_type {
            "image/jpeg" => Self::Jpeg,
            "image/png" | "image/apng" => Self::Png,
            "image/gif" => Self::Gif,
            "image/webp" => Self::WebP,
            raw::MEDIA_TYPE => Self::Raw,
            _ => return None,
        })
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Raw => raw::MEDIA_TYPE,
        }
    }
}

/// What is known of a picture before its first frame is decoded.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Of the canvas, as stored.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// As the file says.
    pub(crate) frames: Option<u32>,
    pub(crate) animated: bool,
    /// How often an animation plays; 0 is for ever.
    pub(crate) plays: u32,
    pub(crate) orientation: Orientation,
    pub(crate) colour: Colour,
    /// The profile describes the pixels as they come out of the decoder. (CMYK comes out as RGB.)
    pub(crate) icc_fits: bool,
    pub(crate) decoder: &'static str,
}

/// One frame, composited on the whole canvas.
#[derive(Debug)]
pub(crate) struct Shot<'a> {
    pub(crate) delay_ms: u32,
    /// Shown only by programs that do not know animation (a PNG's separate default image): looked at, but no part of
    /// the animation.
    pub(crate) aside: bool,
    pub(crate) view: View<'a>,
}

pub(crate) trait Source {
    fn about(&self) -> &About;
    /// The next frame; `None` after the last one of a picture that is whole to its end. A fault after a frame says that
    /// something is missing or wrong, even if that frame looked fine.
    fn next(&mut self) -> Result<Option<Shot<'_>>, Fault>;
    /// The pixels of the first frame, to keep.
    fn take_first(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.next()?.map(|shot| shot.view.pixels.to_vec()))
    }
}

/// Reads a picture's header and holds its canvas against the budget before memory is spent on it.
pub(crate) fn open<'a>(
    format: Format,
    bytes: &'a [u8],
    budget: &Budget,
) -> Result<Box<dyn Source + 'a>, Fault> {
    Ok(match format {
        Format::Jpeg => Box::new(jpeg::Jpeg::open(bytes, budget)?),
        Format::Png => Box::new(png::Png::open(bytes, budget)?),
        Format::Gif => Box::new(gif::Gif::open(bytes, budget)?),
        Format::WebP => Box::new(webp::WebP::open(bytes, budget)?),
        Format::Raw => Box::new(raw::Raw::open(bytes, budget)?),
    })
}

/// Pixels of a canvas that the budget allows.
fn check_canvas(width: u32, height: u32, budget: &Budget) -> Result<usize, Fault> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Fault::corrupt("the picture has no pixels"));
    }
    if pixels > budget.max_pixels {
        let detail = format!("{width}x{height} pixels, at most {} are decoded", budget.max_pixels);
        return Err(Fault::Limit("limit.pixels", detail));
    }
    usize::try_from(pixels).map_err(|e| Fault::Memory(e.to_string()))
}
