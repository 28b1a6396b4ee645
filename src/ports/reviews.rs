//! What people decide: the flagged queue, who looks at what, and their rulings.

use super::{
    Result,
    accounts::{Deed, Queues, Tenants},
    store::{AuditLine, NumberedVerdict, Stale},
};
use crate::upload::{State, TenantId, UploadId, rendition::Rendition, ruling::Kind};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{fmt, str::FromStr};

/// Where an item of the queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waits for somebody to decide.
    Open,
    /// Decided, and not yet carried out: it can be undone.
    Waiting,
    Closed,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Open, Self::Waiting, Self::Closed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Closed => "closed",
        }
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == s)
            .ok_or_else(|| format!("no such status: {s:?}"))
    }
}

/// An upload in the hands of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub upload: UploadId,
    pub tenant: TenantId,
    /// As it was sent: hostile until cleaned.
    pub filename: Option<String>,
    pub status: Status,
    /// 0 to 100.
    pub severity: u32,
    /// Codes; the first is what it is filed under.
    pub reasons: Vec<String>,
    pub media_type: String,
    /// As `model.label`, what it is taken for: the likeliest first.
    pub labels: Vec<String>,
    pub queued_at: Timestamp,
    /// For seniors.
    pub escalated: bool,
    /// Out of all lists, and not to be erased.
    pub sealed: bool,
    /// Counts every change, from 1.
    pub version: u64,
    /// Grows with every claim.
    pub fence: u64,
    /// Who looks at it, until when. One whose time is over still counts, until somebody else takes it.
    pub holder: Option<String>,
    pub held_until: Option<Timestamp>,
    /// Who may not decide it: somebody else is to look.
    pub not_by: Vec<String>,
    /// Who gave it on to others since it was opened last.
    pub skipped_by: Vec<String>,
    /// Users' reports that wait for an answer.
    pub reports: u64,
    /// An appeal waits for one.
    pub appealed: bool,
    /// Appeals so far, answered ones too.
    pub appeals: u64,
}

impl Item {
    pub fn is_kept_from(&self, who: &str) -> bool {
        self.not_by.iter().any(|kept| kept == who)
    }

    /// Where the queue goes on after it.
    pub fn place(&self) -> Place {
        Place { severity: self.severity, queued_at: self.queued_at, upload: self.upload }
    }

    pub fn was_skipped_by(&self, who: &str) -> bool {
        self.skipped_by.iter().any(|skipped| skipped == who)
    }

    /// What it is filed under.
    pub fn filed_under(&self) -> &str {
        self.reasons.first().map_or("review", String::as_str)
    }
}

/// A place in the queue, whether or not what stood there is still there. Written with full stops between: severity,
/// milliseconds since 1970, id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub severity: u32,
    pub queued_at: Timestamp,
    pub upload: UploadId,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.severity, self.queued_at.as_millisecond(), self.upload)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        let place = || {
            let mut parts = s.splitn(3, '.');
            let severity = parts.next()?.parse().ok()?;
            let queued_at = Timestamp::from_millisecond(parts.next()?.parse().ok()?).ok()?;
            Some(Self { severity, queued_at, upload: parts.next()?.parse().ok()? })
        };
        place().ok_or_else(|| format!("no such place in the queue: {s:?}"))
    }
}

/// What users wait for an answer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voiced {
    Reported,
    Appealed,
}

impl FromStr for Voiced {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        match s {
            "reported" => Ok(Self::Reported),
            "appealed" => Ok(Self::Appealed),
            other => Err(format!("users say no such thing: {other:?}")),
        }
    }
}

/// What somebody may see of the queue, and wants to.
#[derive(Debug, Clone)]
pub struct View {
    pub tenants: Tenants,
    pub queues: Queues,
    /// Items that were escalated too.
    pub escalated: bool,
    pub tenant: Option<TenantId>,
    /// Among its reasons.
    pub reason: Option<String>,
    /// `image/png`, or `image/` for the family.
    pub media_type: Option<String>,
    /// As `model.label`, what it is taken for.
    pub label: Option<String>,
    /// Only what users reported, or appealed against.
    pub voiced: Option<Voiced>,
    /// Queued before.
    pub before: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub open: u64,
    /// Of these, looked at just now.
    pub held: u64,
    pub oldest: Option<Timestamp>,
    /// By reason, the most frequent first. What has several is counted with each.
    pub reasons: Vec<(String, u64)>,
}

