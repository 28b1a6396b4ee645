//! The record of everything: uploads, leases, verdicts, renditions, keys, policies, the outbox, the audit log.

use super::{Result, reports::Reports, retention::Retention, snapshots::Snapshots, streams::Streams};
use crate::upload::{
    State, TenantId, UploadId, rendition::Rendition, rendition::RenditionName, verdict::VerdictDetail,
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::{fmt, str::FromStr, time::Duration};

/// An upload to be accepted. Its bytes are durable in the held zone under its id before this is called.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUpload {
    pub id: UploadId,
    pub tenant: TenantId,
    /// As the sender said, cut to [`crate::upload::filename::KEPT_BYTES`].
    pub filename: Option<String>,
    /// Media type as the sender said.
    pub declared: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex, of the bytes as they came.
    pub sha256: String,
    pub idempotency_key: Option<String>,
    /// The sender's own id for the upload: one upload a tenant has it, for ever.
    pub external_id: Option<String>,
    /// The application's own name for whoever of its users sent it.
    pub uploader: Option<String>,
    /// Who did it, for the audit log: a key's id, never a person's name.
    pub actor: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Accepted {
    /// A new row; its `upload.received` entry stands in the outbox in the same commit.
    New,
    /// The tenant used this Idempotency-Key, or this id of its own, for the same bytes and name: this is that upload.
    Repeat(Box<Upload>),
    /// The tenant used it for something else.
    Conflict(UploadId),
}

/// An upload as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    pub id: UploadId,
    pub tenant: TenantId,
    pub state: State,
    /// Counts every change of the row, from 1.
    pub version: u64,
    pub filename: Option<String>,
    pub declared: Option<String>,
    /// As announced, while it is awaited.
    pub size: u64,
    /// Empty while it is awaited.
    pub sha256: String,
    pub external_id: Option<String>,
    pub uploader: Option<String>,
    pub accepted_at: Timestamp,
    pub settled_at: Option<Timestamp>,
    /// Scans begun that did not end for an engine's trouble.
    pub attempts: u32,
    /// Why it waits, where an engine is unavailable; of a scan that takes long, what it is busy with.
    pub waiting_for: Option<String>,
}

/// The right to scan one upload until it is settled, given back, or `until` passes. `fence` grows with every claim;
/// whatever a worker writes carries it, and is refused when a later claim was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Lease {
    pub upload: Upload,
    pub fence: u64,
    pub until: Timestamp,
    /// The version of the tenant's policy when the lease was taken.
    pub policy: u32,
}

/// A write was refused: the lease is not held any more, or the upload was settled or erased meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale;

#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    pub verdict: VerdictDetail,
    /// Already durable in the published zone; empty unless the verdict is `publish`.
    pub renditions: Vec<Rendition>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NumberedVerdict {
    /// From 1; a rescan is a new number.
    pub number: u32,
    pub detail: VerdictDetail,
    pub at: Timestamp,
}

/// Where a list goes on: uploads are listed newest first by id.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    pub state: Option<State>,
    /// Only ids below this one.
    pub before: Option<UploadId>,
    pub limit: u32,
}

/// An API key. The secret itself is nowhere: `hash` is the SHA-256 of its 32 random bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Public part, stands in the key's text and in the audit log.
    pub id: String,
    pub tenant: TenantId,
    pub hash: [u8; 32],
    /// Names of scopes, space-separated.
    pub scopes: String,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPolicy {
    pub version: u32,
    pub text: String,
    pub at: Timestamp,
}

/// What is to be told to others, committed with what it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEntry {
    /// Grows by time of commit for each upload; over all uploads there may be gaps that fill later.
    pub sequence: u64,
    /// Or the id of the stream that it is about.
    pub upload: UploadId,
    pub tenant: TenantId,
    /// `upload.received`, `upload.published`, `upload.review`, `upload.quarantined`, `upload.erased`, `appeal.upheld`,
    /// `appeal.rejected`, `stream.warned`, `stream.cut`, `stream.cleared`.
    pub kind: String,
    /// JSON.
    pub body: String,
    pub at: Timestamp,
}

/// An outbox entry that was handed on, and the webhooks that are to be called with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Handed {
    pub sequence: u64,
    /// Names of webhooks of the entry's tenant.
    pub webhooks: Vec<String>,
}

/// A webhook to be called with an outbox entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub webhook: String,
    pub entry: OutboxEntry,
    /// Calls made so far, all in vain.
    pub attempts: u32,
    /// What went wrong the last time.
    pub error: Option<String>,
}

/// One line of the append-only audit log. Each holds the hash of the one before, so that a line taken out or changed
/// shows ([`Store::audit_walk`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    pub sequence: u64,
    pub at: Timestamp,
    /// `key:…`, `worker:…`, `cli`.
    pub actor: String,
    /// `upload.accepted`, `upload.verdict`, `upload.reported`, `upload.appealed`, `upload.erased`, `key.created`, `key.revoked`, `policy.applied`,
    /// `stream.opened`, `stream.rekeyed`, `stream.closed`, and the kinds of a stream's events.
    pub action: String,
    /// An id: never a name or an address.
    pub subject: String,
    pub detail: String,
}

