//! Numbers and boxes of a box that is in memory.

use super::Flaw;
use crate::quote::quoted_bytes;

#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    /// Where in the file the first of them lies.
    at: u64,
}

/// A box within one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub kind: [u8; 4],
    pub content: Fields<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], at: u64) -> Self {
        Self { bytes, at }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All of the rest.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Beginning and end of the rest in the file.
    pub(super) fn range(&self) -> (u64, u64) {
        (self.at, self.at + self.bytes.len() as u64)
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            return Err(Flaw::malformed(format!("a box that ends too early, at byte {}", self.range().1)));
        };
        self.bytes = rest;
        self.at += count as u64;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Flaw> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Flaw> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Flaw> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn kind(&mut self) -> Result<[u8; 4], Flaw> {
        self.array()
    }

    /// 32 bits where it is `wide`, else 16.
    pub(super) fn id(&mut self, wide: bool) -> Result<u32, Flaw> {
        if wide { self.u32() } else { self.u16().map(u32::from) }
    }

    /// As many bytes as it says, up to eight.
    pub(super) fn number(&mut self, bytes: u8) -> Result<u64, Flaw> {
        Ok(self.take(usize::from(bytes))?.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    /// Version and flags, which a full box begins with.
    pub(super) fn version(&mut self) -> Result<(u8, u32), Flaw> {
        let [version, a, b, c] = self.array()?;
        Ok((version, u32::from_be_bytes([0, a, b, c])))
    }

    /// The next box; `None` at the end.
    pub(super) fn part(&mut self) -> Result<Option<Part<'a>>, Flaw> {
        if self.is_empty() {
            return Ok(None);
        }
        let (short, kind) = (self.u32()?, self.kind()?);
        let (head, length) = match short {
            1 => (16, self.number(8)?),
            _ => (8, u64::from(short)),
        };
        let inner = length.checked_sub(head).and_then(|inner| usize::try_from(inner).ok());
        let Some(inner) = inner else {
            return Err(Flaw::malformed(format!("box {} shorter than its head", quoted_bytes(&kind))));
        };
        let at = self.at;
        Ok(Some(Part { kind, content: Fields::new(self.take(inner)?, at) }))
    }
}
