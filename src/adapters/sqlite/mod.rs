//! The Store in one SQLite file: one connection writes, a few read beside it (write-ahead log).

#[path = "../sql/shared/accounts.rs"]
mod accounts;
#[path = "../sql/shared/answer.rs"]
mod answer;
mod audit;
mod both;
#[path = "../sql/shared/briefs.rs"]
mod briefs;
mod calls;
#[path = "../sql/shared/care.rs"]
mod care;
#[path = "../sql/shared/carry_out.rs"]
mod carry_out;
mod delivery;
mod direct;
#[path = "../sql/shared/drafts.rs"]
mod drafts;
#[path = "../sql/shared/enqueue.rs"]
mod enqueue;
mod erase;
mod error;
#[path = "../sql/shared/federation.rs"]
mod federation;
#[path = "../sql/shared/insight.rs"]
mod insight;
mod intake;
mod keys;
mod lookup;
mod open;
mod outbox;
mod policies;
#[path = "../sql/shared/queue.rs"]
mod queue;
mod readers;
#[path = "../sql/shared/reports.rs"]
mod reports;
#[path = "../sql/shared/retention.rs"]
mod retention;
#[path = "../sql/shared/reviews.rs"]
mod reviews;
#[path = "../sql/shared/rule.rs"]
mod rule;
mod settle;
#[path = "../sql/shared/sight.rs"]
mod sight;
#[path = "../sql/shared/snapshots.rs"]
mod snapshots;
mod streams;
#[path = "../sql/shared/tally.rs"]
mod tally;
#[cfg(test)]
mod tests;
#[path = "../sql/shared/trials.rs"]
mod trials;
#[cfg(test)]
mod upgrade;
#[path = "../sql/shared/wall.rs"]
mod wall;
mod work;

use super::sql as row;
use crate::{
    ports::{
        Kind, PortError, Result, Store,
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
pub(super) use error::of_code;
use jiff::Timestamp;
use lookup::Lookups;
use readers::Readers;
use sqlx::{SqlitePool, Transaction};
use std::{path::Path, time::Duration};

/// Connections that read.
const READERS: u32 = 4;

type Tx = Transaction<'static, sqlx::Sqlite>;

pub struct Sqlite {
    writer: SqlitePool,
    readers: Readers,
    lookups: Lookups,
}

impl Sqlite {
    /// Opens the store at `path`, makes it where there is none (file 0600, folder 0700), and brings its schema up to
    /// date. A schema from a newer version is an error.
    pub async fn open(path: &Path) -> Result<Self> {
        open::make_file(path)?;
        let writer = open::writer(path).await?;
        open::migrate(&writer).await?;
        let readers = Readers::open(&open::read_only(path), READERS).await?;
        Ok(Self { writer, readers, lookups: Lookups::open(path) })
    }

    /// Opens the store of a server that may be running beside this process; one that is not there is an error.
    pub async fn open_existing(path: &Path) -> Result<Self> {
        if !path.try_exists()? {
            let why = format!(
                "there is no store at {}: start `lazaret serve` once, or set store.url",
                path.display()
            );
            return Err(PortError::new(Kind::Fail, why));
        }
        Self::open(path).await
    }

    /// Waits for what is under way, then folds the write-ahead log back into the file.
    pub async fn close(&self) {
        self.lookups.close();
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A write transaction: IMMEDIATE, so that what it reads stays true until it commits. Dropped, it rolls back.
    async fn begin(&self) -> Result<Tx> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn accept(&self, new: &NewUpload) -> Result<Accepted> {
        intake::accept(self, new).await
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
        let mut reader = self.readers.lend().await?;
        intake::by(&mut reader, intake::Column::ExternalId, tenant, external_id).await
    }

    async fn by_idempotency_key(&self, tenant: &TenantId, key: &str) -> Result<Option<Upload>> {
        let mut reader = self.readers.lend().await?;
        intake::by(&mut reader, intake::Column::IdempotencyKey, tenant, key).await
    }

    async fn upload(&self, tenant: &TenantId, id: UploadId) -> Result<Option<Upload>> {
        intake::upload(self, tenant, id).await
    }

    async fn uploads(&self, tenant: &TenantId, page: &Page) -> Result<Vec<Upload>> {
        intake::uploads(self, tenant, page).await
    }

    async fn verdict(&self, id: UploadId) -> Result<Option<NumberedVerdict>> {
        intake::verdict(self, id).await
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
        work::claim(self, id, worker, now, term).await
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
        settle::settle(self, lease, settlement).await
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
        sqlx::query("SELECT 1 FROM heartbeat").fetch_one(&mut *self.readers.lend().await?).await?;
        sqlx::query("UPDATE heartbeat SET beats = beats + 1").execute(&self.writer).await?;
        Ok(())
    }
}
