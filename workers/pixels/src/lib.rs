//! Arithmetic on decoded pixels, shared by the children that decode pictures and films. It reads nothing and links no
//! decoder.

mod sample;
mod turn;

pub use sample::bilinear;
pub use turn::{Steps, swaps_sides, upright_size};

/// A borrowed frame as stored: rows from the top, RGB or RGBA.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub width: u32,
    pub height: u32,
    pub pixels: &'a [u8],
}

impl View<'_> {
    pub fn channels(&self) -> usize {
        self.pixels.len() / (self.width as usize * self.height as usize).max(1)
    }

    pub fn has_alpha_channel(&self) -> bool {
        self.channels() == 4
    }

    /// Some pixel is not opaque.
    pub fn is_translucent(&self) -> bool {
        self.has_alpha_channel() && {
            let (pixels, _) = self.pixels.as_chunks::<4>();
            pixels.iter().any(|pixel| pixel[3] != 255)
        }
    }
}
