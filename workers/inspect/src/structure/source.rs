//! A file read forward through one buffer, with every read bounded by its size.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// What a walk reads from.
pub(crate) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Why a walk could not go on.
#[derive(Debug)]
pub(super) enum Stop {
    Io(io::Error),
    /// The file ends at this byte, and its container does not.
    Truncated(u64),
    /// What stands at this byte cannot be read any further.
    Malformed(u64, String),
    /// A limit of ours, or a lock of the file's, ends the walk before its container does: a coverage code and why.
    Partial(&'static str, String),
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

const BUFFER: usize = 64 * 1024;

/// How far a match may be read on past the end of its window, in bytes.
pub(super) const OVERLAP: usize = 8 * 1024;
const WINDOW: usize = 256 * 1024;

pub(super) struct Source<'a> {
    reader: BufReader<&'a mut dyn ReadSeek>,
    position: u64,
    size: u64,
}

impl<'a> Source<'a> {
    /// Reads `input` from its beginning.
    pub(super) fn new(input: &'a mut dyn ReadSeek, size: u64) -> Result<Self, Stop> {
        input.seek(SeekFrom::Start(0))?;
        Ok(Self { reader: BufReader::with_capacity(BUFFER, input), position: 0, size })
    }

    /// The offset of the next byte.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn remaining(&self) -> u64 {
        self.size.saturating_sub(self.position)
    }

    /// What is buffered of the rest: at least one byte, or [`Stop::Truncated`].
    pub(super) fn fill(&mut self) -> Result<&[u8], Stop> {
        let remaining = self.size.saturating_sub(self.position);
        let buffer = self.reader.fill_buf()?;
        let length = buffer.len().min(usize::try_from(remaining).unwrap_or(usize::MAX));
        if length == 0 { Err(Stop::Truncated(self.position)) } else { Ok(&buffer[..length]) }
    }

    /// Steps over `n` bytes of what [`Source::fill`] gave.
    pub(super) fn consume(&mut self, n: usize) {
        self.reader.consume(n);
        self.position += n as u64;
    }

    pub(super) fn byte(&mut self) -> Result<u8, Stop> {
        let byte = self.fill()?[0];
        self.consume(1);
        Ok(byte)
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// Fills `into` wholly.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<(), Stop> {
        let mut filled = 0;
        while filled < into.len() {
            let have = self.fill()?;
            let n = have.len().min(into.len() - filled);
            into[filled..filled + n].copy_from_slice(&have[..n]);
            self.consume(n);
            filled += n;
        }
        Ok(())
    }

    /// Up to `limit` bytes from here, fewer at the end of the file; does not move.
    pub(super) fn peek(&mut self, limit: usize) -> Result<Vec<u8>, Stop> {
        let here = self.position;
        let length = usize::try_from(self.remaining()).unwrap_or(usize::MAX).min(limit);
        let mut bytes = vec![0; length];
        self.read(&mut bytes)?;
        self.seek(here)?;
        Ok(bytes)
    }

    /// Steps over `n` bytes, all of which must be there.
    pub(super) fn skip(&mut self, n: u64) -> Result<(), Stop> {
        if n > self.remaining() {
            return Err(Stop::Truncated(self.size));
        }
        self.seek(self.position + n)
    }

    /// Goes to `offset`, which lies within the file or is its end.
    pub(super) fn seek(&mut self, offset: u64) -> Result<(), Stop> {
        if offset > self.size {
            return Err(Stop::Truncated(self.size));
        }
        match i64::try_from(i128::from(offset) - i128::from(self.position)) {
            Ok(distance) => self.reader.seek_relative(distance)?,
            Err(_) => {
                self.reader.seek(SeekFrom::Start(offset))?;
            }
        }
        self.position = offset;
        Ok(())
    }

    /// All of the rest, which must be no longer than `limit`.
    pub(super) fn rest(&mut self, limit: u64) -> Result<Vec<u8>, Stop> {
        let remaining = self.remaining();
        if remaining > limit {
            let why = format!("{remaining} bytes, of which {limit} can be looked at");
            return Err(Stop::Partial("limit.bytes", why));
        }
        let mut bytes = vec![0; usize::try_from(remaining).unwrap_or_default()];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// Calls `each` with every buffer of the next `n` bytes, all of which must be there.
    pub(super) fn pass(&mut self, n: u64, mut each: impl FnMut(&[u8])) -> Result<(), Stop> {
        let mut left = n;
        while left > 0 {
            let have = self.fill()?;
            let length = have.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            each(&have[..length]);
            self.consume(length);
            left -= length as u64;
        }
        Ok(())
    }

    /// Shows the rest of the file through windows that overlap by [`OVERLAP`] bytes: `each` gets a window, the offset
    /// of its first byte, and how many of its bytes are its own. A match belongs to the window whose own byte it begins
    /// at, and can then be read on for `OVERLAP` bytes, or to the end of the file.
    pub(super) fn windows(&mut self, mut each: impl FnMut(&[u8], u64, usize)) -> Result<(), Stop> {
        let mut window = vec![0; WINDOW];
        let mut held = 0;
        while self.remaining() > 0 || held > 0 {
            let offset = self.position - held as u64;
            let more = (WINDOW - held).min(usize::try_from(self.remaining()).unwrap_or(usize::MAX));
            self.read(&mut window[held..held + more])?;
            let length = held + more;
            let own = if self.remaining() == 0 { length } else { length - OVERLAP };
            each(&window[..length], offset, own);
            window.copy_within(own..length, 0);
            held = length - own;
        }
        Ok(())
    }

    pub(super) fn malformed(&self, why: impl Into<String>) -> Stop {
        Stop::Malformed(self.position, why.into())
    }
}
