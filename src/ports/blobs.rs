//! Bytes at rest, in two zones. Delivery opens nothing but [`Zone::Published`].

use super::Result;
use async_trait::async_trait;
use std::fs::File;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zone {
    /// Quarantine: uploads as they came.
    Held,
    /// What the public may be given.
    Published,
}

/// A key is made of parts like `a-z 0-9 . _ -` joined by `/`, none of which begins with a dot; adapters refuse others.
pub type Key = str;

#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// A new nameless file on this store's own disk, for bytes on their way in or out: written and read by this
    /// process alone, gone when it is dropped.
    async fn spool(&self) -> Result<File>;

    /// Makes all the bytes of `spool` durable under `key`, whole or not at all. Replaces what was there. The spool is
    /// unchanged and can be read on.
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
