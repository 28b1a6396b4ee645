//! WebP, after RFC 9649: a RIFF container whose size says where it ends, chunk by chunk.

use super::log::Log;
use super::source::{Source, Stop};
use crate::quote::quoted_bytes;

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    let riff: [u8; 4] = source.bytes()?;
    let size = u64::from(u32::from_le_bytes(source.bytes()?));
    let form: [u8; 4] = source.bytes()?;
    if &riff != b"RIFF" || &form != b"WEBP" {
        return Err(Stop::Malformed(0, "no webp header".to_owned()));
    }
    let end = 8 + size;
    if size < 4 {
        return Err(Stop::Malformed(4, "the container is too small for its own name".to_owned()));
    }
    let mut seen = Seen::default();
    while source.position() < end {
        let chunk = Chunk::read(source, end)?;
        seen.note(source, &chunk, log)?;
        source.seek(chunk.end)?;
        chunk.pad(source, end, log)?;
    }
    if seen.images == 0 {
        return Err(source.malformed("the container holds no picture"));
    }
    Ok(())
}

/// Width and height.
type Size = (u32, u32);

/// What has been seen on the way. Readers do not agree on which of two pictures counts, nor on what to do with one of
/// another size than the header says, so each is told.
#[derive(Default)]
struct Seen {
    chunks: u64,
    images: u64,
    /// Of the extended form: the canvas, and whether it says to be animated.
    header: Option<(Size, bool)>,
}

impl Seen {
    /// Looks at a chunk, from behind its header.
    fn note(&mut self, source: &mut Source<'_>, chunk: &Chunk, log: &mut Log) -> Result<(), Stop> {
        let first = self.chunks == 0;
        self.chunks += 1;
        match &chunk.name {
            b"VP8X" if first => self.header = Some(extended(source, chunk)?),
            b"VP8 " | b"VP8L" => {
                let size = picture(source, chunk)?;
                match self.header {
                    Some((_, true)) => log.malformed(chunk.at, "a still picture in an animation"),
                    Some((canvas, false)) if size != canvas => {
                        log.malformed(chunk.at, "a picture of another size than its canvas");
                    }
                    None if !first => log.malformed(chunk.at, "a second picture"),
                    _ if self.images == 1 => log.malformed(chunk.at, "a second picture"),
                    _ => {}
                }
                self.images += 1;
            }
            _ if first => {
                let why = format!("begins with chunk {}", quoted_bytes(&chunk.name));
                return Err(Stop::Malformed(chunk.at, why));
            }
            b"VP8X" => log.malformed(chunk.at, "a second header"),
            b"ANMF" => {
                let canvas = self.header.filter(|(_, animated)| *animated).map(|(canvas, _)| canvas);
                if canvas.is_none() {
                    log.malformed(chunk.at, "a frame in what says to be no animation");
                }
                self.images += frame(source, chunk, canvas, log)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// RFC 9649, 2.7: flags, three reserved bytes, and the canvas less one.
fn extended(source: &mut Source<'_>, chunk: &Chunk) -> Result<(Size, bool), Stop> {
    if chunk.end - source.position() != 10 {
        return Err(Stop::Malformed(chunk.at, "a header of the wrong length".to_owned()));
    }
    let [flags, _, _, _, a, b, c, d, e, f] = source.bytes()?;
    Ok(((three([a, b, c]) + 1, three([d, e, f]) + 1), flags & 0x02 != 0))
}

fn three([a, b, c]: [u8; 3]) -> u32 {
    u32::from_le_bytes([a, b, c, 0])
}

/// The size that the picture's own header says: a key frame by RFC 6386, 9.1, or a lossless one by RFC 9649, 3.4.
fn picture(source: &mut Source<'_>, chunk: &Chunk) -> Result<Size, Stop> {
    let head = source.peek(10.min(usize::try_from(chunk.end - source.position()).unwrap_or(10)))?;
    match (&chunk.name, &head[..]) {
        (b"VP8 ", [_, _, _, 0x9d, 0x01, 0x2a, a, b, c, d]) => {
            let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            Ok((side(*a, *b), side(*c, *d)))
        }
        (b"VP8L", [0x2f, a, b, c, d, ..]) => {
            let bits = u32::from_le_bytes([*a, *b, *c, *d]);
            Ok(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => Err(Stop::Malformed(chunk.at, "a picture without its header".to_owned())),
    }
}

/// The chunks within an animation frame, behind its 16 bytes of header; gives how many pictures they hold.
fn frame(source: &mut Source<'_>, frame: &Chunk, canvas: Option<Size>, log: &mut Log) -> Result<u64, Stop> {
    if frame.end - source.position() < 16 {
        return Err(Stop::Malformed(frame.at, "an animation frame without its header".to_owned()));
    }
    let [x0, x1, x2, y0, y1, y2, w0, w1, w2, h0, h1, h2, ..] = source.bytes::<16>()?;
    let (left, top) = (three([x0, x1, x2]) * 2, three([y0, y1, y2]) * 2);
    let size = (three([w0, w1, w2]) + 1, three([h0, h1, h2]) + 1);
    if canvas.is_some_and(|(width, height)| left + size.0 > width || top + size.1 > height) {
        log.malformed(frame.at, "a frame that reaches beyond the canvas");
    }
    let mut images = 0;
    while source.position() < frame.end {
        let chunk = Chunk::read(source, frame.end)?;
        if matches!(&chunk.name, b"VP8 " | b"VP8L") {
            images += 1;
            if picture(source, &chunk)? != size {
                log.malformed(chunk.at, "a frame of another size than its header says");
            }
        }
        source.seek((chunk.end + (chunk.end & 1)).min(frame.end))?;
    }
    if images != 1 {
        return Err(Stop::Malformed(frame.at, format!("an animation frame with {images} pictures")));
    }
    Ok(images)
}

/// A chunk whose header has been read.
struct Chunk {
    name: [u8; 4],
    at: u64,
    /// Where its content ends, before the padding byte.
    end: u64,
}

impl Chunk {
    /// Reads a header; the content must end by `limit`.
    fn read(source: &mut Source<'_>, limit: u64) -> Result<Self, Stop> {
        let at = source.position();
        let name = source.bytes()?;
        let size = u64::from(u32::from_le_bytes(source.bytes()?));
        let end = source.position() + size;
        if source.position() > limit || end > limit {
            return Err(Stop::Malformed(
                at,
                format!("chunk {} does not fit its container", quoted_bytes(&name)),
            ));
        }
        Ok(Self { name, at, end })
    }

    /// Steps over the byte that pads a chunk of odd size. Some writers forget it at the very end.
    fn pad(&self, source: &mut Source<'_>, limit: u64, log: &mut Log) -> Result<(), Stop> {
        if self.end & 1 == 0 || self.end == limit {
            return Ok(());
        }
        if source.byte()? != 0 {
            log.malformed(self.end, "a padding byte that is not 0");
        }
        Ok(())
    }
}
