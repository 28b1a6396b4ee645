//! Live streams as people watch over them, and what they rule: that one is cut, or begins anew.

use super::{
    Result,
    accounts::{Deed, Tenants},
    store::Stale,
    streams::Stream,
};
use crate::upload::StreamId;
use async_trait::async_trait;
use jiff::Timestamp;

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

impl std::str::FromStr for Hand {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        [Self::Cut, Self::Clear]
            .into_iter()
            .find(|hand| hand.as_str() == s)
            .ok_or_else(|| format!("no such ruling on a stream: {s:?}"))
    }
}

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
}

#[async_trait]
pub trait Wall: Send + Sync + 'static {
    /// Streams that are open, the latest first.
    async fn open_streams(&self, tenants: &Tenants, limit: u32) -> Result<Vec<Stream>>;
    /// The stream stands so from now on, and whoever watches it is [`Stale`]: row, ruling, outbox entry and audit line in
    /// one commit; returns the ruling's number. Refused where it is closed, or stands so by hand already.
    async fn rule_stream(
        &self,
        ruling: &StreamRuling,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<u32, Stale>>;
    /// The latest first.
    async fn stream_rulings(&self, id: StreamId, limit: u32) -> Result<Vec<StreamRuling>>;
}
