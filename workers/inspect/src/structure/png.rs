//! PNG and APNG, after the W3C's Portable Network Graphics (Third Edition), sections 5 and 11: chunk by chunk, each
//! with its checksum, from the signature to IEND.

use super::log::Log;
use super::source::{Source, Stop};
use crate::quote::quoted_bytes;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// What has been seen on the way.
#[derive(Default)]
struct Seen {
    header: bool,
    data: bool,
    /// Another chunk stood behind the image data.
    after_data: bool,
    /// Frames that `acTL` announces.
    announced: Option<u32>,
    frames: u32,
}

pub(super) fn walk(source: &mut Source<'_>, log: &mut Log) -> Result<(), Stop> {
    if source.bytes::<8>()? != SIGNATURE {
        return Err(Stop::Malformed(0, "no png signature".to_owned()));
    }
    let mut seen = Seen::default();
    loop {
        let at = source.position();
        let length = u32::from_be_bytes(source.bytes()?);
        let name: [u8; 4] = source.bytes()?;
        if !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(Stop::Malformed(at, format!("chunk type {} is not of letters", quoted_bytes(&name))));
        }
        if length > 0x7fff_ffff {
            return Err(Stop::Malformed(at, "a chunk longer than the format allows".to_owned()));
        }
        seen.note(name, length, at, log)?;
        content(source, name, length, at, &mut seen, log)?;
        if &name == b"IEND" {
            return seen.judge(at, log);
        }
    }
}

/// Reads a chunk's content and holds it against its checksum.
fn content(
    source: &mut Source<'_>,
    name: [u8; 4],
    length: u32,
    at: u64,
    seen: &mut Seen,
    log: &mut Log,
) -> Result<(), Stop> {
    if &name == b"acTL" && length == 8 {
        let frames = source.peek(4)?;
        seen.announced = frames.try_into().ok().map(u32::from_be_bytes);
    }
    let mut sum = crc32fast::Hasher::new();
    sum.update(&name);
    source.pass(u64::from(length), |bytes| sum.update(bytes))?;
    if u32::from_be_bytes(source.bytes()?) != sum.finalize() {
        log.malformed(at, format!("the checksum of chunk {} is wrong", quoted_bytes(&name)));
    }
    Ok(())
}

impl Seen {
    /// Holds one more chunk against the order in which they may stand.
    fn note(&mut self, name: [u8; 4], length: u32, at: u64, log: &mut Log) -> Result<(), Stop> {
        match &name {
            b"IHDR" if length != 13 => {
                return Err(Stop::Malformed(at, "a header of the wrong length".to_owned()));
            }
            b"IHDR" if self.header => log.malformed(at, "a second header"),
            b"IHDR" => self.header = true,
            _ if !self.header => return Err(Stop::Malformed(at, "no header at the beginning".to_owned())),
            b"IDAT" if self.after_data => log.malformed(at, "image data in more than one place"),
            b"IDAT" => self.data = true,
            b"fcTL" => self.frames = self.frames.saturating_add(1),
            b"PLTE" => {}
            b"IEND" if length != 0 => log.malformed(at, "an end chunk with content"),
            b"IEND" => {}
            // Upper case in the first place says: a decoder that does not know this chunk must not show the picture.
            [b'A'..=b'Z', ..] => log.malformed(at, format!("unknown critical chunk {}", quoted_bytes(&name))),
            _ => {}
        }
        self.after_data |= self.data && &name != b"IDAT";
        Ok(())
    }

    fn judge(&self, at: u64, log: &mut Log) -> Result<(), Stop> {
        if !self.data {
            return Err(Stop::Malformed(at, "the image ends without image data".to_owned()));
        }
        if let Some(announced) = self.announced
            && announced != self.frames
        {
            log.malformed(at, format!("{announced} frames announced, {} there", self.frames));
        }
        Ok(())
    }
}
