//! A prepared mark, put on one picture after another.

mod blend;
mod place;
mod sprite;

use crate::art::Art;
use crate::{MarkError, MarkSpec, Style};
use image::{RgbImage, RgbaImage};
use sprite::Sprite;
use std::sync::{Arc, Mutex, PoisonError};

/// A mark ready to be put on pictures. Preparing costs milliseconds, applying little more than the covered pixels.
pub struct Mark {
    art: Art,
    style: Style,
    /// The mark at the size last used: the frames of an animation, and most pictures of one camera, share it.
    last: Mutex<Option<Arc<Sprite>>>,
}

impl Mark {
    /// Shapes and rasterises the text, or decodes the PNG, once and large.
    ///
    /// # Errors
    /// A value out of range, a font path that cannot be read, a character that no font covers, a PNG that cannot be
    /// decoded within its limits.
    pub fn prepare(spec: &MarkSpec) -> Result<Self, MarkError> {
        spec.validate()?;
        let art = Art::new(&spec.content)?.turned(spec.style.angle);
        Ok(Self { art, style: spec.style.clone(), last: Mutex::new(None) })
    }

    /// Blends the mark into the picture.
    pub fn apply_rgb(&self, img: &mut RgbImage) {
        let (width, height) = img.dimensions();
        self.apply::<3>(width, height, img, blend::over_rgb);
    }

    /// Blends the mark into the picture, whose alpha is straight (not premultiplied). On transparent pixels the mark
    /// itself shows.
    pub fn apply_rgba(&self, img: &mut RgbaImage) {
        let (width, height) = img.dimensions();
        self.apply::<4>(width, height, img, blend::over_rgba);
    }

    fn apply<const N: usize>(&self, width: u32, height: u32, pixels: &mut [u8], over: fn(&mut [u8], &[u8])) {
        if width == 0 || height == 0 || self.style.opacity == 0.0 {
            return;
        }
        let sprite = self.sprite(place::size(&self.style, self.art.size(), (width, height)));
        let row_bytes = width as usize * N;
        for (left, top) in place::corners(&self.style, (width, height), (sprite.width, sprite.height)) {
            for run in &sprite.runs {
                let y = top + i64::from(run.y);
                let from = (left + i64::from(run.from)).max(0);
                let to = (left + i64::from(run.to)).min(i64::from(width));
                if y < 0 || y >= i64::from(height) || from >= to {
                    continue;
                }
                let row = y as usize * row_bytes;
                let target = &mut pixels[row + from as usize * N..row + to as usize * N];
                over(target, sprite.pixels(run.y, (from - left) as u32, (to - left) as u32));
            }
        }
    }

    fn sprite(&self, (width, height): (u32, u32)) -> Arc<Sprite> {
        // A poisoned lock holds a whole sprite or none: it is replaced in one step.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(sprite) if (sprite.width, sprite.height) == (width, height) => Arc::clone(sprite),
            _ => {
                let sprite = Arc::new(Sprite::new(&self.art.resized(width, height), self.style.opacity));
                *last = Some(Arc::clone(&sprite));
                sprite
            }
        }
    }
}
