use super::reencode::Encoder;
use crate::fault::Fault;
use image::DynamicImage;
use webp::WebPConfig;

const QUALITY: f32 = 85.0;
/// Of what somebody waits for.
const QUICK: f32 = 75.0;

/// What encoding takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    Lossless,
    Fine,
    /// About a fifth of the time, for a somewhat larger file.
    Quick,
}

/// WebP by libwebp, each frame by itself; the container is written here (RFC 9649), so that an animation keeps its
/// frames, delays and plays exactly, and only one frame is in memory.
pub(super) struct WebP {
    size: (u32, u32),
    /// How often an animation plays.
    plays: Option<u32>,
    icc: Option<Vec<u8>>,
    effort: Effort,
    frames: Vec<u8>,
    has_alpha: bool,
}

impl WebP {
    pub(super) fn new(size: (u32, u32), plays: Option<u32>, icc: Option<Vec<u8>>, effort: Effort) -> Self {
        Self { size, plays, icc, effort, frames: Vec::new(), has_alpha: false }
    }
}

impl Encoder for WebP {
    fn add(&mut self, image: &DynamicImage, delay_ms: u32) -> Result<(), Fault> {
        let (width, height) = (image.width(), image.height());
        let picture = match image {
            DynamicImage::ImageRgba8(rgba) => webp::Encoder::from_rgba(rgba, width, height),
            DynamicImage::ImageRgb8(rgb) => webp::Encoder::from_rgb(rgb, width, height),
            _ => return Err(Fault::corrupt("a frame of a layout that webp does not take")),
        };
        let encoded = match self.effort {
            Effort::Lossless => picture.encode_simple(true, QUALITY),
            Effort::Fine => picture.encode_simple(false, QUALITY),
            Effort::Quick => picture.encode_advanced(&quick()?),
        };
        let encoded = encoded.map_err(|e| Fault::Io(format!("libwebp does not encode this: {e:?}")))?;
        let pixels = pixel_chunks(&encoded).ok_or_else(|| Fault::Io("libwebp wrote no webp".into()))?;
        self.has_alpha |= image.color().has_alpha();
        if self.plays.is_none() {
            self.frames = pixels;
            return Ok(());
        }
        let mut frame = vec![0; 6];
        frame.extend(u24(width - 1));
        frame.extend(u24(height - 1));
        frame.extend(u24(delay_ms.min((1 << 24) - 1)));
        // Do not blend, do not dispose: every frame covers the canvas.
        frame.push(0b10);
        frame.extend(pixels);
        chunk(&mut self.frames, b"ANMF", &frame);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Fault> {
        let mut body = b"WEBP".to_vec();
        // A lossy picture keeps its alpha in a chunk of its own, which asks for the extended header too.
        if self.plays.is_some() || self.icc.is_some() || self.frames.starts_with(b"ALPH") {
            let flags = u8::from(self.icc.is_some()) << 5
                | u8::from(self.has_alpha) << 4
                | u8::from(self.plays.is_some()) << 1;
            let mut extended = vec![flags, 0, 0, 0];
            extended.extend(u24(self.size.0 - 1));
            extended.extend(u24(self.size.1 - 1));
            chunk(&mut body, b"VP8X", &extended);
        }
        if let Some(icc) = &self.icc {
            chunk(&mut body, b"ICCP", icc);
        }
        if let Some(plays) = self.plays {
            let mut animation = vec![0; 4];
            animation.extend(u16::try_from(plays).unwrap_or(0).to_le_bytes());
            chunk(&mut body, b"ANIM", &animation);
        }
        body.extend(&self.frames);
        let mut file = Vec::with_capacity(body.len() + 8);
        chunk(&mut file, b"RIFF", &body);
        Ok(file)
    }
}

fn quick() -> Result<WebPConfig, Fault> {
    let mut config = WebPConfig::new()
        .map_err(|()| Fault::Io("libwebp is of another version than its settings".into()))?;
    config.quality = QUICK;
    config.method = 0;
    Ok(config)
}

/// The chunks of a still WebP that hold pixels: `ALPH`, `VP8 ` and `VP8L`.
fn pixel_chunks(webp: &[u8]) -> Option<Vec<u8>> {
    let mut rest = webp.get(12..)?;
    let mut kept = Vec::with_capacity(rest.len());
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes(*head.last_chunk::<4>()?) as usize;
        let content = after.get(..length)?;
        let kind = head.first_chunk::<4>()?;
        if matches!(kind, b"ALPH" | b"VP8 " | b"VP8L") {
            chunk(&mut kept, kind, content);
        }
        rest = after.get(length + length % 2..).unwrap_or_default();
    }
    (!kept.is_empty()).then_some(kept)
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) {
    out.extend_from_slice(kind);
    out.extend_from_slice(&(content.len() as u32).to_le_bytes());
    out.extend_from_slice(content);
    if content.len() % 2 == 1 {
        out.push(0);
    }
}

fn u24(n: u32) -> [u8; 3] {
    let [a, b, c, _] = n.to_le_bytes();
    [a, b, c]
}
