//! Whether what is packed in a stream of 7z ends where the stream does. Who unpacks members reads no further than they go,
//! so that the coder that reads the stream is run once more, to its end, and nothing of it is kept.

use super::methods::Expand;
use bzip2::bufread::BzDecoder;
use flate2::bufread::DeflateDecoder;
use lazaret_inspect::archive::seven::Stream;
use lzma_rust2::{Lzma2Reader, LzmaReader};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// How many bytes of the stream stand behind the end of what is packed in it. Places are counted from `from`.
pub(super) fn behind(mut file: &File, from: u64, stream: &Stream) -> io::Result<u64> {
    file.seek(SeekFrom::Start(from.saturating_add(stream.begin)))?;
    let mut packed = BufReader::with_capacity(64 << 10, file).take(stream.length);
    let unpacked = stream.unpacked;
    let mut content: Box<dyn Expand + '_> = match (stream.method.as_slice(), stream.properties.as_slice()) {
        ([3, 1, 1], &[properties, a, b, c, d, ..]) => {
            let dictionary = u32::from_le_bytes([a, b, c, d]);
            let mut reader = LzmaReader::new_with_props(&mut packed, unpacked, properties, dictionary, None)?;
            // To its end, with or without a mark there.
            reader.set_relaxed_end_condition(false);
            Box::new(reader)
        }
        ([0x21], &[bits, ..]) => {
            let dictionary = u32::from(2 | bits & 1).checked_shl(u32::from(bits / 2) + 11);
            Box::new(Lzma2Reader::new(&mut packed, dictionary.unwrap_or(u32::MAX), None))
        }
        ([4, 1, 8], _) => Box::new(DeflateDecoder::new(&mut packed)),
        ([4, 2, 2], _) => Box::new(BzDecoder::new(&mut packed)),
        // Stored, or by filters alone, which give as many bytes as they take.
        _ => return stream.length.checked_sub(unpacked).ok_or_else(too_short),
    };
    if io::copy(&mut content.by_ref().take(unpacked.saturating_add(1)), &mut io::sink())? != unpacked {
        return Err(io::Error::other("it becomes more or less than it says"));
    }
    let unused = content.unused();
    Ok(unused + packed.limit())
}

fn too_short() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
