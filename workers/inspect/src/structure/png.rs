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
    /// Width and height.
    size: (u32, u32),
    /// Frames that `acTL` announces.
    announced: Option<u32>,
    frames: u32,
    /// Data of a frame, though nothing announced any.
    stray: bool,
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
    match (&name, length) {
        (b"IHDR", 13) => seen.size = two(&source.peek(8)?),
        // Behind the image data it announces nothing (11.3.1).
        (b"acTL", 8) if !seen.data => {
            let frames = source.peek(4)?;
            seen.announced = frames.try_into().ok().map(u32::from_be_bytes);
        }
        (b"acTL", 8) => log.malformed(at, "an animation announced behind the image data"),
        (b"fcTL", 26) => {
            let control = source.peek(20)?;
            let ((width, height), (left, top)) = (two(&control[4..12]), two(&control[12..20]));
            let beyond = |from: u32, long: u32, all: u32| from.checked_add(long).is_none_or(|end| end > all);
            if beyond(left, width, seen.size.0) || beyond(top, height, seen.size.1) {
                log.malformed(at, "a frame that reaches beyond the picture");
            }
        }
        _ => {}
    }
    let mut sum = crc32fast::Hasher::new();
    sum.update(&name);
    source.pass(u64::from(length), |bytes| sum.update(bytes))?;
    if u32::from_be_bytes(source.bytes()?) != sum.finalize() {
        log.malformed(at, format!("the checksum of chunk {} is wrong", quoted_bytes(&name)));
    }
    Ok(())
}

/// Two numbers of 32 bits, big endian.
fn two(bytes: &[u8]) -> (u32, u32) {
    let number =
        |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
    (number(0), number(4))
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
            b"fcTL" => {
                self.frames = self.frames.saturating_add(1);
                self.stray |= self.announced.is_none();
            }
            b"fdAT" => self.stray |= self.announced.is_none(),
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
        if self.stray {
            log.malformed(at, "frames that nothing announced");
        }
        Ok(())
    }
}
