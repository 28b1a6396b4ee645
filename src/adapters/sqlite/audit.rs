//! The append-only log and its chain of hashes.

use super::{
    Sqlite,
    row::{GENESIS, Walk, as_hash, chained, signed, time, unsigned},
};
use crate::ports::{
    Result,
    store::{AuditHead, AuditLine, Forged},
};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::SqliteConnection;

/// Lines read at a time when all are verified.
const PAGE: u32 = 1000;

pub(super) struct Entry<'a> {
    pub at: Timestamp,
    pub actor: &'a str,
    pub action: &'static str,
    pub subject: &'a str,
    pub detail: Value,
}

/// Appends within the caller's transaction, which must have begun IMMEDIATE: nobody else appends meanwhile.
pub(super) async fn append(tx: &mut SqliteConnection, entry: Entry<'_>) -> Result<()> {
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1")
            .fetch_optional(&mut *tx)
            .await?;
    let (sequence, previous) = match last {
        Some((sequence, hash)) => (sequence + 1, as_hash(&hash)?),
        None => (1, GENESIS),
    };
    let line = AuditLine {
        sequence: unsigned(sequence)?,
        at: time(entry.at.as_millisecond())?,
        actor: entry.actor.to_owned(),
        action: entry.action.to_owned(),
        subject: entry.subject.to_owned(),
        detail: entry.detail.to_string(),
    };
    sqlx::query("INSERT INTO audit (sequence, at, actor, action, subject, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(sequence)
        .bind(line.at.as_millisecond())
        .bind(&line.actor)
        .bind(&line.action)
        .bind(&line.subject)
        .bind(&line.detail)
        .bind(&chained(&previous, &line)[..])
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn list(store: &Sqlite, after: u64, limit: u32) -> Result<Vec<AuditLine>> {
    Ok(page(store, after, limit).await?.into_iter().map(|(line, _)| line).collect())
}

pub(super) async fn walk(
    store: &Sqlite,
    noted: &[AuditHead],
) -> Result<std::result::Result<AuditHead, Forged>> {
    // SQLite remembers the highest number it ever gave, so a log that lost its end shows too. Read first, for the log
    // may grow meanwhile.
    let given: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'audit'")
        .fetch_optional(&mut *store.readers.lend().await?)
        .await?;
    let given = (unsigned(given.unwrap_or(0))?, None);
    let mut walk = Walk::new(given, noted);
    loop {
        let lines = page(store, walk.at(), PAGE).await?;
        if lines.is_empty() {
            return Ok(walk.end());
        }
        for (line, hash) in lines {
            if let Err(forged) = walk.step(&line, hash) {
                return Ok(Err(forged));
            }
        }
    }
}

/// Columns `sequence, at, actor, action, subject, detail, hash`.
type Columns = (i64, i64, String, String, String, String, Vec<u8>);

async fn page(store: &Sqlite, after: u64, limit: u32) -> Result<Vec<(AuditLine, [u8; 32])>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT sequence, at, actor, action, subject, detail, hash FROM audit WHERE sequence > $1 ORDER BY sequence \
         LIMIT $2",
    )
    .bind(signed(after)?)
    .bind(limit)
    .fetch_all(&mut *store.readers.lend().await?)
    .await?;
    rows.into_iter()
        .map(|(sequence, at, actor, action, subject, detail, hash)| {
            let line =
                AuditLine { sequence: unsigned(sequence)?, at: time(at)?, actor, action, subject, detail };
            Ok((line, as_hash(&hash)?))
        })
        .collect()
}
