//! What a part of a compressed stream is decompressed by.

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use lazaret_inspect::archive::Format;
use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// A file behind a reader that knows how far it is.
pub(super) struct Counted<'a> {
    inner: BufReader<&'a File>,
    pub(super) at: u64,
}

impl<'a> Counted<'a> {
    pub(super) fn new(mut file: &'a File) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { inner: BufReader::with_capacity(64 << 10, file), at: 0 })
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let have = self.fill_buf()?;
        let length = have.len().min(into.len());
        into[..length].copy_from_slice(&have[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.inner.consume(n);
        self.at += n as u64;
    }
}

/// What a part of a stream is decompressed by.
pub(super) enum Decoder<'a> {
    Gzip(Box<GzDecoder<Counted<'a>>>),
    Bzip2(BzDecoder<Counted<'a>>),
    Xz(Box<XzReader<Counted<'a>>>),
    Zstd(Box<StreamingDecoder<Counted<'a>, FrameDecoder>>),
}

/// Memory that a stream may ask for: what the tools ask for at their highest setting, and more. KiB for xz, bytes for
/// zstd, whose own readers stop at 128 MiB too.
const XZ_MEMORY: u32 = 256 << 10;
const ZSTD_WINDOW: u64 = 128 << 20;

impl<'a> Decoder<'a> {
    pub(super) fn new(format: Format, input: Counted<'a>) -> io::Result<Self> {
        Ok(match format {
            Format::Bzip2 => Self::Bzip2(BzDecoder::new(input)),
            Format::Xz => Self::Xz(Box::new(XzReader::new_mem_limit(input, false, XZ_MEMORY))),
            Format::Zstd => {
                let decoder = StreamingDecoder::new_with_max_window_size(input, ZSTD_WINDOW);
                Self::Zstd(Box::new(decoder.map_err(io::Error::other)?))
            }
            _ => Self::Gzip(Box::new(GzDecoder::new(input))),
        })
    }

    /// What begins a part.
    pub(super) fn magic(format: Format) -> &'static [u8] {
        match format {
            Format::Bzip2 => b"BZh",
            Format::Xz => b"\xfd7zXZ\0",
            Format::Zstd => b"\x28\xb5\x2f\xfd",
            _ => b"\x1f\x8b",
        }
    }

    /// Bytes in the header that belong to no content: an extra field and a comment (RFC 1952, 2.3.1).
    pub(super) fn beside(&self) -> u64 {
        let Self::Gzip(decoder) = self else { return 0 };
        let Some(header) = decoder.header() else { return 0 };
        let length = |bytes: Option<&[u8]>| bytes.map_or(0, |bytes| bytes.len() as u64);
        length(header.extra()) + length(header.comment())
    }

    pub(super) fn into_inner(self) -> Counted<'a> {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Bzip2(decoder) => decoder.into_inner(),
            Self::Xz(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.into_inner(),
        }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(into),
            Self::Bzip2(decoder) => decoder.read(into),
            Self::Xz(decoder) => decoder.read(into),
            Self::Zstd(decoder) => decoder.read(into),
        }
    }
}

/// Passes over frames that hold nothing of the content (RFC 8878, 3.1.2), and gives how many bytes they do hold.
pub(super) fn skip_frames(input: &mut Counted<'_>) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let have = input.fill_buf()?;
        let Some(&[magic, b'*', b'M', 0x18, a, b, c, d]) = have.first_chunk::<8>() else {
            return Ok(skipped);
        };
        if magic & 0xf0 != 0x50 {
            return Ok(skipped);
        }
        let length = 8 + u64::from(u32::from_le_bytes([a, b, c, d]));
        if io::copy(&mut input.by_ref().take(length), &mut io::sink())? < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        skipped += length - 8;
    }
}
