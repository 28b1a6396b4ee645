//! What is erased in time, of live streams: those that were closed, and episodes that a person has ruled on. What nobody has
//! ruled on stays for as long as it takes, and its stream with it.

use super::{Result, streams::Episode, wall::EpisodeId};
use crate::upload::StreamId;
use async_trait::async_trait;
use jiff::Timestamp;

#[async_trait]
pub trait Retention: Send + Sync + 'static {
    /// Closes open streams that nobody can send to by their own key since `before`, and on which nothing was judged since.
    /// Each with its audit line; gives how many.
    async fn close_forgotten_streams(&self, before: Timestamp, at: Timestamp, limit: u32) -> Result<u32>;
    /// Episodes that were ruled on before `before`, longest ago first.
    async fn ruled_episodes(&self, before: Timestamp, limit: u32) -> Result<Vec<Episode>>;
    /// From now on nobody takes back what was said of it, and its record names no frames: they may be removed. False where it
    /// was not ruled on before `before`, or is not there; true as often as it is asked.
    async fn condemn_episode(&self, of: EpisodeId, before: Timestamp) -> Result<bool>;
    /// Row and audit line in one commit; false where it was not ruled on before `before`, or is not there. Its frames are to be
    /// removed first: after this nothing finds them.
    async fn erase_episode(&self, of: EpisodeId, before: Timestamp, at: Timestamp) -> Result<bool>;
    /// Streams that were closed before `before` and have no episode any more, longest ago first.
    async fn ended_streams(&self, before: Timestamp, limit: u32) -> Result<Vec<StreamId>>;
    /// Row, what people ruled on it, and audit line in one commit; false where it is none of those, or not there.
    async fn erase_stream(&self, id: StreamId, before: Timestamp, at: Timestamp) -> Result<bool>;
}
