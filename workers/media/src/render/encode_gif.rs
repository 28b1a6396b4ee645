use super::reencode::Encoder;
use crate::decode::View;
use crate::fault::Fault;
use gif::{DisposalMethod, Encoder as Writer, Frame, Repeat};
use image::DynamicImage;

/// 1 is the finest choice of colours, 30 the fastest.
const SPEED: i32 = 10;

/// GIF whose frames cover the canvas, each with a palette of its own.
pub(super) struct Gif {
    writer: Writer<Vec<u8>>,
    size: (u16, u16),
}

impl Gif {
    pub(super) fn new(size: (u32, u32), plays: Option<u32>, icc: Option<&[u8]>) -> Result<Self, Fault> {
        let side = |n: u32| u16::try_from(n).map_err(|_| Fault::corrupt("too large for a gif"));
        let size = (side(size.0)?, side(size.1)?);
        let mut writer = Writer::new(Vec::new(), size.0, size.1, &[]).map_err(fault)?;
        match plays {
            Some(0) => writer.set_repeat(Repeat::Infinite).map_err(fault)?,
            Some(plays @ 2..) => {
                let again = u16::try_from(plays - 1).unwrap_or(u16::MAX);
                writer.set_repeat(Repeat::Finite(again)).map_err(fault)?;
            }
            _ => {}
        }
        if let Some(icc) = icc {
            let mut blocks: Vec<&[u8]> = vec![b"ICCRGBG1012"];
            blocks.extend(icc.chunks(255));
            writer
                .write_raw_extension(gif::AnyExtension(0xff), &blocks)
                .map_err(|e| Fault::Io(e.to_string()))?;
        }
        Ok(Self { writer, size })
    }
}

impl Encoder for Gif {
    fn add(&mut self, image: &DynamicImage, delay_ms: u32) -> Result<(), Fault> {
        let mut pixels = image.to_rgba8().into_raw();
        let translucent =
            View { width: image.width(), height: image.height(), pixels: &pixels }.is_translucent();
        let mut frame = Frame::from_rgba_speed(self.size.0, self.size.1, &mut pixels, SPEED);
        frame.delay = u16::try_from(delay_ms / 10).unwrap_or(u16::MAX);
        // A later frame must not show this one where it is transparent itself.
        frame.dispose = if translucent { DisposalMethod::Background } else { DisposalMethod::Keep };
        self.writer.write_frame(&frame).map_err(fault)
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Fault> {
        self.writer.into_inner().map_err(|e| Fault::Io(e.to_string()))
    }
}

fn fault(error: gif::EncodingError) -> Fault {
    Fault::Io(error.to_string())
}
