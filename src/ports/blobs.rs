//! Bytes at rest, in two zones. Delivery opens nothing but [`Zone::Published`].

use super::Result;
use async_trait::async_trait;
use std::{fs::File, io, os::fd::AsRawFd};

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

    /// Removes the object; not an error where there is none.
    async fn remove(&self, zone: Zone, key: &Key) -> Result<()>;

    /// Up to `limit` keys that sort after `after`, in order: for the sweeper.
    async fn list(&self, zone: Zone, after: &str, limit: usize) -> Result<Vec<String>>;

    /// Bytes that can still be written, where the store can tell.
    async fn free_bytes(&self) -> Result<Option<u64>>;
}

/// The same file through a descriptor of its own: at offset 0, and only to read. This is what another process (clamd, a
/// decoder) is given of a spool: with the spool's own descriptor it could change bytes after they were checked.
pub fn reader(file: &File) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
