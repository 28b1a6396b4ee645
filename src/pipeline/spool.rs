//! Hashing of files, off the async runtime.

use rustix::io::{ReadWriteFlags, preadv2};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;

const CHUNK: usize = 128 << 10;
/// Hashed in some 30 µs.
const SMALL: u64 = 64 << 10;

/// SHA-256 (lower-case hex) and length of all of the file, read by position from its beginning.
pub async fn digest(file: &File) -> io::Result<(String, u64)> {
    if let Some(done) = at_hand(file)? {
        return Ok(done);
    }
    let file = file.try_clone()?;
    tokio::task::spawn_blocking(move || sha256_of(&file)).await.map_err(io::Error::other)?
}

/// Small files are mostly still in memory; taking one to another thread would cost more than its hash. `None` where it
/// would have to be waited for, or is not small.
fn at_hand(file: &File) -> io::Result<Option<(String, u64)>> {
    let length = file.metadata()?.len();
    if length > SMALL {
        return Ok(None);
    }
    // One byte more, so that a file that grew is seen.
    let mut bytes = vec![0; length as usize + 1];
    match preadv2(file, &mut [io::IoSliceMut::new(&mut bytes)], 0, ReadWriteFlags::NOWAIT) {
        Ok(read) if read as u64 == length => Ok(Some((crate::hex(&Sha256::digest(&bytes[..read])), length))),
        // Not all of it is in memory, or the file system cannot say.
        _ => Ok(None),
    }
}

/// As [`digest`], on this thread.
pub fn sha256_of(file: &File) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    // Most files are small, and most of what a small one would cost is an empty buffer.
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(CHUNK);
    let mut buffer = vec![0; length.clamp(1, CHUNK)];
    let mut offset = 0;
    loop {
        let read = match file.read_at(&mut buffer, offset) {
            Ok(0) => return Ok((crate::hex(&hasher.finalize()), offset)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        offset += read as u64;
    }
}

/// Writes on, and hashes what it writes.
pub(super) struct Hashing<W> {
    inner: W,
    hasher: Sha256,
    written: u64,
}

impl<W> Hashing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), written: 0 }
    }

    /// SHA-256 (lower-case hex) and length of what was written.
    pub(super) fn finish(self) -> (String, u64) {
        (crate::hex(&self.hasher.finalize()), self.written)
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Hashing<W> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = std::task::ready!(Pin::new(&mut this.inner).poll_write(cx, buffer))?;
        this.hasher.update(&buffer[..written]);
        this.written += written as u64;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
