//! Bytes on their way in: hashed and written to a nameless file as they come, one buffer on its way to the disk while
//! the next one fills. Memory is two buffers an upload, whatever its size.

use super::digest::{Hashes, Sums};
use crate::ports::{Kind, PortError};
use std::{fs::File, io::Write};
use tokio::task::JoinHandle;

const BUFFER: usize = 512 * 1024;

pub struct Spool {
    size: u64,
    buffer: Vec<u8>,
    state: State,
}

enum State {
    Idle(Box<Sink>),
    Writing(JoinHandle<Written>),
    /// A write failed, or its task was lost.
    Broken,
}

struct Sink {
    file: File,
    sums: Sums,
}

type Written = (std::io::Result<Box<Sink>>, Vec<u8>);

/// All bytes of an upload, and what they add up to.
pub struct Spooled {
    pub file: File,
    pub size: u64,
    pub hashes: Hashes,
}

impl Spool {
    pub fn new(file: File, sums: Sums) -> Self {
        Self { size: 0, buffer: Vec::new(), state: State::Idle(Box::new(Sink { file, sums })) }
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), PortError> {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == BUFFER {
                self.flush().await?;
            }
        }
        Ok(())
    }

    pub async fn finish(mut self) -> Result<Spooled, PortError> {
        self.flush().await?;
        let (sink, _) = self.settle().await?;
        Ok(Spooled { file: sink.file, size: self.size, hashes: sink.sums.finish() })
    }

    /// Sends the buffer on its way, once the one before has arrived.
    async fn flush(&mut self) -> Result<(), PortError> {
        let (mut sink, spare) = self.settle().await?;
        let buffer = std::mem::replace(&mut self.buffer, spare);
        self.state = State::Writing(tokio::task::spawn_blocking(move || {
            sink.sums.update(&buffer);
            (sink.file.write_all(&buffer).map(|()| sink), buffer)
        }));
        Ok(())
    }

    /// Waits for the write in progress; gives the sink and an empty buffer.
    async fn settle(&mut self) -> Result<(Box<Sink>, Vec<u8>), PortError> {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Idle(sink) => Ok((sink, Vec::new())),
            State::Writing(task) => {
                let (sink, mut buffer) = task.await.map_err(lost)?;
                buffer.clear();
                Ok((sink?, buffer))
            }
            State::Broken => Err(PortError::new(Kind::Fail, "a write to the spool failed before")),
        }
    }
}

fn lost(error: tokio::task::JoinError) -> PortError {
    PortError::new(Kind::Fail, "the task that writes the spool was lost").because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::digest::Expected;
    use sha2::{Digest, Sha256};
    use std::io::{Read, Seek};

    #[tokio::test]
    async fn what_comes_in_any_pieces_is_what_is_written_and_hashed() {
        let bytes: Vec<u8> = (0..2 * BUFFER + 12_345).map(|n| (n % 251) as u8).collect();
        for piece in [1_000, 65_536, BUFFER, bytes.len(), 777_777] {
            let mut spool = Spool::new(tempfile::tempfile().unwrap(), Expected::default().sums());
            for chunk in bytes.chunks(piece) {
                spool.write(chunk).await.unwrap();
                assert!(spool.buffer.capacity() <= 2 * BUFFER);
            }
            let Spooled { mut file, size, hashes } = spool.finish().await.unwrap();
            let mut written = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut written).unwrap();
            assert!(written == bytes && size == bytes.len() as u64);
            assert_eq!(hashes.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
        }
    }

    #[tokio::test]
    async fn a_failed_write_is_told_and_not_forgotten() {
        let mut spool =
            Spool::new(File::options().write(true).open("/dev/full").unwrap(), Expected::default().sums());
        spool.write(b"x").await.unwrap();
        assert_eq!(spool.finish().await.err().unwrap().kind, Kind::Full);
    }
}
