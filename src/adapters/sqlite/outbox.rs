//! What is to be told to others, committed with what it tells.

use super::{
    Sqlite,
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
use sqlx::SqliteConnection;

pub(super) async fn append(
    tx: &mut SqliteConnection,
    upload: UploadId,
    tenant: &TenantId,
    kind: &str,
    body: &Value,
    at: Timestamp,
) -> Result<()> {
    sqlx::query("INSERT INTO outbox (upload, tenant, kind, body, at) VALUES ($1, $2, $3, $4, $5)")
        .bind(upload.to_string())
        .bind(tenant.as_str())
        .bind(kind)
        .bind(body.to_string())
        .bind(at.as_millisecond())
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

pub(super) async fn list(store: &Sqlite, after: u64, limit: u32) -> Result<Vec<OutboxEntry>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT sequence, upload, tenant, kind, body, at FROM outbox WHERE sequence > $1 ORDER BY sequence LIMIT $2",
    )
    .bind(signed(after)?)
    .bind(limit)
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    rows.into_iter().map(entry).collect()
}

pub(super) async fn pending(store: &Sqlite, limit: u32) -> Result<Vec<OutboxEntry>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT sequence, upload, tenant, kind, body, at FROM outbox WHERE handed_at IS NULL ORDER BY sequence LIMIT $1",
    )
    .bind(limit)
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    rows.into_iter().map(entry).collect()
}

pub(super) async fn handed_on(store: &Sqlite, handed: &[Handed], at: Timestamp) -> Result<()> {
    let mut tx = store.begin().await?;
    for Handed { sequence, webhooks } in handed {
        let done = sqlx::query("UPDATE outbox SET handed_at = $2 WHERE sequence = $1 AND handed_at IS NULL")
            .bind(signed(*sequence)?)
            .bind(at.as_millisecond())
            .execute(&mut *tx)
            .await?;
        if done.rows_affected() == 0 {
            continue;
        }
        for webhook in webhooks {
            sqlx::query(
                "INSERT INTO calls (sequence, webhook, upload, due_at) \
                 SELECT sequence, $2, upload, $3 FROM outbox WHERE sequence = $1",
            )
            .bind(signed(*sequence)?)
            .bind(webhook)
            .bind(at.as_millisecond())
            .execute(&mut *tx)
            .await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

pub(super) async fn prune(store: &Sqlite, before: Timestamp) -> Result<u64> {
    let done = sqlx::query(
        "DELETE FROM outbox WHERE handed_at < $1 AND NOT EXISTS (SELECT 1 FROM calls c WHERE c.sequence = outbox.sequence)",
    )
    .bind(before.as_millisecond())
    .execute(&store.writer)
    .await?;
    Ok(done.rows_affected())
}

pub(super) async fn lead(
    store: &Sqlite,
    what: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO leaders (what, holder, until) VALUES ($1, $2, $4) ON CONFLICT (what) DO UPDATE \
         SET holder = excluded.holder, until = excluded.until WHERE leaders.holder = excluded.holder OR leaders.until <= $3",
    )
    .bind(what)
    .bind(holder)
    .bind(now.as_millisecond())
    .bind(until.as_millisecond())
    .execute(&store.writer)
    .await?;
    Ok(done.rows_affected() == 1)
}
