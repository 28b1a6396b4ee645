//! The append-only log and its chain of hashes.

use super::{
    Postgres,
    row::{Walk, as_hash, chained, signed, time, unsigned},
};
use crate::ports::{
    Result,
    store::{AuditHead, AuditLine, Forged},
};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;

/// Lines read at a time when all are verified.
const PAGE: u32 = 1000;

pub(super) struct Entry<'a> {
    pub at: Timestamp,
    pub actor: &'a str,
    pub action: &'static str,
    pub subject: &'a str,
    pub detail: Value,
}

/// Appends last before the caller's commit: until then no other transaction appends, on any machine.
pub(super) async fn append(tx: &mut PgConnection, entries: &[Entry<'_>]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let (last, hash): (i64, Vec<u8>) =
        sqlx::query_as("SELECT last, last_hash FROM audit_turn()").fetch_one(&mut *tx).await?;
    let mut previous = as_hash(&hash)?;
    let mut hashes = Vec::with_capacity(entries.len());
    let mut lines = Vec::with_capacity(entries.len());
    for (sequence, entry) in (unsigned(last)? + 1..).zip(entries) {
        let line = AuditLine {
            sequence,
            at: time(entry.at.as_millisecond())?,
            actor: super::row::clean(entry.actor),
            action: entry.action.to_owned(),
            subject: super::row::clean(entry.subject),
            detail: entry.detail.to_string(),
        };
        previous = chained(&previous, &line);
        hashes.push(previous.to_vec());
        lines.push(line);
    }
    let texts = |of: fn(&AuditLine) -> &String| lines.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO audit (sequence, at, actor, action, subject, detail, hash) \
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])",
    )
    .bind(lines.iter().map(|line| signed(line.sequence)).collect::<Result<Vec<_>>>()?)
    .bind(lines.iter().map(|line| line.at.as_millisecond()).collect::<Vec<_>>())
    .bind(texts(|line| &line.actor))
    .bind(texts(|line| &line.action))
    .bind(texts(|line| &line.subject))
    .bind(texts(|line| &line.detail))
    .bind(hashes)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn list(store: &Postgres, after: u64, limit: u32) -> Result<Vec<AuditLine>> {
    Ok(page(store, after, limit).await?.into_iter().map(|(line, _)| line).collect())
}

pub(super) async fn walk(
    store: &Postgres,
    noted: &[AuditHead],
) -> Result<std::result::Result<AuditHead, Forged>> {
    // The trigger remembers the last line there ever was, so a log that lost its end, or has another, shows too. Read
    // first, for the log may grow meanwhile.
    let (given, hash): (i64, Vec<u8>) = sqlx::query_as("SELECT sequence, hash FROM audit_head")
        .fetch_one(&mut *store.db.machine().await?)
        .await?;
    let given = (unsigned(given)?, Some(as_hash(&hash)?));
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

async fn page(store: &Postgres, after: u64, limit: u32) -> Result<Vec<(AuditLine, [u8; 32])>> {
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT sequence, at, actor, action, subject, detail, hash FROM audit WHERE sequence > $1 ORDER BY sequence \
         LIMIT $2",
    )
    .bind(signed(after)?)
    .bind(i64::from(limit))
    .fetch_all(&mut *store.db.machine().await?)
    .await?;
    rows.into_iter()
        .map(|(sequence, at, actor, action, subject, detail, hash)| {
            let line =
                AuditLine { sequence: unsigned(sequence)?, at: time(at)?, actor, action, subject, detail };
            Ok((line, as_hash(&hash)?))
        })
        .collect()
}
