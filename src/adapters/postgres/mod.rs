//! The Store in PostgreSQL, shared by any number of processes. What they write at the same time goes into few commits
//! (`batch.rs`), and row-level security keeps tenants apart (`migrations/`, `role.rs`, `db.rs`).

#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/accounts.rs"]
mod accounts;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/answer.rs"]
mod answer;
mod audit;
mod batch;
mod both;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/briefs.rs"]
mod briefs;
mod calls;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/care.rs"]
mod care;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/carry_out.rs"]
mod carry_out;
mod claim;
mod clock;
mod db;
mod delivery;
mod direct;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/drafts.rs"]
mod drafts;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/enqueue.rs"]
mod enqueue;
mod erase;
mod error;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/federation.rs"]
mod federation;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/insight.rs"]
mod insight;
mod intake;
mod keys;
mod open;
mod outbox;
mod policies;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/queue.rs"]
mod queue;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/reports.rs"]
mod reports;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/retention.rs"]
mod retention;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/reviews.rs"]
mod reviews;
mod role;
mod row;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/rule.rs"]
mod rule;
mod settle;
mod show;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/sight.rs"]
mod sight;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/snapshots.rs"]
mod snapshots;
mod streams;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/tally.rs"]
mod tally;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/trials.rs"]
mod trials;
#[expect(clippy::duplicate_mod, reason = "statements that serve both engines, on the types of each")]
#[path = "../sql/shared/wall.rs"]
mod wall;
mod work;

pub use batch::Flushes;
pub(super) use error::of_state;

use crate::{
    ports::{
        Result, Store,
        store::{
            Accepted, ApiKey, AuditHead, AuditLine, Call, Forged, Handed, Lease, NewUpload, NumberedVerdict,
            OutboxEntry, Page, PublishedRendition, Settlement, Stale, StoredPolicy, Upload,
        },
    },
    upload::{
        State, TenantId, UploadId,
        rendition::{Rendition, RenditionName},
    },
};
use async_trait::async_trait;
use batch::Batcher;
use db::Db;
use jiff::Timestamp;
use std::time::Duration;

/// Commits of verdicts at a time: what such a transaction asks for one after the other, and its disk, leave cores idle,
/// while more than two gather fewer verdicts in each.
const SETTLING: usize = 2;

/// How to reach the store, and what may be done to it. Holds a secret: it has no `Debug`.
#[derive(Clone)]
pub struct Options {
    /// `postgres://user@host:port/database?…`
    pub url: String,
    /// Goes before one in the URL.
    pub password: Option<String>,
    /// Bring the schema up to date; else another one than this version's is an error.
    pub migrate: bool,
    /// At most, for this process. Four of them may be busy with what many share.
    pub connections: u32,
}

pub struct Postgres {
    db: Db,
    accepts: Batcher<intake::Accept>,
    claims: Batcher<claim::Claim>,
    settles: Batcher<settle::Settle>,
}

impl Postgres {
    /// Connects, and makes or checks the schema and the role `lazaret_app`. Must be called within a runtime that lives
    /// as long as the store.
    pub async fn open(options: &Options) -> Result<Self> {
        let db = Db { pool: open::open(options).await? };
        let (accepts, claims) = (Batcher::start(db.clone(), 1), Batcher::start(db.clone(), 1));
        let settles = Batcher::start(db.clone(), SETTLING);
        Ok(Self { db, accepts, claims, settles })
    }

    /// Waits for what is under way, then hangs up.
    pub async fn close(&self) {
        self.db.pool.close().await;
    }

    /// How well group commit does: transactions, and the calls in them, by kind.
    pub fn flushes(&self) -> [(&'static str, Flushes); 3] {
        [
            ("accept", self.accepts.flushes()),
            ("claim", self.claims.flushes()),
            ("settle", self.settles.flushes()),
        ]
    }
}

#[async_trait]
impl Store for Postgres {
    async fn accept(&self, new: &NewUpload) -> Result<Accepted> {
        self.accepts.ask(intake::Accept::new(new)).await
    }

    async fn expect(&self, new: &NewUpload, until: Timestamp) -> Result<Accepted> {
        direct::expect(self, new, until).await
    }

    async fn complete(
        &self,
        tenant: &TenantId,
        id: UploadId,
        size: u64,
        sha256: &str,
        actor: &str,
        at: Timestamp,
    ) -> Result<Option<Upload>> {
        direct::complete(self, tenant, id, size, sha256, actor, at).await
    }

    async fn overdue(&self, now: Timestamp, limit: u32) -> Result<Vec<(TenantId, UploadId)>> {
        direct::overdue(self, now, limit).await
    }

    async fn by_external_id(&self, tenant: &TenantId, external_id: &str) -> Result<Option<Upload>> {
        show::by_external_id(self, tenant, external_id).await
    }

    async fn by_idempotency_key(&self, tenant: &TenantId, key: &str) -> Result<Option<Upload>> {
        show::by_idempotency_key(self, tenant, key).await
    }

    async fn upload(&self, tenant: &TenantId, id: UploadId) -> Result<Option<Upload>> {
        show::upload(self, tenant, id).await
    }

    async fn uploads(&self, tenant: &TenantId, page: &Page) -> Result<Vec<Upload>> {
        show::uploads(self, tenant, page).await
    }

    async fn verdict(&self, id: UploadId) -> Result<Option<NumberedVerdict>> {
        show::verdict(self, id).await
    }

