//! Hashing of files, off the async runtime.

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

/// SHA-256 (lower-case hex) and length of all of the file, read by position from its beginning.
pub async fn digest(file: &File) -> io::Result<(String, u64)> {
    let file = file.try_clone()?;
    tokio::task::spawn_blocking(move || sha256_of(&file)).await.map_err(io::Error::other)?
}

/// As [`digest`], on this thread.
pub fn sha256_of(file: &File) -> io::Result<(String, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
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
