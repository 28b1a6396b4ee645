//! A file's bytes as a response body. What the kernel has in memory is copied out at once, on the thread that asks;
//! only what has to come from the disk is read by a blocking task.

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use rustix::{
    fs::Advice,
    io::{Errno, ReadWriteFlags, preadv2},
};
use std::{
    fs::File,
    io::{self, IoSliceMut},
    ops::Range,
    os::unix::fs::FileExt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::task::JoinHandle;

/// Bytes of a larger file that are in memory at a time, for each viewer.
const CHUNK: usize = 256 * 1024;

/// All `size` bytes of a file that is no larger than a chunk.
pub async fn whole(file: File, size: u64) -> io::Result<Bytes> {
    let reader = Reader { file: Arc::new(file), next: 0, end: size };
    match reader.in_memory()? {
        Some(bytes) => Ok(bytes),
        None => reader.on_disk().await.map_err(io::Error::other)?,
    }
}

/// The bytes of `range`, which the file has. Small ones are read before this returns, so that a failure can still be
/// answered with. A file that is shared is so until the last of them is read.
pub async fn body(file: impl Into<Arc<File>>, range: Range<u64>) -> io::Result<Body> {
    let reader = Reader { file: file.into(), next: range.start, end: range.end };
    if reader.left() <= CHUNK as u64 {
        let bytes = match reader.in_memory()? {
            Some(bytes) => bytes,
            None => reader.on_disk().await.map_err(io::Error::other)??,
        };
        return Ok(Body::from(bytes));
    }
    // A hint: reading goes well without it.
    let _ = rustix::fs::fadvise(&*reader.file, range.start, None, Advice::Sequential);
    Ok(Body::new(FileBody { reader, pending: None }))
}

struct FileBody {
    reader: Reader,
    pending: Option<JoinHandle<io::Result<Bytes>>>,
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.reader.left() == 0 {
            return Poll::Ready(None);
        }
        let bytes = match &mut this.pending {
            None => match this.reader.in_memory() {
                Ok(Some(bytes)) => Ok(bytes),
                Err(error) => Err(error),
                Ok(None) => {
                    let task = this.pending.insert(this.reader.on_disk());
                    ready!(Pin::new(task).poll(context)).map_err(io::Error::other).flatten()
                }
            },
            Some(task) => ready!(Pin::new(task).poll(context)).map_err(io::Error::other).flatten(),
        };
        this.pending = None;
        Poll::Ready(Some(bytes.map(|bytes| {
            this.reader.next += bytes.len() as u64;
            Frame::data(bytes)
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.reader.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.reader.left())
    }
}

struct Reader {
    file: Arc<File>,
    next: u64,
    end: u64,
}

impl Reader {
    fn left(&self) -> u64 {
        self.end - self.next
    }

    fn chunk(&self) -> usize {
        self.left().min(CHUNK as u64) as usize
    }

    /// The next chunk, or as much of it as needs no disk; `None` where that is nothing, or cannot be told.
    fn in_memory(&self) -> io::Result<Option<Bytes>> {
        let whole = self.chunk();
        let mut buffer = Buffer::take();
        let slice = &mut buffer.bytes()[..whole];
        match preadv2(&*self.file, &mut [IoSliceMut::new(slice)], self.next, ReadWriteFlags::NOWAIT) {
            Ok(read) if read == whole || (read > 0 && self.left() > CHUNK as u64) => {
                Ok(Some(buffer.freeze(read)))
            }
            // Not all of it is there, or this file system cannot tell.
            Ok(_) | Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::INTR) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The next chunk, by a blocking task. A file that is shorter than it should be is an error.
    fn on_disk(&self) -> JoinHandle<io::Result<Bytes>> {
        let (file, offset, whole) = (self.file.clone(), self.next, self.chunk());
        tokio::task::spawn_blocking(move || {
            let mut buffer = Buffer::take();
            file.read_exact_at(&mut buffer.bytes()[..whole], offset)?;
            Ok(buffer.freeze(whole))
        })
    }
}

/// A chunk's memory, used again: large allocations go to the kernel and back, which costs more than the copying.
struct Buffer(Option<Box<[u8]>>);

static SPARE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());
const SPARES: usize = 16;

impl Buffer {
    fn take() -> Self {
        let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(Some(spare.unwrap_or_else(|| vec![0; CHUNK].into_boxed_slice())))
    }

    fn bytes(&mut self) -> &mut [u8] {
        self.0.as_deref_mut().unwrap_or_default()
    }

    /// The first `length` bytes; the memory comes back when the last copy is dropped. Small ones are copied out, so
    /// that a slow viewer of a small file does not keep a whole chunk.
    fn freeze(mut self, length: usize) -> Bytes {
        if length <= CHUNK / 8 {
            return Bytes::copy_from_slice(&self.bytes()[..length]);
        }
        Bytes::from_owner(self).slice(..length)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = self.0.take().filter(|_| spare.len() < SPARES) {
            spare.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Write;

    async fn read(file: &File, range: Range<u64>) -> io::Result<Vec<u8>> {
        let body = body(file.try_clone()?, range).await?;
        let bytes = body.collect().await.map_err(io::Error::other)?;
        Ok(bytes.to_bytes().to_vec())
    }

    #[tokio::test]
    async fn every_range_of_every_size_is_whole() {
        let bytes: Vec<u8> = (0..3 * CHUNK + 777).map(|n| (n % 253) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let (c, all) = (CHUNK as u64, bytes.len() as u64);
        for range in
            [0..0, 0..1, 0..c, 0..c + 1, 5..all, c - 1..2 * c + 1, all - 1..all, 0..all, 7..c / 8 + 8]
        {
            let expected = &bytes[range.start as usize..range.end as usize];
            assert!(read(&file, range.clone()).await.unwrap() == expected, "{range:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_too_short_is_an_error_and_not_a_short_body() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 1000]).unwrap();
        assert!(read(&file, 0..1001).await.is_err());
        assert!(read(&file, 0..2 * CHUNK as u64).await.is_err());
    }
}
