//! Bytes at rest, in two zones. Delivery opens nothing but [`Zone::Published`].

use super::{Kind, PortError, Result};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::{fs::File, io, ops::Range, os::fd::AsRawFd, time::Duration};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zone {
    /// Quarantine: uploads as they came.
    Held,
    /// What the public may be given.
    Published,
}

/// A key is made of parts like `a-z 0-9 . _ -` joined by `/`, none of which begins with a dot, 255 bytes at most;
/// adapters refuse others. Keys that begin with an upload's id are listed fast.
pub type Key = str;

#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// A new nameless file on this store's own disk, for bytes on their way in or out: written and read by this
    /// process alone, gone when it is dropped.
    async fn spool(&self) -> Result<File>;

    /// Makes all the bytes of `spool` durable under `key`, whole or not at all. Replaces what was there. The spool, its
    /// offset too, is unchanged and can be read on, or be put under another key; it must not be written to any more,
    /// for it may have become the object itself. `spool` may be any regular file, such as one that `open` gave.
    async fn put(&self, zone: Zone, key: &Key, spool: &File) -> Result<()>;

    /// A file on this machine with the object's bytes, at offset 0. Of a remote store this is a spool into which the
    /// bytes were fetched once. `None` where there is no such object.
    async fn open(&self, zone: Zone, key: &Key) -> Result<Option<File>>;

    /// The bytes of `range` of an object, in whatever way costs least here. A remote store sends these bytes and no
    /// others; none are sent where the range is empty. An error where the object ends before the range does. `None`
    /// where there is no such object.
    async fn read(&self, zone: Zone, key: &Key, range: Range<u64>) -> Result<Option<Reading>> {
        let file = self.open(zone, key).await?;
        if let Some(file) = &file {
            let size = file.metadata()?.len();
            if range.end > size {
                return Err(short(key, &range, size));
            }
        }
        Ok(file.map(Reading::File))
    }

    /// A URL that gives the published object to whoever has it, for `expires` and 60 s at most, with these headers. It
    /// stays good for so long whatever happens to the upload. `None` where the store has no such URLs.
    async fn presign_get(
        &self,
        _key: &Key,
        _expires: Duration,
        _answer: &AnswerHeaders,
    ) -> Result<Option<String>> {
        Ok(None)
    }

    /// Removes the object; not an error where there is none.
    async fn remove(&self, zone: Zone, key: &Key) -> Result<()>;

    /// Up to `limit` keys that sort after `after`, in order: for the sweeper.
    async fn list(&self, zone: Zone, after: &str, limit: usize) -> Result<Vec<String>>;

    /// Bytes that can still be written, where the store can tell.
    async fn free_bytes(&self) -> Result<Option<u64>>;
}

/// An object that is being read.
pub enum Reading {
    /// All of it, on this machine.
    File(File),
    /// The bytes that were asked for, as they come from afar.
    Stream {
        /// Bytes of the whole object.
        size: u64,
        bytes: BoxStream<'static, Result<Bytes>>,
    },
}

/// What a store is to say of an object that it hands out by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerHeaders {
    pub content_type: String,
    pub content_disposition: String,
}

/// What [`Blobs::read`] answers where an object ends before the range.
pub fn short(key: &Key, range: &Range<u64>, size: u64) -> PortError {
    PortError::new(Kind::Fail, format!("{key}: byte {} was asked for, of {size}", range.end))
}

/// The same file through a descriptor of its own: at offset 0, and only to read. This is what another process (clamd, a
/// decoder) is given of a spool: with the spool's own descriptor it could change bytes after they were checked.
pub fn reader(file: &File) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
