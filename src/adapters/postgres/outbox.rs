//! What is to be told to others, committed with what it tells.

use super::{
    Postgres,
    row::{parse, signed, time, unsigned},
};
use crate::{
    ports::{
        Result,
        store::{Handed, OutboxEntry},
    },
    upload::{TenantId, UploadId},
};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;

/// An entry to be.
pub(super) struct News<'a> {
    pub upload: UploadId,
    pub tenant: &'a TenantId,
    pub kind: &'static str,
    pub body: Value,
    pub at: Timestamp,
}

pub(super) async fn append(tx: &mut PgConnection, news: &[News<'_>]) -> Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO outbox (upload, tenant, kind, body, at) SELECT n.upload, n.tenant, n.kind, n.body::json, n.at \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) \
         WITH ORDINALITY AS n (upload, tenant, kind, body, at, turn) ORDER BY n.turn",
    )
    .bind(news.iter().map(|n| n.upload.to_string()).collect::<Vec<_>>())
    .bind(news.iter().map(|n| n.tenant.as_str()).collect::<Vec<_>>())
    .bind(news.iter().map(|n| n.kind).collect::<Vec<_>>())
    .bind(news.iter().map(|n| n.body.to_string()).collect::<Vec<_>>())
    .bind(news.iter().map(|n| n.at.as_millisecond()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Columns `sequence, upload, tenant, kind, body, at`.
pub(super) type Columns = (i64, String, String, String, String, i64);

pub(super) fn entry((sequence, upload, tenant, kind, body, at): Columns) -> Result<OutboxEntry> {
    Ok(OutboxEntry {
        sequence: unsigned(sequence)?,
        upload: parse(&upload)?,
        tenant: parse(&tenant)?,
        kind,
        body,
        at: time(at)?,
    })
}

pub(super) async fn list(store: &Postgres, after: u64, limit: u32) -> Result<Vec<OutboxEntry>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT sequence, upload, tenant, kind, body::text, at FROM outbox WHERE sequence > $1 ORDER BY sequence \
         LIMIT $2",
    )
    .bind(signed(after)?)
    .bind(i64::from(limit))
    .fetch_all(&mut *store.db.machine().await?)
    .await?;
    rows.into_iter().map(entry).collect()
}

pub(super) async fn pending(store: &Postgres, limit: u32) -> Result<Vec<OutboxEntry>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT sequence, upload, tenant, kind, body::text, at FROM outbox WHERE handed_at IS NULL ORDER BY sequence \
         LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(&mut *store.db.machine().await?)
    .await?;
    rows.into_iter().map(entry).collect()
}

pub(super) async fn handed_on(store: &Postgres, handed: &[Handed], at: Timestamp) -> Result<()> {
    let (mut all, mut called, mut webhooks) = (Vec::new(), Vec::new(), Vec::new());
    for entry in handed {
        let sequence = signed(entry.sequence)?;
        all.push(sequence);
        for webhook in &entry.webhooks {
            called.push(sequence);
            webhooks.push(webhook.as_str());
        }
    }
    let mut tx = store.db.machine().await?;
    sqlx::query(
        "WITH handed AS (UPDATE outbox SET handed_at = $2 WHERE sequence = ANY ($1) AND handed_at IS NULL \
         RETURNING sequence, upload) INSERT INTO calls (sequence, webhook, upload, due_at) \
         SELECT h.sequence, c.webhook, h.upload, $2 FROM handed h \
         JOIN unnest($3::bigint[], $4::text[]) AS c (sequence, webhook) ON c.sequence = h.sequence",
    )
    .bind(all)
    .bind(at.as_millisecond())
    .bind(called)
    .bind(webhooks)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn prune(store: &Postgres, before: Timestamp) -> Result<u64> {
    let mut tx = store.db.machine().await?;
    let done = sqlx::query(
        "DELETE FROM outbox WHERE sequence IN (SELECT o.sequence FROM outbox o WHERE o.handed_at < $1 \
         AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.sequence = o.sequence) ORDER BY o.handed_at LIMIT 50000)",
    )
    .bind(before.as_millisecond())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}

pub(super) async fn lead(
    store: &Postgres,
    what: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let mut tx = store.db.machine().await?;
    let done = sqlx::query(
        "INSERT INTO leaders (what, holder, until) VALUES ($1, $2, $4) ON CONFLICT (what) DO UPDATE \
         SET holder = excluded.holder, until = excluded.until WHERE leaders.holder = excluded.holder OR leaders.until <= $3",
    )
    .bind(what)
    .bind(holder)
    .bind(now.as_millisecond())
    .bind(until.as_millisecond())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}
