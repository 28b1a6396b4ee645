//! What is to be told to others, committed with what it tells.

use super::{
    Sqlite,
    row::{parse, signed, unsigned},
};
use crate::{
    ports::{Result, store::OutboxEntry},
    upload::UploadId,
};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::SqliteConnection;

pub(super) async fn append(
    tx: &mut SqliteConnection,
    upload: UploadId,
    kind: &str,
    body: &Value,
    at: Timestamp,
) -> Result<()> {
    sqlx::query("INSERT INTO outbox (upload, kind, body, at) VALUES ($1, $2, $3, $4)")
        .bind(upload.to_string())
        .bind(kind)
        .bind(body.to_string())
        .bind(at.as_millisecond())
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn list(store: &Sqlite, after: u64, limit: u32) -> Result<Vec<OutboxEntry>> {
    let rows: Vec<(i64, String, String, String)> = sqlx::query_as(
        "SELECT sequence, upload, kind, body FROM outbox WHERE sequence > $1 ORDER BY sequence LIMIT $2",
    )
    .bind(signed(after)?)
    .bind(limit)
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    rows.into_iter()
        .map(|(sequence, upload, kind, body)| {
            Ok(OutboxEntry { sequence: unsigned(sequence)?, upload: parse(&upload)?, kind, body })
        })
        .collect()
}
