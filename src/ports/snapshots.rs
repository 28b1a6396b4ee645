//! The newest frames of live streams, for who looks at them from another process than the one that watches them: they are
//! asked for, put there for as long as they are, and go when nobody asks any more.

use super::{Result, store::Stale};
use crate::upload::StreamId;
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A frame as its watcher put it there.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// In the held zone, from which nothing is ever delivered.
    pub key: String,
    pub media_type: String,
    /// By `model.label`.
    pub scores: BTreeMap<String, f32>,
    /// When it was put there, which tells two apart.
    pub at: Timestamp,
}

/// A stream whose newest frame is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub stream: StreamId,
    pub until: Timestamp,
    /// The last there is.
    pub snapshot: Option<Snapshot>,
}

#[async_trait]
pub trait Snapshots: Send + Sync + 'static {
    /// Those of these streams that are asked for at `now`.
    async fn snapshots(&self, of: &[StreamId], now: Timestamp) -> Result<Vec<Asked>>;
    /// Whoever watches these is to put their newest frames there, until then. Of streams that are not open nothing is asked.
    async fn ask_for_snapshots(&self, of: &[StreamId], until: Timestamp) -> Result<()>;
    /// Streams that are asked for at `now`, whoever watches them.
    async fn wanted_snapshots(&self, now: Timestamp) -> Result<Vec<StreamId>>;
    /// By who watches the stream under this fence; [`Stale`] for anybody else, and where nobody asks at `snapshot.at` any more.
    /// Gives the key of the one before, if it has another: its bytes are to be removed.
    async fn put_snapshot(
        &self,
        of: StreamId,
        fence: u64,
        snapshot: &Snapshot,
    ) -> Result<std::result::Result<Option<String>, Stale>>;
    /// Those that nobody asks for at `now` any more, longest ago first. Their bytes are to be removed, and then they are to be
    /// dropped.
    async fn unwanted_snapshots(&self, now: Timestamp, limit: u32) -> Result<Vec<StreamId>>;
    /// Its bytes are gone. What somebody asks for at `now` again is asked for still, and has no frame.
    async fn drop_snapshot(&self, of: StreamId, now: Timestamp) -> Result<()>;
}
