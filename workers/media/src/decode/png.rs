use super::canvas::{Area, Canvas, Dispose};
use super::{About, Shot, Source, View, check_canvas};
use crate::colour::Colour;
use crate::fault::Fault;
use crate::meta;
use lazaret_sandbox::Budget;
use png::{BlendOp, ColorType, Decoder, DecodingError, DisposeOp, Info, Limits, Reader, Transformations};
use std::io::Cursor;

/// PNG and APNG by the crate `png`; frames of an animation are composited here.
pub(super) struct Png<'a> {
    about: About,
    reader: Reader<Cursor<&'a [u8]>>,
    /// Frames left, the separate default image included.
    left: u32,
    /// The default image is no part of the animation and comes first.
    aside: bool,
    canvas: Option<Canvas>,
    buffer: Vec<u8>,
    ended: bool,
}

impl<'a> Png<'a> {
    pub(super) fn open(bytes: &'a [u8], budget: &Budget) -> Result<Self, Fault> {
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_CHUNKS });
        decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
        decoder.set_ignore_text_chunk(true);
        // Of the pixels too, which the crate passes over by itself: other readers refuse the picture.
        decoder.ignore_checksums(false);
        let header = decoder.read_header_info().map_err(fault)?;
        let pixels = check_canvas(header.width, header.height, budget)?;
        // Rows are bounded by the canvas, so the decoder may have that much and its chunks.
        decoder.set_limits(Limits { bytes: MAX_CHUNKS.saturating_add(pixels.saturating_mul(8)) });
        let reader = decoder.read_info().map_err(fault)?;
        let info = reader.info();
        let animation = info.animation_control;
        let aside = animation.is_some() && info.frame_control.is_none();
        let frames = animation.map_or(1, |a| a.num_frames.max(1).saturating_add(u32::from(aside)));
        let about = About {
            width: info.width,
            height: info.height,
            frames: Some(frames),
            animated: animation.is_some(),
            plays: animation.map_or(1, |a| a.num_plays),
            orientation: meta::png_orientation(bytes),
            colour: Colour::of_png(bytes, info.icc_profile.as_deref()),
            icc_fits: true,
            decoder: "png 0.18",
        };
        let canvas = about.animated.then(|| Canvas::new(about.width, about.height));
        Ok(Self { about, reader, left: frames, aside, canvas, buffer: Vec::new(), ended: false })
    }

    /// Reads the next frame into the buffer, as RGB or RGBA, and says where it sits. `None` at the end.
    fn read(&mut self) -> Result<Option<Area>, Fault> {
        if self.left == 0 {
            if !std::mem::replace(&mut self.ended, true) {
                self.reader.finish().map_err(fault)?;
            }
            return Ok(None);
        }
        self.left -= 1;
        let size =
            self.reader.output_buffer_size().ok_or_else(|| Fault::Memory("a frame is too large".into()))?;
        self.buffer.resize(size, 0);
        let output = self.reader.next_frame(&mut self.buffer).map_err(fault)?;
        self.buffer.truncate(output.buffer_size());
        match output.color_type {
            ColorType::Grayscale => self.buffer = self.buffer.iter().flat_map(|&g| [g, g, g]).collect(),
            ColorType::GrayscaleAlpha => {
                let (pixels, _) = self.buffer.as_chunks::<2>();
                self.buffer = pixels.iter().flat_map(|&[g, a]| [g, g, g, a]).collect();
            }
            ColorType::Rgb | ColorType::Rgba => {}
            ColorType::Indexed => return Err(Fault::corrupt("the palette was not expanded")),
        }
        let (left, top) =
            self.reader.info().frame_control.map_or((0, 0), |control| (control.x_offset, control.y_offset));
        Ok(Some(Area { left, top, width: output.width, height: output.height }))
    }
}

/// Bytes that chunks before the pixels may take, the unpacked colour profile among them.
const MAX_CHUNKS: usize = 16 << 20;

impl Source for Png<'_> {
    fn about(&self) -> &About {
        &self.about
    }

    fn next(&mut self) -> Result<Option<Shot<'_>>, Fault> {
        let Some(area) = self.read()? else { return Ok(None) };
        let aside = std::mem::take(&mut self.aside);
        // A separate default image has no frame control of its own and leaves the canvas alone.
        let Some(canvas) = self.canvas.as_mut().filter(|_| !aside) else {
            let view = View { width: self.about.width, height: self.about.height, pixels: &self.buffer };
            return Ok(Some(Shot { delay_ms: 0, aside, view }));
        };
        let control = self.reader.info().frame_control.unwrap_or_default();
        let dispose = match control.dispose_op {
            DisposeOp::None => Dispose::Keep,
            DisposeOp::Background => Dispose::Clear,
            DisposeOp::Previous => Dispose::Restore,
        };
        if self.buffer.len() == area.width as usize * area.height as usize * 3 {
            let (pixels, _) = self.buffer.as_chunks::<3>();
            self.buffer = pixels.iter().flat_map(|&[r, g, b]| [r, g, b, 255]).collect();
        }
        canvas.draw(&self.buffer, area, control.blend_op == BlendOp::Over, dispose);
        // A denominator of 0 means hundredths of a second.
        let unit = if control.delay_den == 0 { 100 } else { u32::from(control.delay_den) };
        let delay_ms = u32::from(control.delay_num) * 1000 / unit;
        Ok(Some(Shot { delay_ms, aside, view: canvas.view() }))
    }

    fn take_first(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.read()?.map(|_| std::mem::take(&mut self.buffer)))
    }
}

/// What of a PNG's header says how its colours are meant.
pub(crate) fn colour(bytes: &[u8]) -> Result<Info<'static>, Fault> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_CHUNKS });
    decoder.set_ignore_text_chunk(true);
    let info = decoder.read_info().map_err(fault)?;
    Ok(info.info().clone())
}

fn fault(error: DecodingError) -> Fault {
    match error {
        DecodingError::IoError(error) => Fault::from(error),
        DecodingError::LimitsExceeded => {
            Fault::Limit("limit.memory", "its chunks take too much memory".into())
        }
        other => Fault::corrupt(other),
    }
}