/// A line of the audit log by its number and its hash, which stands for all lines up to it. Written as `SEQUENCE:HASH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// 0, with zeros, before the first line.
    pub sequence: u64,
    pub hash: [u8; 32],
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, crate::hex(&self.hash))
    }
}

impl FromStr for AuditHead {
    type Err = String;

    fn from_str(s: &str) -> std::result::Result<Self, String> {
        let head = || {
            let (sequence, digits) = s.split_once(':')?;
            let plain = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let mut hash = [0; 32];
            for (byte, two) in hash.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
                *byte = u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()?;
            }
            plain.then_some(Self { sequence: sequence.parse().ok()?, hash })
        };
        head().ok_or_else(|| {
            format!("{s:?} is no line of an audit log: write SEQUENCE:HASH, with 64 hex digits")
        })
    }
}

/// What is wrong with an audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    /// The first line that does not fit the one before it, or is not there.
    Line(u64),
    /// Each line fits the one before it, and this one is another than it once was, or not there any more.
    Noted(u64),
}

#[async_trait]
pub trait Store: Streams + Snapshots + Reports + Retention {
    // intake
    /// Row, outbox entry and audit line in one commit.
    async fn accept(&self, new: &NewUpload) -> Result<Accepted>;
    /// A direct upload is announced: an awaited row, with `size` as announced and no SHA-256 yet, which is waited for
    /// until `until`. Audit line in the same commit. Idempotency-Key and the sender's id count as in `accept`, with
    /// the announced size in the place of the bytes.
    async fn expect(&self, new: &NewUpload, until: Timestamp) -> Result<Accepted>;
    /// An awaited upload's bytes are durable in the held zone: it is received, with outbox entry and audit line in one
    /// commit. `None` where nothing of the tenant's is awaited under this id.
    async fn complete(
        &self,
        tenant: &TenantId,
        id: UploadId,
        size: u64,
        sha256: &str,
        actor: &str,
        at: Timestamp,
    ) -> Result<Option<Upload>>;
    /// Awaited uploads whose time is over.
    async fn overdue(&self, now: Timestamp, limit: u32) -> Result<Vec<(TenantId, UploadId)>>;
    async fn upload(&self, tenant: &TenantId, id: UploadId) -> Result<Option<Upload>>;
    /// The upload for which the tenant has an id of its own.
    async fn by_external_id(&self, tenant: &TenantId, external_id: &str) -> Result<Option<Upload>>;
    /// The upload for which the tenant used this Idempotency-Key.
    async fn by_idempotency_key(&self, tenant: &TenantId, key: &str) -> Result<Option<Upload>>;
    async fn uploads(&self, tenant: &TenantId, page: &Page) -> Result<Vec<Upload>>;
    /// The latest verdict.
    async fn verdict(&self, id: UploadId) -> Result<Option<NumberedVerdict>>;
    /// Moves the upload to erased, from any state, and forgets its name, declared type, Idempotency-Key, the sender's id, uploader and renditions;
    /// returns the keys to remove from the published zone (its object in the held zone is named by its id). Whoever
    /// holds its lease is [`Stale`] from now on. `None` where the tenant has no such upload, or it is erased already.
    async fn erase(
        &self,
        tenant: &TenantId,
        id: UploadId,
        actor: &str,
        at: Timestamp,
    ) -> Result<Option<Vec<String>>>;

    // work
    /// Up to `limit` uploads that wait to be scanned and may be now: received ones whose delay has passed, and those
    /// whose lease ran out. Tenants take turns; of each, first what has been due for longest.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<UploadId>>;
    /// Takes the lease, raising the fence, and counts an attempt. `None` where it is not due or already settled.
    async fn claim(
        &self,
        id: UploadId,
        worker: &str,
        now: Timestamp,
        term: Duration,
    ) -> Result<Option<Lease>>;
    /// When can an upload that is not settled be claimed again? `None` where there is nothing left to claim.
    async fn due_again(&self, id: UploadId) -> Result<Option<Timestamp>>;
    /// A lease that ran out but that nobody took since is still good, here and for `release` and `settle`.
    async fn extend(&self, lease: &Lease, until: Timestamp) -> Result<std::result::Result<(), Stale>>;
    /// Says what a scan that is under way is busy with, for who looks at the upload.
    async fn note(&self, lease: &Lease, busy_with: &str) -> Result<std::result::Result<(), Stale>>;
    /// Gives the upload back, to be due at `due_at`. With `waiting_for` the trouble is an engine's, and the attempt is
    /// not counted. With `anew` no message of it is left: the same commit puts a new `upload.received` into the outbox.
    async fn release(
        &self,
        lease: &Lease,
        due_at: Timestamp,
        waiting_for: Option<&str>,
        anew: bool,
    ) -> Result<std::result::Result<(), Stale>>;
    /// State, verdict, renditions, outbox entry and audit line in one commit; refused where the fence is stale. An
    /// error, and no change, where renditions come without a publish verdict, or where a publish verdict names other
    /// bytes (SHA-256) than were accepted.
    async fn settle(&self, lease: &Lease, settlement: &Settlement) -> Result<std::result::Result<(), Stale>>;
    /// Frees every lease: for the start of a process that alone may use this store.
    async fn free_leases(&self, now: Timestamp) -> Result<u64>;
    /// Puts up to `limit` uploads back to where they wait, due at `now`, each with a new `upload.received` entry in the
    /// outbox: those whose lease ran out before `before`, and those that have been due since before `unheard`, no later
    /// than `before`, and that nobody claimed. For queues that have no message for them any more.
    async fn reap(&self, before: Timestamp, unheard: Timestamp, now: Timestamp, limit: u32) -> Result<u64>;
    /// Uploads that are not settled.
    async fn backlog(&self) -> Result<u64>;
    /// The same by tenant, without awaited ones and those whose `upload.received` was not handed on yet.
    async fn backlogs(&self) -> Result<Vec<(TenantId, u64)>>;
    /// When the oldest upload that waits for its verdict was accepted.
    async fn oldest(&self) -> Result<Option<Timestamp>>;