    async fn erase(
        &self,
        tenant: &TenantId,
        id: UploadId,
        actor: &str,
        at: Timestamp,
    ) -> Result<Option<Vec<String>>> {
        erase::erase(self, tenant, id, actor, at).await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<UploadId>> {
        work::due(self, now, limit).await
    }

    async fn claim(
        &self,
        id: UploadId,
        worker: &str,
        now: Timestamp,
        term: Duration,
    ) -> Result<Option<Lease>> {
        self.claims.ask(claim::Claim::new(id, worker, now, term)?).await
    }

    async fn due_again(&self, id: UploadId) -> Result<Option<Timestamp>> {
        work::due_again(self, id).await
    }

    async fn extend(&self, lease: &Lease, until: Timestamp) -> Result<std::result::Result<(), Stale>> {
        work::extend(self, lease, until).await
    }

    async fn note(&self, lease: &Lease, busy_with: &str) -> Result<std::result::Result<(), Stale>> {
        work::note(self, lease, busy_with).await
    }

    async fn release(
        &self,
        lease: &Lease,
        due_at: Timestamp,
        waiting_for: Option<&str>,
        anew: bool,
    ) -> Result<std::result::Result<(), Stale>> {
        work::release(self, lease, due_at, waiting_for, anew).await
    }

    async fn settle(&self, lease: &Lease, settlement: &Settlement) -> Result<std::result::Result<(), Stale>> {
        self.settles.ask(settle::Settle::new(lease, settlement)?).await
    }

    async fn free_leases(&self, now: Timestamp) -> Result<u64> {
        work::free_leases(self, now).await
    }

    async fn reap(&self, before: Timestamp, unheard: Timestamp, now: Timestamp, limit: u32) -> Result<u64> {
        work::reap(self, before, unheard, now, limit).await
    }

    async fn backlog(&self) -> Result<u64> {
        work::backlog(self).await
    }

    async fn backlogs(&self) -> Result<Vec<(TenantId, u64)>> {
        work::backlogs(self).await
    }

    async fn oldest(&self) -> Result<Option<Timestamp>> {
        work::oldest(self).await
    }

    async fn published(&self, id: UploadId, name: RenditionName) -> Result<Option<PublishedRendition>> {
        delivery::published(self, id, name).await
    }

    async fn renditions(&self, id: UploadId) -> Result<Vec<Rendition>> {
        delivery::renditions(self, id).await
    }

    async fn used_keys(&self, keys: &[String]) -> Result<Vec<String>> {
        delivery::used_keys(self, keys).await
    }

    async fn known(&self, ids: &[UploadId]) -> Result<Vec<UploadId>> {
        delivery::known(self, ids).await
    }

    async fn states(&self, ids: &[UploadId]) -> Result<Vec<(UploadId, State)>> {
        delivery::states(self, ids).await
    }

    async fn add_key(&self, key: &ApiKey, actor: &str) -> Result<()> {
        keys::add(self, key, actor).await
    }

    async fn key(&self, id: &str) -> Result<Option<ApiKey>> {
        keys::one(self, id).await
    }

    async fn keys(&self, tenant: Option<&TenantId>) -> Result<Vec<ApiKey>> {
        keys::all(self, tenant).await
    }

    async fn revoke_key(&self, id: &str, actor: &str, at: Timestamp) -> Result<bool> {
        keys::revoke(self, id, actor, at).await
    }

    async fn policy(&self, tenant: &TenantId) -> Result<Option<StoredPolicy>> {
        policies::latest(self, tenant).await
    }

    async fn apply_policy(&self, tenant: &TenantId, text: &str, actor: &str, at: Timestamp) -> Result<u32> {
        policies::apply(self, tenant, text, actor, at).await
    }

    async fn outbox(&self, after: u64, limit: u32) -> Result<Vec<OutboxEntry>> {
        outbox::list(self, after, limit).await
    }

    async fn outbox_pending(&self, limit: u32) -> Result<Vec<OutboxEntry>> {
        outbox::pending(self, limit).await
    }

    async fn outbox_handed_on(&self, handed: &[Handed], at: Timestamp) -> Result<()> {
        outbox::handed_on(self, handed, at).await
    }

    async fn outbox_prune(&self, before: Timestamp) -> Result<u64> {
        outbox::prune(self, before).await
    }

    async fn lead(&self, what: &str, holder: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        outbox::lead(self, what, holder, now, until).await
    }

    async fn calls_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Call>> {
        calls::due(self, now, limit).await
    }

    async fn call_made(&self, sequence: u64, webhook: &str) -> Result<()> {
        calls::made(self, sequence, webhook).await
    }

    async fn call_failed(
        &self,
        sequence: u64,
        webhook: &str,
        error: &str,
        again: Option<Timestamp>,
    ) -> Result<()> {
        calls::failed(self, sequence, webhook, error, again).await
    }

    async fn calls_dead(&self, limit: u32) -> Result<Vec<Call>> {
        calls::dead(self, limit).await
    }

    async fn calls_redrive(&self, sequence: Option<u64>, now: Timestamp) -> Result<u64> {
        calls::redrive(self, sequence, now).await
    }

    async fn audit(&self, after: u64, limit: u32) -> Result<Vec<AuditLine>> {
        audit::list(self, after, limit).await
    }

    async fn audit_walk(&self, noted: &[AuditHead]) -> Result<std::result::Result<AuditHead, Forged>> {
        audit::walk(self, noted).await
    }

    async fn ping(&self) -> Result<()> {
        let mut tx = self.db.machine().await?;
        sqlx::query("UPDATE heartbeat SET beats = beats + 1").execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}
