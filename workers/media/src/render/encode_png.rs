use super::reencode::Encoder;
use crate::fault::Fault;
use image::DynamicImage;
use png::{BitDepth, ColorType, Compression, Info, Writer};
use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

/// PNG and APNG, 8 bits a channel; every frame covers the canvas.
pub(super) struct Png {
    info: Info<'static>,
    size: (u32, u32),
    /// Frames and plays of an animation.
    animation: Option<(u32, u32)>,
    writer: Option<Writer<Shared>>,
    out: Shared,
}

impl Png {
    /// `source` is the original's header, of which only the meaning of its colours is taken.
    pub(super) fn new(
        source: &Info<'_>,
        icc: Option<Vec<u8>>,
        size: (u32, u32),
        animation: Option<(u32, u32)>,
    ) -> Self {
        let mut info = Info::with_size(size.0, size.1);
        info.icc_profile = icc.map(Into::into);
        info.srgb = source.srgb;
        Self { info, size, animation, writer: None, out: Shared::default() }
    }

    fn begin(&self, color: ColorType) -> Result<Writer<Shared>, Fault> {
        let mut info = self.info.clone();
        info.color_type = color;
        info.bit_depth = BitDepth::Eight;
        let mut encoder = png::Encoder::with_info(self.out.clone(), info).map_err(fault)?;
        encoder.set_compression(Compression::Fast);
        if let Some((frames, plays)) = self.animation {
            encoder.set_animated(frames, plays).map_err(fault)?;
        }
        encoder.write_header().map_err(fault)
    }
}

impl Encoder for Png {
    fn add(&mut self, image: &DynamicImage, delay_ms: u32) -> Result<(), Fault> {
        if (image.width(), image.height()) != self.size {
            return Err(Fault::corrupt("a frame is not of the canvas's size"));
        }
        let color = if image.color().has_alpha() { ColorType::Rgba } else { ColorType::Rgb };
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.begin(color)?,
        };
        if self.animation.is_some() {
            writer.set_frame_delay(u16::try_from(delay_ms).unwrap_or(u16::MAX), 1000).map_err(fault)?;
        }
        writer.write_image_data(image.as_bytes()).map_err(fault)?;
        self.writer = Some(writer);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, Fault> {
        let writer = self.writer.take().ok_or_else(|| Fault::corrupt("the picture has no frame"))?;
        writer.finish().map_err(fault)?;
        Ok(self.out.0.take())
    }
}

/// One picture of `channels` 3 or 4.
pub(super) fn encode(image: &DynamicImage, icc: Option<Vec<u8>>) -> Result<Vec<u8>, Fault> {
    let size = (image.width(), image.height());
    let mut png = Box::new(Png::new(&Info::default(), icc, size, None));
    png.add(image, 0)?;
    png.finish()
}

fn fault(error: png::EncodingError) -> Fault {
    Fault::Io(error.to_string())
}

/// The crate's writer does not give its output back.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