    // delivery
    /// The rendition of an upload that is published at this moment.
    async fn published(&self, id: UploadId, name: RenditionName) -> Result<Option<PublishedRendition>>;
    /// All renditions of the upload, while it is published.
    async fn renditions(&self, id: UploadId) -> Result<Vec<Rendition>>;
    /// Which of these published-zone keys does a published upload use? For the sweeper.
    async fn used_keys(&self, keys: &[String]) -> Result<Vec<String>>;
    /// Which of these uploads are known and not erased? For the sweeper.
    async fn known(&self, ids: &[UploadId]) -> Result<Vec<UploadId>>;

    /// The states of those of these uploads that have a row, erased ones too. For the sweeper.
    async fn states(&self, ids: &[UploadId]) -> Result<Vec<(UploadId, State)>>;

    // access
    async fn add_key(&self, key: &ApiKey, actor: &str) -> Result<()>;
    async fn key(&self, id: &str) -> Result<Option<ApiKey>>;
    async fn keys(&self, tenant: Option<&TenantId>) -> Result<Vec<ApiKey>>;
    /// False where there is no such key. Revoking again keeps the first time.
    async fn revoke_key(&self, id: &str, actor: &str, at: Timestamp) -> Result<bool>;

    // policies
    /// The tenant's latest, if it has one of its own.
    async fn policy(&self, tenant: &TenantId) -> Result<Option<StoredPolicy>>;
    /// Stores a new version, one above the latest (the embedded default is 1); returns it.
    async fn apply_policy(&self, tenant: &TenantId, text: &str, actor: &str, at: Timestamp) -> Result<u32>;

    // events, audit
    async fn outbox(&self, after: u64, limit: u32) -> Result<Vec<OutboxEntry>>;
    /// Entries that were not handed on yet, in order.
    async fn outbox_pending(&self, limit: u32) -> Result<Vec<OutboxEntry>>;
    /// These are durable where they went; the calls to their webhooks are due from `at` on, in the same commit.
    async fn outbox_handed_on(&self, handed: &[Handed], at: Timestamp) -> Result<()>;
    /// Forgets entries that were handed on before `before` and whose calls are made; returns how many.
    async fn outbox_prune(&self, before: Timestamp) -> Result<u64>;
    /// Is `holder` the one who does `what` until `until`? True for the first to ask, for as long as it asks again in
    /// time, so that one process of many drains the outbox.
    async fn lead(&self, what: &str, holder: &str, now: Timestamp, until: Timestamp) -> Result<bool>;
    /// Calls that are due and not dead, in order; of one webhook and upload only the earliest that was not made.
    async fn calls_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Call>>;
    /// The webhook took it.
    async fn call_made(&self, sequence: u64, webhook: &str) -> Result<()>;
    /// It did not. `again` is when it is called next; with `None` the call is dead until it is redriven.
    async fn call_failed(
        &self,
        sequence: u64,
        webhook: &str,
        error: &str,
        again: Option<Timestamp>,
    ) -> Result<()>;
    /// Calls that were given up.
    async fn calls_dead(&self, limit: u32) -> Result<Vec<Call>>;
    /// Makes dead calls due again, with no attempts counted: one entry's, or all. Returns how many.
    async fn calls_redrive(&self, sequence: Option<u64>, now: Timestamp) -> Result<u64>;
    async fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditLine>>;
    /// Looks at every line; gives the last one. Each of `noted`, which were written down elsewhere, must be among them.
    async fn audit_walk(&self, noted: &[AuditHead]) -> Result<std::result::Result<AuditHead, Forged>>;
    /// As [`Self::audit_walk`]: the number of lines, or that of the first that is wrong.
    async fn audit_verify(&self) -> Result<std::result::Result<u64, u64>> {
        let walked = self.audit_walk(&[]).await?;
        Ok(walked.map(|last| last.sequence).map_err(|(Forged::Line(line) | Forged::Noted(line))| line))
    }

    /// Can it be read and written just now? Really writes: ask about once a second at most.
    async fn ping(&self) -> Result<()>;
}

/// What delivery needs to serve one rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedRendition {
    pub rendition: Rendition,
    pub filename: Option<String>,
}
