//! What looking does to people: who looked at what, and for how long.

use super::{Result, accounts::Deed};
use crate::upload::{StreamId, UploadId};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

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

impl FromStr for Level {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        Self::ALL.into_iter().find(|level| level.as_str() == s).ok_or_else(|| format!("no such level: {s:?}"))
    }
}

/// What is looked at. Stored as an id, or as a stream's with a slash and the episode's number behind it, or `live`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Upload(UploadId),
    Episode(StreamId, u32),
    /// On the wall.
    Stream(StreamId),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload(id) => write!(f, "{id}"),
            Self::Episode(stream, number) => write!(f, "{stream}/{number}"),
            Self::Stream(stream) => write!(f, "{stream}/live"),
        }
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        let bad = || format!("nothing to look at: {s:?}");
        match s.split_once('/') {
            Some((stream, "live")) => stream.parse().map(Self::Stream).map_err(|_| bad()),
            Some((stream, number)) => {
                Ok(Self::Episode(stream.parse().map_err(|_| bad())?, number.parse().map_err(|_| bad())?))
            }
            None => s.parse().map(Self::Upload).map_err(|_| bad()),
        }
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
    /// The person looks at it. A view whose person was heard of within `gap` goes on; else one begins. True where
    /// it began.
    async fn looks(
        &self,
        person: &str,
        subject: Subject,
        level: Level,
        now: Timestamp,
        gap: Duration,
    ) -> Result<bool>;
    /// The person is still there: a view that is under way goes on, and none begins.
    async fn still_looks(&self, person: &str, subject: Subject, now: Timestamp, gap: Duration) -> Result<()>;
    /// Ends the person's view of it; how long it was goes into the audit log.
    async fn looked(&self, person: &str, subject: Subject, now: Timestamp) -> Result<()>;
    /// The same of everybody who was not heard of since. Returns how many views ended.
    async fn end_views(&self, before: Timestamp, now: Timestamp) -> Result<u64>;
    async fn exposure(&self, person: &str, day: i64) -> Result<Exposure>;
    /// The same of these people, a page of them at most; of whom nothing is known there is none.
    async fn exposures(&self, people: &[&str], day: i64) -> Result<BTreeMap<String, Exposure>>;
    /// The limits do not hold for this person on this day.
    async fn lift(&self, person: &str, day: i64, deed: Deed<'_>) -> Result<()>;
}
