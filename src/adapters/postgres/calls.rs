//! Webhooks that are to be called. A call that was made is gone; one that was given up has no time when it is due.

use super::{
    Postgres, outbox,
    row::{clean, signed, small},
};
use crate::ports::{Result, store::Call};
use jiff::Timestamp;

type Columns = (i64, String, String, String, String, i64, String, i64, Option<String>);

fn call((sequence, upload, tenant, kind, body, at, webhook, attempts, error): Columns) -> Result<Call> {
    let entry = outbox::entry((sequence, upload, tenant, kind, body, at))?;
    Ok(Call { webhook, entry, attempts: small(attempts)?, error })
}

/// A webhook hears of one upload in order: an earlier call that was not made holds back the later ones, unless it was
/// given up: then the later ones are all that can be told.
pub(super) async fn due(store: &Postgres, now: Timestamp, limit: u32) -> Result<Vec<Call>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT o.sequence, o.upload, o.tenant, o.kind, o.body::text, o.at, c.webhook, c.attempts, c.error \
         FROM calls c JOIN outbox o ON o.sequence = c.sequence \
         WHERE c.due_at <= $1 AND NOT EXISTS (SELECT 1 FROM calls e WHERE e.webhook = c.webhook \
         AND e.upload = c.upload AND e.sequence < c.sequence AND e.due_at IS NOT NULL) \
         ORDER BY c.due_at, c.sequence LIMIT $2",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
    .fetch_all(&mut *store.db.machine().await?)
    .await?;
    rows.into_iter().map(call).collect()
}

pub(super) async fn made(store: &Postgres, sequence: u64, webhook: &str) -> Result<()> {
    let mut tx = store.db.machine().await?;
    sqlx::query("DELETE FROM calls WHERE sequence = $1 AND webhook = $2")
        .bind(signed(sequence)?)
        .bind(webhook)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn failed(
    store: &Postgres,
    sequence: u64,
    webhook: &str,
    error: &str,
    again: Option<Timestamp>,
) -> Result<()> {
    let mut tx = store.db.machine().await?;
    sqlx::query(
        "UPDATE calls SET attempts = attempts + 1, error = $3, due_at = $4 WHERE sequence = $1 AND webhook = $2",
    )
    .bind(signed(sequence)?)
    .bind(webhook)
    .bind(clean(error))
    .bind(again.map(Timestamp::as_millisecond))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn dead(store: &Postgres, limit: u32) -> Result<Vec<Call>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT o.sequence, o.upload, o.tenant, o.kind, o.body::text, o.at, c.webhook, c.attempts, c.error \
         FROM calls c JOIN outbox o ON o.sequence = c.sequence WHERE c.due_at IS NULL ORDER BY c.sequence LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(&mut *store.db.machine().await?)
    .await?;
    rows.into_iter().map(call).collect()
}

pub(super) async fn redrive(store: &Postgres, sequence: Option<u64>, now: Timestamp) -> Result<u64> {
    let mut tx = store.db.machine().await?;
    let done = sqlx::query(
        "UPDATE calls SET attempts = 0, due_at = $2 WHERE due_at IS NULL AND ($1::bigint IS NULL OR sequence = $1)",
    )
    .bind(sequence.map(signed).transpose()?)
    .bind(now.as_millisecond())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}
