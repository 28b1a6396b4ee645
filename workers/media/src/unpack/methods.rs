//! What members of ZIP archives are compressed by (APPNOTE 4.4.5).

use bzip2::bufread::BzDecoder;
use flate2::bufread::DeflateDecoder;
use lzma_rust2::{Lzma2Reader, LzmaReader, XzReader};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::io::{self, BufRead, Read, Take};

/// Memory that a member may ask for, in bytes: as [`super::stream`] has it.
const WINDOW: u32 = 128 << 20;

/// A member's bytes, expanded. Where they end the stream ends, and what is packed behind it belongs to nothing.
pub(super) trait Expand: Read {
    /// Packed bytes that were read and not needed.
    fn unused(self: Box<Self>) -> u64 {
        0
    }
}

impl<R: BufRead> Expand for &mut Take<R> {}
impl<R: BufRead> Expand for DeflateDecoder<R> {}
impl<R: BufRead> Expand for BzDecoder<R> {}
impl<R: BufRead> Expand for StreamingDecoder<R, FrameDecoder> {}
impl<R: BufRead> Expand for XzReader<R> {}
impl<R: BufRead> Expand for Lzma2Reader<R> {}

/// The one that reads ahead.
impl<R: BufRead> Expand for LzmaReader<R> {
    fn unused(self: Box<Self>) -> u64 {
        self.into_parts().1.len() as u64
    }
}

/// What expands `packed` to `size` bytes, or `None` where nothing here does.
pub(super) fn expand<'a, R: BufRead>(
    method: u16,
    size: u64,
    packed: &'a mut Take<R>,
) -> io::Result<Option<Box<dyn Expand + 'a>>> {
    Ok(Some(match method {
        0 => Box::new(packed),
        8 => Box::new(DeflateDecoder::new(packed)),
        12 => Box::new(BzDecoder::new(packed)),
        14 => Box::new(lzma(size, packed)?),
        93 => {
            let decoder = StreamingDecoder::new_with_max_window_size(packed, WINDOW.into());
            Box::new(decoder.map_err(io::Error::other)?)
        }
        95 => Box::new(XzReader::new_mem_limit(packed, false, (2 * WINDOW) >> 10)),
        _ => return Ok(None),
    }))
}

/// APPNOTE 5.8.8: a version, the length of the properties, the properties, the stream.
fn lzma<R: BufRead>(size: u64, mut packed: R) -> io::Result<LzmaReader<R>> {
    let mut head = [0; 9];
    packed.read_exact(&mut head)?;
    let [_, _, 5, 0, properties, a, b, c, d] = head else {
        return Err(io::Error::other("no lzma properties that are known"));
    };
    let dictionary = u32::from_le_bytes([a, b, c, d]);
    if dictionary > WINDOW {
        return Err(io::Error::other("it asks for too much memory"));
    }
    let mut reader = LzmaReader::new_with_props(packed, size, properties, dictionary, None)?;
    // To its end, with or without a mark there.
    reader.set_relaxed_end_condition(false);
    Ok(reader)
}
