//! The record of live streams: who may send to them, how they stand, which process watches them, and what was seen on
//! them that a person should look at.

use super::{
    Result,
    accounts::{Deed, Tenants},
    store::Stale,
};
use crate::upload::{Because, Standing, StreamId, TenantId};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A stream to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStream {
    pub id: StreamId,
    pub tenant: TenantId,
    /// The opener's own id for it.
    pub external_id: Option<String>,
    pub key: StreamKey,
    /// JSON: rules of its own.
    pub tuning: String,
    /// Frames come through the broker, too.
    pub queued: bool,
    /// From where its frames are fetched.
    pub source: Option<Source>,
    /// Who did it, for the audit log.
    pub actor: String,
    pub at: Timestamp,
}

/// Of a stream's key the SHA-256 of its secret, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamKey {
    pub hash: [u8; 32],
    pub expires_at: Timestamp,
}

/// What became of the frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    pub judged: u64,
    /// Replaced by a newer one before their turn came.
    pub skipped: u64,
    /// Could not be judged: no picture, too large, or an engine's trouble.
    pub failed: u64,
    /// Came after a newer one.
    pub late: u64,
    /// Never came, by the gaps in their numbers.
    pub lost: u64,
}

/// The numbers of the newest frames that came, of sources that are the same wherever the stream is watched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Last {
    /// Of those that are posted one by one.
    pub posted: Option<u64>,
    /// Of those from the broker.
    pub fed: Option<u64>,
}

/// A stream as its row has it. Whether it is watched at this moment only [`Stream::seen_at`] tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    pub id: StreamId,
    pub tenant: TenantId,
    pub external_id: Option<String>,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub key: StreamKey,
    pub tuning: String,
    pub queued: bool,
    pub standing: Standing,
    pub because: Because,
    /// Since it stands so.
    pub since: Timestamp,
    /// Until when what was judged last holds.
    pub watched_until: Option<Timestamp>,
    pub counts: Counts,
    pub last: Last,
    /// The number of its last episode; 0 before the first.
    pub episode: u32,
    /// Grows with every claim.
    pub fence: u64,
    /// The process that watches it, and until when unless it renews.
    pub holder: Option<String>,
    pub held_until: Option<Timestamp>,
    pub source: Option<Source>,
    /// How it goes with the source.
    pub pull: Option<Pull>,
}

/// The URL that a stream is fetched from. It may hold what gives the right to, so it never shows whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Source(String);

impl Source {
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Source {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source(…)")
    }
}

/// How it goes with the source of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pull {
    pub state: PullState,
    /// What went wrong last: a stable code, and what it was.
    pub trouble: Option<PullTrouble>,
    /// Attempts in a row that brought no frame.
    pub failures: u32,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PullState {
    Connecting,
    /// Its frames come.
    Reading,
    /// It is tried again in a while.
    Waiting,
    /// The source is over, and with it the stream.
    Ended,
    /// It brought nothing for too long; the stream was closed.
    GaveUp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PullTrouble {
    pub code: String,
    pub detail: String,
}

impl Stream {
    /// How it stands at this moment: what nobody watches any more does not pass, whatever the row says.
    pub fn seen_at(&self, now: Timestamp) -> (Standing, Because) {
        let watched = self.watched_until.is_some_and(|until| now <= until);
        match self.standing {
            Standing::Pass if !watched => (Standing::Warn, Because::Unwatched),
            standing => (standing, self.because),
        }
    }

    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}

/// The right to decide on a stream until it is left, closed or `until` passes. Whatever is written carries the fence.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    pub stream: Stream,
    pub fence: u64,
    pub until: Timestamp,
}

/// What is renewed again and again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sign {
    pub until: Timestamp,
    pub watched_until: Option<Timestamp>,
    pub counts: Counts,
    pub last: Last,
}

/// A stream stands otherwise than before, or its episode does.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub standing: Standing,
    pub because: Because,
    /// Tell of it. Without, only what else stands here is written.
    pub told: bool,
    /// What the event says beside, as JSON members.
    pub scores: BTreeMap<String, f32>,
    pub sequence: Option<u64>,
    pub sign: Sign,
    /// As it is now.
    pub episode: Option<Episode>,
    pub at: Timestamp,
}

/// Why a change was not written, nor anything of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwritten {
    /// Somebody else decides now, or nobody any more.
    Stale,
    /// A person has ruled on its episode meanwhile: what was seen since is one of its own.
    Ruled,
}