/// Where a ruling stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// To be carried out when its time has come; until then it can be undone.
    Waiting,
    /// Waits for a second person to say the same.
    Second,
    Done,
    Undone,
    /// It could not be carried out; the item is open again.
    Failed,
}

impl Standing {
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Second, Self::Done, Self::Undone, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Second => "second",
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for Standing {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.as_str() == s)
            .ok_or_else(|| format!("no such standing: {s:?}"))
    }
}

/// A person's numbered decision on an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    pub upload: UploadId,
    /// From 1; 0 of one that has none yet.
    pub number: u32,
    pub kind: Kind,
    /// A code.
    pub reason: String,
    pub note: String,
    /// The gaps in coverage that it overrides, by code.
    pub overrides: Vec<String>,
    /// `verdict 1` or `ruling 2`.
    pub over: String,
    /// A person's id.
    pub by: String,
    pub at: Timestamp,
    pub standing: Standing,
    /// When it is carried out; of a claimed one, when somebody else may try.
    pub due_at: Option<Timestamp>,
    /// Grows with every attempt to carry it out.
    pub fence: u64,
    /// What came of it, where that is not plain.
    pub outcome: Option<String>,
    /// Of what was decided together.
    pub batch: Option<String>,
}

/// What becomes of the item with a ruling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Becomes {
    pub status: Status,
    pub escalated: bool,
    pub sealed: bool,
    pub not_by: Vec<String>,
    /// The lease is given back.
    pub released: bool,
}

/// An item is given on to others.
#[derive(Debug, Clone, Copy)]
pub struct Skip<'a> {
    pub reason: &'a str,
    /// Nobody is left who has not skipped it: it goes round once more, to this person after all else.
    pub anew: bool,
    pub deed: Deed<'a>,
}

/// How a ruling was carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum CarriedOut {
    /// The copies are durable in the published zone.
    Published(Vec<Rendition>),
    Quarantined,
    /// The upload stays as it is: a report was dismissed, an appeal rejected, or the ruling decides nothing.
    Stays,
    /// Not at all; the item is open again.
    Failed(String),
}

/// Newest first; of what is left out, all.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Any of these.
    pub actors: Option<Vec<String>>,
    /// Any of these.
    pub subjects: Option<Vec<String>>,
    pub action: Option<String>,
    /// Only what is about uploads of these tenants that are filed under these queues, about their streams where the queue
    /// `stream` is among them, and, where all queues are, about their keys and policies.
    pub sight: Option<(Tenants, Queues)>,
    /// Only lines below this sequence.
    pub before: Option<u64>,
    pub limit: u32,
}

/// What a decision on an item rests on.
#[derive(Debug, Clone)]
pub struct Brief {
    pub item: Item,
    pub state: State,
    /// The latest.
    pub verdict: NumberedVerdict,
    /// By number.
    pub rulings: Vec<Ruling>,
}

