//! A rendition on its way out of a child.

use super::serve::RenditionSink;
use super::{CHUNK, Channel};
use crate::protocol::FromChild;
use std::io::{self, Write};

/// Sends a rendition, small writes gathered into chunks.
pub(super) struct Pieces<'a> {
    channel: &'a mut Channel,
    sequence: u64,
    chunk: Vec<u8>,
    told: u16,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(channel: &'a mut Channel, sequence: u64) -> Self {
        Self { channel, sequence, chunk: Vec::with_capacity(CHUNK), told: 0 }
    }
}

impl RenditionSink for Pieces<'_> {
    fn progress(&mut self, thousandths: u16) -> io::Result<()> {
        let thousandths = thousandths.min(1000);
        if thousandths > self.told {
            self.told = thousandths;
            self.channel.send(self.sequence, &FromChild::Progress(thousandths), &[])?;
        }
        Ok(())
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
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
