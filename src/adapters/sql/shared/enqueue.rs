//! Into the flagged queue and out of it, with what settles or erases an upload.

use super::both::Connection;
use crate::{
    ports::{Result, reviews::Status},
    upload::{Decision, Likeness, ruling, verdict::VerdictDetail},
};
use jiff::Timestamp;

/// Of the labels that an item is found by, and of its reasons. An index entry of PostgreSQL, which has both, holds 2,704.
const LABELS_BYTES: usize = 512;
const REASONS_BYTES: usize = 512;

/// An upload that goes to review is in the queue from the same commit on.
pub(super) async fn enqueue(
    tx: &mut Connection,
    id: &str,
    tenant: &str,
    verdict: &VerdictDetail,
    at: Timestamp,
) -> Result<()> {
    let bands = verdict.perceptual_hash.map(|likeness| likeness.bands().map(i64::from));
    let band = |n: usize| bands.map(|bands| bands[n]);
    let reasons = reasons(verdict);
    sqlx::query(
        "INSERT INTO reviews (upload, tenant, status, severity, reason, reasons, media_type, queued_at, likeness, \
         like_0, like_1, like_2, like_3, labels) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
         ON CONFLICT (upload) DO NOTHING",
    )
    .bind(id)
    .bind(tenant)
    .bind(if verdict.verdict == Decision::Review { Status::Open } else { Status::Closed }.as_str())
    .bind(i64::from(ruling::severity(verdict)))
    .bind(reasons.first().copied())
    .bind(reasons.join(" "))
    .bind(&verdict.r#type.media_type)
    .bind(at.as_millisecond())
    .bind(verdict.perceptual_hash.map(Likeness::stored))
    .bind(band(0))
    .bind(band(1))
    .bind(band(2))
    .bind(band(3))
    .bind(labels(verdict))
    .execute(tx)
    .await?;
    Ok(())
}

/// What it is filed under, and whatever else it is found by: as much of it as an index takes, which is all that a policy and
/// the gaps give.
fn reasons(verdict: &VerdictDetail) -> Vec<&str> {
    let mut bytes = 0;
    let fits = |reason: &&str| {
        bytes += reason.len() + 1;
        bytes <= REASONS_BYTES
    };
    let reasons: Vec<_> = verdict.reasons.iter().map(String::as_str).take_while(fits).collect();
    if reasons.is_empty() { vec!["review"] } else { reasons }
}

/// One a line, with a line feed at both ends: what an item is found by. As much of it as an index takes.
fn labels(verdict: &VerdictDetail) -> String {
    let mut lines = String::new();
    for label in verdict.likely_labels().into_iter().filter(|label| !label.contains('\n')) {
        if lines.len() + label.len() < LABELS_BYTES {
            lines.push_str(if lines.is_empty() { "\n" } else { "" });
            lines.push_str(label);
            lines.push('\n');
        }
    }
    lines
}

/// Is the item kept from erasure? Else it is out of the queue with the same commit.
pub(super) async fn erased(tx: &mut Connection, id: &str) -> Result<bool> {
    // First, so that whoever rules or speaks at the same moment is seen here, or comes too late; a closed item's version is
    // another from here on, too.
    let sealed: Option<i64> =
        sqlx::query_scalar("UPDATE reviews SET version = version + 1 WHERE upload = $1 RETURNING sealed")
            .bind(id)
            .fetch_optional(&mut *tx)
            .await?;
    if sealed == Some(1) {
        return Ok(false);
    }
    // What users said of it may name them.
    sqlx::query("DELETE FROM reports WHERE upload = $1").bind(id).execute(&mut *tx).await?;
    sqlx::query("DELETE FROM appeals WHERE upload = $1").bind(id).execute(&mut *tx).await?;
    // Nor is what it looked like found any more.
    sqlx::query(
        "UPDATE reviews SET likeness = NULL, like_0 = NULL, like_1 = NULL, like_2 = NULL, like_3 = NULL \
         WHERE upload = $1",
    )
    .bind(id)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE reviews SET status = 'closed', holder = NULL, held_until = NULL WHERE upload = $1 AND status <> 'closed'",
    )
    .bind(id)
    .execute(&mut *tx)
    .await?;
    Ok(true)
}
