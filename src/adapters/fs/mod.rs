//! Blobs in a folder.
//!
//! ```text
//! <root>/spool/                     nameless files, and for a moment the temporary names of new objects
//! <root>/held/0198f3a/0198f3a1-…    an object: the first seven characters of its key, then the key with `~` for `/`
//! <root>/published/0198f3a/0198f3a1-…~original
//! ```
//!
//! Keys begin with a UUIDv7, so seven characters are a quarter of an hour (2^20 ms): no folder grows without end, and
//! folders in order hold keys in order, so a list reads only the folders it returns. Files are 0600, folders 0700.
//!
//! Storing a spool gives its inode a name and copies nothing; spool and object are then the same bytes. So nobody may
//! write to a spool once it is stored, and whoever else gets its descriptor (clamd, a decoder) gets one that can only
//! read: [`crate::ports::blobs::reader`].

mod layout;
mod list;
mod place;

use super::{keys::checked, spools};
use crate::ports::{
    Blobs, Kind, PortError, Result,
    blobs::{Key, Zone},
};
use async_trait::async_trait;
use layout::Layout;
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub struct Fs {
    layout: Arc<Layout>,
}

impl Fs {
    /// Makes the folders where they are missing, and removes what an earlier process left in `spool/`. Blocks briefly:
    /// call it before serving begins.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let layout = Layout::make(root.into())?;
        layout.clear_spool()?;
        Ok(Self { layout: Arc::new(layout) })
    }

    pub fn root(&self) -> &Path {
        self.layout.root()
    }

    /// Files block: each operation is one closure on tokio's blocking threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Layout) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let layout = Arc::clone(&self.layout);
        let done = tokio::task::spawn_blocking(move || work(&layout)).await;
        Ok(done.map_err(|e| PortError::new(Kind::Fail, "a file operation did not end").because(e))??)
    }
}

#[async_trait]
impl Blobs for Fs {
    async fn spool(&self) -> Result<File> {
        self.blocking(|layout| spools::nameless(&layout.spool())).await
    }

    async fn put(&self, zone: Zone, key: &Key, spool: &File) -> Result<()> {
        let key = checked(key)?;
        let spool = spool.try_clone()?;
        self.blocking(move |layout| place::put(layout, zone, &key, &spool)).await
    }

    async fn open(&self, zone: Zone, key: &Key) -> Result<Option<File>> {
        let path = self.layout.object(zone, &checked(key)?);
        if let Some(file) = place::open_at_once(&path) {
            return Ok(Some(file));
        }
        self.blocking(move |_| place::open(&path)).await
    }

    async fn remove(&self, zone: Zone, key: &Key) -> Result<()> {
        let key = checked(key)?;
        self.blocking(move |layout| place::remove(layout, zone, &key)).await
    }

    async fn list(&self, zone: Zone, after: &str, limit: usize) -> Result<Vec<String>> {
        let after = after.to_owned();
        self.blocking(move |layout| list::list(&layout.zone(zone), &after, limit)).await
    }

    async fn free_bytes(&self) -> Result<Option<u64>> {
        self.blocking(|layout| spools::free_bytes(layout.root())).await.map(Some)
    }
}