#[async_trait]
pub trait Reviews: Send + Sync + 'static {
    /// Open items by severity, then age; those that come behind a place.
    async fn queue(&self, view: &View, after: Option<&Place>, limit: u32) -> Result<Vec<Item>>;
    async fn counts(&self, view: &View, now: Timestamp) -> Result<Counts>;
    /// The labels that there are, most frequent first, and of how many items.
    async fn labels(&self, view: &View) -> Result<Vec<(String, u64)>>;
    /// What the view's tenants and queues see of what is sealed, in no list beside this one, and waits for somebody: open
    /// items, and what is published still, since it could not be taken down. The longest in the queue first.
    async fn sealed(&self, view: &View, limit: u32) -> Result<Vec<Item>>;
    async fn item(&self, id: UploadId) -> Result<Option<Item>>;
    /// Of those that came to review, in no order.
    async fn briefs(&self, ids: &[UploadId]) -> Result<Vec<Brief>>;
    /// Makes a closed item of a settled upload that has none.
    async fn adopt(&self, id: UploadId) -> Result<()>;
    /// Hands out the next open item that nobody holds, that `who` has not skipped, and that is not kept from them.
    async fn next(&self, view: &View, who: &str, now: Timestamp, until: Timestamp) -> Result<Option<Item>>;
    /// Open items that `who` has skipped, that nobody else holds, and that are not kept from them; what was skipped the
    /// longest ago comes first.
    async fn skipped(&self, view: &View, who: &str, now: Timestamp, limit: u32) -> Result<Vec<Item>>;
    /// Hands out this very item, if it is open and nobody else holds it.
    async fn take(&self, id: UploadId, who: &str, now: Timestamp, until: Timestamp) -> Result<Option<Item>>;
    async fn keep(
        &self,
        id: UploadId,
        who: &str,
        fence: u64,
        until: Timestamp,
    ) -> Result<std::result::Result<(), Stale>>;
    /// Gives the item back; skipped, for others to look at, and on record.
    async fn put_back(
        &self,
        id: UploadId,
        who: &str,
        fence: u64,
        skipped: Option<Skip<'_>>,
    ) -> Result<std::result::Result<(), Stale>>;

    /// Stores a ruling, moves the item on and says so in the audit log, in one commit; returns the ruling's number.
    /// Refused where the item is not as `item` says any more.
    async fn rule(
        &self,
        item: &Item,
        ruling: &Ruling,
        becomes: &Becomes,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<u32, Stale>>;
    /// Takes a ruling back that was not carried out yet; the item is `who`'s again until `until`, or nobody's. One that waits
    /// for a second person is never carried out, and can be taken back where it was made after `since` and nobody else holds
    /// the item or has decided it.
    async fn undo(
        &self,
        id: UploadId,
        number: u32,
        who: &str,
        since: Timestamp,
        until: Option<Timestamp>,
        deed: Deed<'_>,
    ) -> Result<bool>;
    /// Of one upload, in order.
    async fn rulings(&self, id: UploadId) -> Result<Vec<Ruling>>;
    /// The newest of this person's that can be undone still, and all that were made together with it. `since` as in
    /// [`Self::undo`].
    async fn undoable(&self, who: &str, now: Timestamp, since: Timestamp) -> Result<Vec<Ruling>>;
    /// This person's of one batch that were not carried out yet.
    async fn batch(&self, who: &str, batch: &str) -> Result<Vec<Ruling>>;
    /// Takes a ruling that is due to be carried out, for until `until`.
    async fn due_ruling(&self, now: Timestamp, until: Timestamp) -> Result<Option<Ruling>>;
    /// As [`Self::due_ruling`], of those alone for which no file is examined: all but approvals of what is not published.
    async fn due_unexamined(&self, now: Timestamp, until: Timestamp) -> Result<Option<Ruling>>;
    /// Puts a claimed one off.
    async fn put_off(&self, ruling: &Ruling, until: Timestamp) -> Result<()>;
    /// State, renditions, outbox entry and audit line in one commit. Returns keys to remove from the published zone.
    async fn carried_out(
        &self,
        ruling: &Ruling,
        done: &CarriedOut,
        deed: Deed<'_>,
    ) -> Result<std::result::Result<Vec<String>, Stale>>;

    /// A line in the audit log for what changes nothing: a view, an export.
    async fn record(&self, deed: Deed<'_>, subject: &str, detail: serde_json::Value) -> Result<()>;
    /// The newest first.
    async fn audit_find(&self, filter: &AuditFilter) -> Result<Vec<AuditLine>> {
        let lines = self.audit_hashed(filter).await?;
        Ok(lines.into_iter().map(|(line, _)| line).collect())
    }
    /// As [`Self::audit_find`], each with its hash.
    async fn audit_hashed(&self, filter: &AuditFilter) -> Result<Vec<(AuditLine, [u8; 32])>>;
}
