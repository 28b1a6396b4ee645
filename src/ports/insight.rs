//! What happened over many days, and what an item has for neighbours: for people who look at the whole.

use super::{
    Result,
    accounts::{Queues, Tenants},
};
use crate::upload::{Decision, Likeness, State, TenantId, UploadId};
use async_trait::async_trait;
use jiff::Timestamp;

/// What is counted, by day and tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The machine's verdicts, by decision.
    Verdict,
    /// Checks that did not see all of an upload, as `image partial`.
    Check,
    /// What people decided of what the machine had, by its first reason.
    Ruled,
    /// Of these, what they decided otherwise.
    Overturned,
    /// As [`Self::Ruled`], by each model that had looked.
    ModelRuled,
    ModelOverturned,
    /// Rulings that were carried out, by person.
    PersonRuled,
    /// Of these, what somebody ruled otherwise on later.
    PersonOverturned,
    /// Rulings by how long the item had waited: names of [`WAITED`].
    Waited,
}

impl What {
    pub const ALL: [Self; 9] = [
        Self::Verdict,
        Self::Check,
        Self::Ruled,
        Self::Overturned,
        Self::ModelRuled,
        Self::ModelOverturned,
        Self::PersonRuled,
        Self::PersonOverturned,
        Self::Waited,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Check => "check",
            Self::Ruled => "ruled",
            Self::Overturned => "overturned",
            Self::ModelRuled => "model_ruled",
            Self::ModelOverturned => "model_overturned",
            Self::PersonRuled => "person_ruled",
            Self::PersonOverturned => "person_overturned",
            Self::Waited => "waited",
        }
    }
}

impl std::str::FromStr for What {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|what| what.as_str() == s)
            .ok_or_else(|| format!("nothing is counted as {s:?}"))
    }
}

/// How long an item waited for its ruling: names, and seconds that it waited less than.
pub const WAITED: [(&str, i64); 7] = [
    ("1m", 60),
    ("5m", 300),
    ("15m", 900),
    ("1h", 3_600),
    ("4h", 14_400),
    ("1d", 86_400),
    ("more", i64::MAX),
];

/// Of several tenants together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub what: What,
    /// Since 1970, in UTC.
    pub day: i64,
    pub name: String,
    pub n: u64,
}

/// The day of a time, as it is counted by.
pub fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

/// Another upload, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    pub upload: UploadId,
    pub tenant: TenantId,
    pub filename: Option<String>,
    pub state: State,
    pub accepted_at: Timestamp,
    /// The latest.
    pub verdict: Option<Decision>,
}

/// Whose neighbours somebody may see.
#[derive(Debug, Clone)]
pub struct Sight {
    pub tenants: Tenants,
    pub queues: Queues,
    /// Sealed ones too.
    pub sealed: bool,
}

#[async_trait]
pub trait Insight: Send + Sync + 'static {
    /// From this day on, of these tenants together; by what, day and name.
    async fn tallies(&self, tenants: &Tenants, what: &[What], from: i64) -> Result<Vec<Tally>>;
    /// As [`Self::tallies`], of all days together, which count as `from`.
    async fn sums(&self, tenants: &Tenants, what: &[What], from: i64) -> Result<Vec<Tally>>;
    /// Open items that were queued after each of these times, and all of them last.
    async fn queued_since(&self, tenants: &Tenants, times: &[Timestamp]) -> Result<Vec<u64>>;
    /// What uploads wait for that an engine's trouble holds up, and how many; most first.
    async fn hindered(&self, limit: u32) -> Result<Vec<(String, u64)>>;
    /// Other uploads of the very same bytes, newest first.
    async fn same_bytes(
        &self,
        sight: &Sight,
        sha256: &str,
        but: UploadId,
        limit: u32,
    ) -> Result<Vec<Neighbour>>;
    /// Items of the queue, present and past, whose pictures look like this one and are of other bytes than those of this
    /// SHA-256: nearest first, then newest. They differ in up to [`ALIKE`](crate::upload::likeness::ALIKE) bits, and share
    /// one of the [bands](Likeness::telling) that tell this one from others.
    async fn alike(&self, sight: &Sight, likeness: Likeness, but: &str, limit: u32)
    -> Result<Vec<Neighbour>>;
    /// The tenant's uploads before this one, newest first; with `uploader`, those of this user of its alone.
    async fn earlier(
        &self,
        sight: &Sight,
        tenant: &TenantId,
        uploader: Option<&str>,
        before: UploadId,
        limit: u32,
    ) -> Result<Vec<Neighbour>>;
}
