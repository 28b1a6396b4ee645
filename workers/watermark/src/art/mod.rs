//! A mark as pixels, large: what is scaled down to each picture.

mod fonts;
mod halo;
mod png;
mod text;
mod turn;

use crate::{Content, MarkError};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

pub use fonts::default_fonts;

/// No prepared mark has more pixels than this (8 MiB of them).
const MAX_AREA: u32 = 2 * 1024 * 1024;

/// Premultiplied RGBA, row by row.
pub(crate) struct Art {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

impl Art {
    pub(crate) fn new(content: &Content) -> Result<Self, MarkError> {
        match content {
            Content::Text { text, fonts, color } => text::draw(text, fonts, crate::spec::parse_color(color)?),
            Content::Png { base64 } => png::decode(base64),
        }
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub(crate) fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// Turned counter-clockwise by `degrees`.
    pub(crate) fn turned(self, degrees: f32) -> Self {
        if degrees == 0.0 { self } else { turn::turn(&self, degrees) }
    }

    /// The same at another size. Hamming has no negative lobes, so no colour rings above its alpha.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Self {
        let same = || Self { width: self.width, height: self.height, rgba: self.rgba.clone() };
        if (width, height) == (self.width, self.height) {
            return same();
        }
        let mut target = Image::new(width, height, PixelType::U8x4);
        // Premultiplied already: the resizer must not do it again.
        let options =
            ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Hamming)).use_alpha(false);
        let done = ImageRef::new(self.width, self.height, &self.rgba, PixelType::U8x4)
            .map_err(|_| ())
            .and_then(|source| Resizer::new().resize(&source, &mut target, &options).map_err(|_| ()));
        match done {
            Ok(()) => Self { width, height, rgba: target.into_vec() },
            // Only a buffer of the wrong length or a pixel type that differs can fail, and both are fixed above.
            Err(()) => unreachable!("an RGBA buffer resizes into an RGBA buffer"),
        }
    }

    /// Small enough that the mark and what is made of it stay within memory.
    fn bounded(self, most: u32) -> Self {
        let area = f64::from(self.width) * f64::from(self.height);
        if area <= f64::from(most) {
            return self;
        }
        let factor = (f64::from(most) / area).sqrt();
        let edge = |length: u32| ((f64::from(length) * factor) as u32).max(1);
        self.resized(edge(self.width), edge(self.height))
    }
}
