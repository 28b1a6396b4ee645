//! Live streams as people watch over them, and what they rule: that one is cut, or begins anew.

use super::{
    Result,
    accounts::{Deed, Tenants},
    store::Stale,
    streams::{Episode, Stream},
};
use crate::upload::{Standing, StreamId, TenantId};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{fmt, str::FromStr};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// It is cut until somebody clears it, whatever is seen on it.
    Cut,
    /// It begins anew: what was seen on it counts no more, what is seen from now on does.
    Clear,
}

impl Hand {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Clear => "clear",
        }
    }
}

impl FromStr for Hand {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        [Self::Cut, Self::Clear]
            .into_iter()
            .find(|hand| hand.as_str() == s)
            .ok_or_else(|| format!("no such ruling on a stream: {s:?}"))
    }
}

/// The reason of a ruling that takes another back.
pub const TAKEN_BACK: &str = "taken_back";

/// A person's numbered decision on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRuling {
    pub stream: StreamId,
    /// From 1; 0 of one that has none yet.
    pub number: u32,
    pub hand: Hand,
    /// A code.
    pub reason: String,
    pub note: String,
    /// A person's id.
    pub by: String,
    pub at: Timestamp,
    /// How the stream stood before; the store says so.
    pub stood: Option<Standing>,
}

impl StreamRuling {
    /// What takes it back, if anything does: of a stream that was not cut, how it stands is seen anew in any case.
    pub fn undo(&self) -> Option<Hand> {
        match (self.hand, self.stood) {
            _ if self.reason == TAKEN_BACK => None,
            (Hand::Cut, _) => Some(Hand::Clear),
            (Hand::Clear, Some(Standing::Cut)) => Some(Hand::Cut),
            (Hand::Clear, _) => None,
        }
    }
}

/// Which of the open streams somebody looks at.
#[derive(Debug, Clone)]
pub struct StreamView {
    pub tenants: Tenants,
    /// Of these, one.
    pub tenant: Option<TenantId>,
    /// What the opener's own id has in it; capital letters from A to Z are as small ones.
    pub named: Option<String>,
}

impl From<Tenants> for StreamView {
    /// All of theirs.
    fn from(tenants: Tenants) -> Self {
        Self { tenants, tenant: None, named: None }
    }
}

/// Where a stream stands among those that are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamPlace {
    pub standing: Standing,
    pub stream: StreamId,
}

impl StreamPlace {
    pub fn of(stream: &Stream, now: Timestamp) -> Self {
        Self { standing: stream.seen_at(now).0, stream: stream.id }
    }
}

impl fmt::Display for StreamPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.standing.as_str(), self.stream)
    }
}

impl FromStr for StreamPlace {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        let place = || {
            let (standing, stream) = s.split_once('.')?;
            Some(Self { standing: standing.parse().ok()?, stream: stream.parse().ok()? })
        };
        place().ok_or_else(|| format!("no such place on the wall: {s:?}"))
    }
}

/// A stream on the wall.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenStream {
    pub stream: Stream,
    /// The number of the last ruling on it, as of the same moment; 0 where there is none.
    pub ruled: u32,
}

/// One episode: its stream and number.
pub type EpisodeId = (StreamId, u32);

#[async_trait]
pub trait Wall: Send + Sync + 'static {
    /// Streams that are open, by how they stand at this moment: the worst first, and of those that stand alike the latest;
    /// only those behind `after` where it is given.
    async fn open_streams(
        &self,
        view: &StreamView,
        after: Option<StreamPlace>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OpenStream>>;
    /// The stream stands so from now on, and whoever watches it is [`Stale`]: row, ruling, outbox entry and audit line in
    /// one commit; returns the ruling's number. Refused where it is closed, or stands so by hand already; and with
    /// `after` where another ruling than that was the last (0: where there was any).
    async fn rule_stream(
        &self,
        ruling: &StreamRuling,
        after: Option<u32>,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<u32, Stale>>;
    /// The newest ruling of this person since then that is its stream's last, on a stream that is open.
    async fn last_hand(&self, who: &str, since: Timestamp) -> Result<Option<StreamRuling>>;
    /// The latest first.
    async fn stream_rulings(&self, id: StreamId, limit: u32) -> Result<Vec<StreamRuling>>;

    /// Hands out this very episode, if it is in review and nobody else holds it.
    async fn take_episode(
        &self,
        of: EpisodeId,
        who: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Episode>>;
    async fn keep_episode(
        &self,
        of: EpisodeId,
        who: &str,
        fence: u64,
        until: Timestamp,
    ) -> Result<std::result::Result<(), Stale>>;
    /// Gives it back, if it is this person's still.
    async fn leave_episode(&self, of: EpisodeId, who: &str, fence: u64) -> Result<()>;
    /// What this person said of it since then, under this fence, is taken back: it is in review again, and theirs, with the
    /// next fence. Row and audit line in one commit; false where there is no such word.
    async fn undo_episode(
        &self,
        of: EpisodeId,
        fence: u64,
        who: &str,
        since: Timestamp,
        until: Timestamp,
        deed: Deed<'_>,
    ) -> Result<bool>;
    /// The episode that this person ruled on last, since then.
    async fn last_ruled_episode(&self, who: &str, since: Timestamp) -> Result<Option<Episode>>;
}
