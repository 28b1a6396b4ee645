use super::{About, Shot, Source, View, check_canvas};
use crate::colour::Colour;
use crate::fault::Fault;
use crate::meta;
use image_webp::{DecodingError, LoopCount, WebPDecoder};
use lazaret_sandbox::Budget;
use std::io::Cursor;

/// WebP by `image-webp`, which is Rust throughout and composites animations itself.
pub(super) struct WebP<'a> {
    about: About,
    decoder: WebPDecoder<Cursor<&'a [u8]>>,
    left: u32,
    pixels: Vec<u8>,
    cut: bool,
}

impl<'a> WebP<'a> {
    pub(super) fn open(bytes: &'a [u8], budget: &Budget) -> Result<Self, Fault> {
        let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(fault)?;
        let (width, height) = decoder.dimensions();
        let pixels = check_canvas(width, height, budget)?;
        decoder.set_memory_limit(pixels.saturating_mul(8).saturating_add(16 << 20));
        let animated = decoder.is_animated();
        let frames = if animated { decoder.num_frames() } else { 1 };
        let exif = decoder.exif_metadata().map_err(fault)?;
        let about = About {
            width,
            height,
            frames: Some(frames),
            animated,
            plays: match decoder.loop_count() {
                LoopCount::Forever => 0,
                LoopCount::Times(times) => u32::from(times.get()),
            },
            orientation: meta::webp_orientation(exif.as_deref()),
            colour: Colour::of(decoder.icc_profile().map_err(fault)?.as_deref()),
            icc_fits: true,
            decoder: "image-webp 0.2",
        };
        // The length that the RIFF header promises.
        let promised = bytes.get(4..8).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes);
        let cut = (bytes.len() as u64) < u64::from(promised) + 8;
        Ok(Self { about, decoder, left: frames, pixels: Vec::new(), cut })
    }

    /// Decodes the next frame; `None` after the last.
    fn decode(&mut self) -> Result<Option<u32>, Fault> {
        if self.left == 0 {
            return if self.cut {
                Err(Fault::truncated("the file ends before its RIFF length"))
            } else {
                Ok(None)
            };
        }
        self.left -= 1;
        let size =
            self.decoder.output_buffer_size().ok_or_else(|| Fault::Memory("a frame is too large".into()))?;
        self.pixels.resize(size, 0);
        if self.about.animated {
            self.decoder.read_frame(&mut self.pixels).map(Some).map_err(fault)
        } else {
            self.decoder.read_image(&mut self.pixels).map_err(fault)?;
            Ok(Some(0))
        }
    }
}

impl Source for WebP<'_> {
    fn about(&self) -> &About {
        &self.about
    }

    fn next(&mut self) -> Result<Option<Shot<'_>>, Fault> {
        let Some(delay_ms) = self.decode()? else { return Ok(None) };
        let view = View { width: self.about.width, height: self.about.height, pixels: &self.pixels };
        Ok(Some(Shot { delay_ms, aside: false, view }))
    }

    fn take_first(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.decode()?.map(|_| std::mem::take(&mut self.pixels)))
    }
}

fn fault(error: DecodingError) -> Fault {
    match error {
        DecodingError::IoError(error) => Fault::from(error),
        DecodingError::MemoryLimitExceeded => {
            Fault::Limit("limit.memory", "its chunks take too much memory".into())
        }
        DecodingError::NotEnoughInitData => Fault::truncated("the file ends too early"),
        other => Fault::corrupt(other),
    }
}
