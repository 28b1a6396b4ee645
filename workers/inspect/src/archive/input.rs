//! A file read by position, through one small window.

use std::io::{self, Read, Seek, SeekFrom};

/// What an archive is read from.
pub trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Why a walk could not go on.
#[derive(Debug)]
pub(crate) enum Stop {
    Io(io::Error),
    /// The file ends before what stands at this byte does.
    Truncated(u64),
    /// What stands at this byte cannot be read any further.
    Malformed(u64, String),
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

const WINDOW: usize = 32 * 1024;

pub(crate) struct Input<'a> {
    file: &'a mut dyn ReadSeek,
    size: u64,
    window: Vec<u8>,
    start: u64,
}

impl<'a> Input<'a> {
    pub(crate) fn new(file: &'a mut dyn ReadSeek, size: u64) -> Self {
        Self { file, size, window: Vec::new(), start: 0 }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Fills `into` with what stands at `at`.
    pub(crate) fn read(&mut self, at: u64, into: &mut [u8]) -> Result<(), Stop> {
        let end = at.checked_add(into.len() as u64).filter(|end| *end <= self.size);
        let Some(end) = end else { return Err(Stop::Truncated(at)) };
        if into.len() > WINDOW {
            self.file.seek(SeekFrom::Start(at))?;
            return Ok(self.file.read_exact(into)?);
        }
        if at < self.start || end > self.start + self.window.len() as u64 {
            let length = usize::try_from(self.size - at).unwrap_or(WINDOW).min(WINDOW);
            self.window.resize(length, 0);
            self.start = at;
            let filled =
                self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut self.window));
            if let Err(error) = filled {
                self.window.clear();
                return Err(error.into());
            }
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        into.copy_from_slice(&self.window[from..from + into.len()]);
        Ok(())
    }

    pub(crate) fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        self.read(at, &mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn bytes(&mut self, at: u64, length: usize) -> Result<Vec<u8>, Stop> {
        if at.checked_add(length as u64).is_none_or(|end| end > self.size) {
            return Err(Stop::Truncated(at));
        }
        let mut bytes = vec![0; length];
        self.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Up to `limit` bytes from `at`, fewer at the end of the file.
    pub(crate) fn some(&mut self, at: u64, limit: usize) -> Result<Vec<u8>, Stop> {
        let left = usize::try_from(self.size.saturating_sub(at)).unwrap_or(usize::MAX);
        self.bytes(at.min(self.size), limit.min(left))
    }

    /// Whether `magic` stands at `at`.
    pub(crate) fn is_at(&mut self, at: u64, magic: &[u8]) -> Result<bool, Stop> {
        Ok(self.some(at, magic.len())? == magic)
    }

    /// Where the first byte of `from .. to` stands that is not 0.
    pub(crate) fn first_set(&mut self, from: u64, to: u64) -> Result<Option<u64>, Stop> {
        let mut at = from;
        while at < to {
            let length = usize::try_from(to - at).unwrap_or(WINDOW).min(WINDOW);
            let piece = self.bytes(at, length)?;
            if let Some(set) = piece.iter().position(|byte| *byte != 0) {
                return Ok(Some(at + set as u64));
            }
            at += length as u64;
        }
        Ok(None)
    }

    /// Where `magic` first stands in `from .. to`.
    pub(crate) fn find(&mut self, magic: &[u8], from: u64, to: u64) -> Result<Option<u64>, Stop> {
        let mut at = from;
        while at < to {
            let length = usize::try_from(to - at).unwrap_or(WINDOW).min(WINDOW);
            let piece = self.bytes(at, length)?;
            if let Some(hit) = memchr::memmem::find(&piece, magic) {
                return Ok(Some(at + hit as u64));
            }
            if at + length as u64 >= to {
                break;
            }
            // A hit may lie across two pieces.
            at += (length - (magic.len() - 1).min(length - 1)) as u64;
        }
        Ok(None)
    }
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
