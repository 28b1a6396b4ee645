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
    let mut images = 0_u64;
    let mut first = true;
    while source.position() < end {
        let chunk = Chunk::read(source, end)?;
        if first && !matches!(&chunk.name, b"VP8 " | b"VP8L" | b"VP8X") {
            return Err(Stop::Malformed(
                chunk.at,
                format!("begins with chunk {}", quoted_bytes(&chunk.name)),
            ));
        }
        first = false;
        match &chunk.name {
            b"VP8 " | b"VP8L" => {
                images += 1;
                source.seek(chunk.end)?;
            }
            b"ANMF" => images += frame(source, &chunk)?,
            _ => source.seek(chunk.end)?,
        }
        chunk.pad(source, end, log)?;
    }
    if images == 0 {
        return Err(source.malformed("the container holds no picture"));
    }
    Ok(())
}

/// The chunks within an animation frame, behind its 16 bytes of header; gives how many pictures they hold.
fn frame(source: &mut Source<'_>, frame: &Chunk) -> Result<u64, Stop> {
    if frame.end - source.position() < 16 {
        return Err(Stop::Malformed(frame.at, "an animation frame without its header".to_owned()));
    }
    source.skip(16)?;
    let mut images = 0;
    while source.position() < frame.end {
        let chunk = Chunk::read(source, frame.end)?;
        images += u64::from(matches!(&chunk.name, b"VP8 " | b"VP8L"));
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