/// A time in which a stream did not pass for what was seen on it: one item of the review queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    pub stream: StreamId,
    pub tenant: TenantId,
    /// From 1, within the stream.
    pub number: u32,
    pub state: EpisodeState,
    pub began_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub worst: Standing,
    pub because: Because,
    /// The highest of each label that counts.
    pub scores: BTreeMap<String, f32>,
    pub evidence: Vec<Evidence>,
    /// What a person said of it.
    pub ruling: Option<EpisodeRuling>,
    /// Grows with every claim.
    pub fence: u64,
    /// Who looks at it, until when. One whose time is over still counts, until somebody else takes it.
    pub holder: Option<String>,
    pub held_until: Option<Timestamp>,
}

/// What a person says of an episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeRuling {
    /// `confirmed`, `mistaken` or `unclear`.
    pub said: String,
    pub note: String,
    /// A person's id.
    pub by: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EpisodeState {
    /// It goes on.
    Open,
    /// Over, and nobody has looked.
    InReview,
    /// A person has.
    Ruled,
}

impl EpisodeState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::InReview => "in_review",
            Self::Ruled => "ruled",
        }
    }

    pub fn stored(word: &str) -> Option<Self> {
        [Self::Open, Self::InReview, Self::Ruled].into_iter().find(|state| state.as_str() == word)
    }
}

/// A frame that was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// In the held zone, from which nothing is ever delivered.
    pub key: String,
    pub media_type: String,
    pub sequence: u64,
    pub came_at: Timestamp,
    pub captured_at: Option<Timestamp>,
    pub scores: BTreeMap<String, f32>,
}

#[async_trait]
pub trait Streams: Send + Sync + 'static {
    /// Row and audit line in one commit; false where the tenant has `most` open streams.
    async fn open_stream(&self, new: &NewStream, most: u32) -> Result<bool>;
    async fn stream(&self, id: StreamId) -> Result<Option<Stream>>;
    /// A new key in the place of the old one, which is no good from now on. False where no such stream is open.
    async fn rotate_stream_key(
        &self,
        tenant: &TenantId,
        id: StreamId,
        key: &StreamKey,
        actor: &str,
        at: Timestamp,
    ) -> Result<bool>;
    /// Ends it, with its episode; whoever watches it is [`Stale`] from now on. False where no such stream is open.
    async fn close_stream(&self, tenant: &TenantId, id: StreamId, actor: &str, at: Timestamp)
    -> Result<bool>;
    /// Takes the watch, raising the fence. `None` where the stream is not open, or somebody else watches it. Whose watch
    /// it is already goes on with a new fence.
    async fn watch_stream(
        &self,
        id: StreamId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Watch>>;
    /// Still here. A watch that ran out but that nobody took since is still good.
    async fn sign_stream(
        &self,
        id: StreamId,
        fence: u64,
        sign: &Sign,
    ) -> Result<std::result::Result<(), Stale>>;
    /// How it goes with the source, by who watches or was the last to.
    async fn pulled_stream(
        &self,
        id: StreamId,
        fence: u64,
        pull: &Pull,
    ) -> Result<std::result::Result<(), Stale>>;
    /// The same source, sealed under another key; false where it is not this any more.
    async fn reseal_source(&self, id: StreamId, from: &Source, to: &Source) -> Result<bool>;
    /// Lets the next one watch at once.
    async fn leave_stream(&self, id: StreamId, fence: u64, sign: &Sign) -> Result<()>;
    /// Row, episode, outbox entry and audit line in one commit. An episode that was in review and goes on is in nobody's
    /// hands any more, and has the next fence: who looked at it has not seen all of it.
    async fn change_stream(
        &self,
        watch: &Watch,
        change: &Change,
    ) -> Result<std::result::Result<(), Unwritten>>;
    /// Open streams that nobody watches and somebody should: they pass, wait for frames from the broker or from their
    /// source, or have an episode that goes on, which nobody can rule on before it is ended.
    async fn deserted_streams(&self, now: Timestamp, limit: u32) -> Result<Vec<StreamId>>;
    /// The latest of a tenant's episodes first, only those below `before` where it is given.
    async fn episodes(
        &self,
        tenant: &TenantId,
        state: Option<EpisodeState>,
        before: Option<(StreamId, u32)>,
        limit: u32,
    ) -> Result<Vec<Episode>>;
    async fn episode(&self, stream: StreamId, number: u32) -> Result<Option<Episode>>;
    /// Those of these tenants that nobody has looked at: cut ones first, then by age.
    async fn episodes_in_review(&self, tenants: &Tenants, limit: u32) -> Result<Vec<Episode>>;
    /// Ruling and audit line in one commit; false where it is not in review any more, or not in the hands of who rules
    /// under the fence that `episode` has.
    async fn rule_episode(&self, episode: &Episode, ruling: &EpisodeRuling, deed: Deed<'_>) -> Result<bool>;
}
