//! Members on their way out of a child.

use super::{CHUNK, Channel};
use crate::members::{MemberHead, MemberTail, MembersRequest};
use crate::protocol::FromChild;
use lazaret_report::Why;
use std::io::{self, Write};

/// Takes the members of an archive: for each one [`MemberSink::begin`], its bytes, [`MemberSink::end`]. An error means
/// that the service is gone.
pub trait MemberSink: Write {
    fn begin(&mut self, name: &str) -> io::Result<()>;
    /// `gap` says why not all of it was written, where that is so.
    fn end(&mut self, gap: Option<Why>) -> io::Result<()>;
}

/// Sends members, small writes gathered into chunks.
pub(super) struct Outgoing<'a> {
    channel: &'a mut Channel,
    sequence: u64,
    chunk: Vec<u8>,
    bytes: u64,
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(channel: &'a mut Channel, sequence: u64) -> Self {
        Self { channel, sequence, chunk: Vec::new(), bytes: 0 }
    }
}

impl MemberSink for Outgoing<'_> {
    fn begin(&mut self, name: &str) -> io::Result<()> {
        self.bytes = 0;
        let name = cut(name).to_owned();
        self.channel.send(self.sequence, &FromChild::Member(MemberHead { name }), &[])
    }

    fn end(&mut self, gap: Option<Why>) -> io::Result<()> {
        self.flush()?;
        let tail = MemberTail { bytes: self.bytes, gap };
        self.channel.send(self.sequence, &FromChild::MemberEnd(tail), &[])
    }
}

impl Write for Outgoing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        self.bytes += taken as u64;
        if self.chunk.len() == CHUNK {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.chunk.is_empty() {
            self.channel.send(self.sequence, &FromChild::Chunk, &self.chunk)?;
            self.chunk.clear();
        }
        Ok(())
    }
}

fn cut(name: &str) -> &str {
    let mut end = name.len().min(MembersRequest::MAX_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = format!("a{}", "\u{e9}".repeat(MembersRequest::MAX_NAME));
        assert!(cut(&long).len() < MembersRequest::MAX_NAME && long.starts_with(cut(&long)));
    }
}
