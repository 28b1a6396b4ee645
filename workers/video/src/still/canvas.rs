use lazaret_inspect::heif::{Crop, Drawn};
use lazaret_sandbox::Why;

/// A picture that is put together from tiles: RGB, or RGBA that is opaque at first.
pub(super) struct Canvas {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: Vec<u8>,
    pub(super) channels: usize,
}

/// Column and row of pixels where the tile of this number begins.
pub(super) fn place(drawn: &Drawn, number: usize) -> (usize, usize) {
    let columns = (drawn.columns as usize).max(1);
    (number % columns * drawn.tile.0 as usize, number / columns * drawn.tile.1 as usize)
}

impl Canvas {
    pub(super) fn new(drawn: &Drawn, has_alpha: bool) -> Self {
        let channels = if has_alpha { 4 } else { 3 };
        let pixels = vec![255; drawn.width as usize * drawn.height as usize * channels];
        Self { width: drawn.width, height: drawn.height, pixels, channels }
    }

    /// The pixels from a place on to the right, of row `y` of what is drawn there; none outside of the canvas.
    pub(super) fn row(&mut self, (left, top): (usize, usize), y: usize) -> &mut [u8] {
        let (width, height) = (self.width as usize, self.height as usize);
        if left >= width || top + y >= height {
            return &mut [];
        }
        let at = (top + y) * width;
        &mut self.pixels[(at + left) * self.channels..(at + width) * self.channels]
    }

    /// RGB pixels of such a row.
    pub(super) fn draw(&mut self, place: (usize, usize), y: usize, rgb: &[u8]) {
        let channels = self.channels;
        for (pixel, colour) in self.row(place, y).chunks_exact_mut(channels).zip(rgb.chunks_exact(3)) {
            pixel[..3].copy_from_slice(colour);
        }
    }

    pub(super) fn crop(&mut self, crop: &Crop) -> Result<(), Why> {
        let full = self.width as usize * self.channels;
        let (left, row) = (crop.left as usize * self.channels, crop.width as usize * self.channels);
        for y in 0..crop.height as usize {
            let from = (crop.top as usize + y) * full + left;
            if from + row > self.pixels.len() {
                return Err(Why::new("media.undecodable", "cropped to what lies outside of the picture"));
            }
            self.pixels.copy_within(from..from + row, y * row);
        }
        self.pixels.truncate(row * crop.height as usize);
        (self.width, self.height) = (crop.width, crop.height);
        Ok(())
    }
}
