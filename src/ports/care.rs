//! What looking does to people: who looked at what, and for how long.

use super::{Result, accounts::Deed};
use crate::upload::UploadId;
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

/// How hard something is to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Low,
    Medium,
    High,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    pub fn of(severity: u32) -> Self {
        match severity {
            80.. => Self::High,
            50.. => Self::Medium,
            _ => Self::Low,
        }
    }
}

impl std::str::FromStr for Level {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        Self::ALL.into_iter().find(|level| level.as_str() == s).ok_or_else(|| format!("no such level: {s:?}"))
    }
}

/// What a person has looked at in a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    pub views: u64,
    pub seconds: u64,
}

/// By level, and whether an admin lets them go on today.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exposure {
    pub low: Seen,
    pub medium: Seen,
    pub high: Seen,
    pub lifted: bool,
}

impl Exposure {
    pub fn at(&self, level: Level) -> Seen {
        match level {
            Level::Low => self.low,
            Level::Medium => self.medium,
            Level::High => self.high,
        }
    }

    pub fn at_mut(&mut self, level: Level) -> &mut Seen {
        match level {
            Level::Low => &mut self.low,
            Level::Medium => &mut self.medium,
            Level::High => &mut self.high,
        }
    }
}

/// Days since 1970, in UTC: what limits count by.
pub fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

#[async_trait]
pub trait Care: Send + Sync + 'static {
    /// The person looks at the item. A view whose person was heard of within `gap` goes on; else one begins. True where
    /// it began.
    async fn looks(
        &self,
        person: &str,
        upload: UploadId,
        level: Level,
        now: Timestamp,
        gap: Duration,
    ) -> Result<bool>;
    /// The person is still there: a view that is under way goes on, and none begins.
    async fn still_looks(&self, person: &str, upload: UploadId, now: Timestamp, gap: Duration) -> Result<()>;
    /// Ends the person's view of the item; how long it was goes into the audit log.
    async fn looked(&self, person: &str, upload: UploadId, now: Timestamp) -> Result<()>;
    /// The same of everybody who was not heard of since. Returns how many views ended.
    async fn end_views(&self, before: Timestamp, now: Timestamp) -> Result<u64>;
    async fn exposure(&self, person: &str, day: i64) -> Result<Exposure>;
    /// The limits do not hold for this person on this day.
    async fn lift(&self, person: &str, day: i64, deed: Deed<'_>) -> Result<()>;
}
