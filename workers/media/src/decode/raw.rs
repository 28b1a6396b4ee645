//! Pixels as they are: width and height, 32 bits each, big-endian, then a byte each of red, green and blue, rows from the
//! top.

use super::{About, Shot, Source, View, check_canvas};
use crate::colour::Colour;
use crate::fault::Fault;
use image::metadata::Orientation;
use lazaret_sandbox::Budget;

pub(super) const MEDIA_TYPE: &str = "image/x-lazaret-rgb";

pub(super) struct Raw<'a> {
    about: About,
    pixels: &'a [u8],
    shown: bool,
}

impl<'a> Raw<'a> {
    pub(super) fn open(bytes: &'a [u8], budget: &Budget) -> Result<Self, Fault> {
        let Some(([width, height], pixels)) = header(bytes) else {
            return Err(Fault::truncated("the size of the pixels is cut short"));
        };
        let count = check_canvas(width, height, budget)?;
        if count.checked_mul(3) != Some(pixels.len()) {
            return Err(Fault::corrupt(format!("{width}x{height} pixels are not {} bytes", pixels.len())));
        }
        let about = About {
            width,
            height,
            frames: Some(1),
            animated: false,
            plays: 0,
            orientation: Orientation::NoTransforms,
            colour: Colour::default(),
            icc_fits: false,
            decoder: "none",
        };
        Ok(Self { about, pixels, shown: false })
    }
}

fn header(bytes: &[u8]) -> Option<([u32; 2], &[u8])> {
    let (width, rest) = bytes.split_first_chunk()?;
    let (height, pixels) = rest.split_first_chunk()?;
    Some(([u32::from_be_bytes(*width), u32::from_be_bytes(*height)], pixels))
}

impl Source for Raw<'_> {
    fn about(&self) -> &About {
        &self.about
    }

    fn next(&mut self) -> Result<Option<Shot<'_>>, Fault> {
        if std::mem::replace(&mut self.shown, true) {
            return Ok(None);
        }
        let view = View { width: self.about.width, height: self.about.height, pixels: self.pixels };
        Ok(Some(Shot { delay_ms: 0, aside: false, view }))
    }
}
