//! Users get their answer with the ruling that gives it, and an item is closed unless somebody waits still.

use super::both::Connection;
use crate::{
    ports::{Result, reviews::Ruling},
    upload::Decision,
};

/// Answers what had been said when the ruling was made; the rest keeps the item open. Gives the number of the appeal
/// that was decided, if there was one.
pub(super) async fn answer(tx: &mut Connection, ruling: &Ruling, decision: Decision) -> Result<Option<i64>> {
    let id = ruling.upload.to_string();
    // First, so that what is said at the same moment is seen here, or sees this.
    sqlx::query("UPDATE reviews SET version = version + 1 WHERE upload = $1")
        .bind(&id)
        .execute(&mut *tx)
        .await?;
    let publishes = decision == Decision::Publish;
    let appeal: Option<i64> = sqlx::query_scalar(
        "UPDATE appeals SET outcome = $2 WHERE upload = $1 AND outcome IS NULL AND at <= $3 RETURNING number",
    )
    .bind(&id)
    .bind(if publishes { "upheld" } else { "rejected" })
    .bind(ruling.at.as_millisecond())
    .fetch_optional(&mut *tx)
    .await?;
    // What is taken down answers every report; what stays up, those that were there to be read.
    sqlx::query(
        "UPDATE reports SET outcome = $2 WHERE upload = $1 AND outcome IS NULL AND (at <= $3 OR $4 = 0)",
    )
    .bind(&id)
    .bind(if publishes { "dismissed" } else { "upheld" })
    .bind(ruling.at.as_millisecond())
    .bind(i64::from(publishes))
    .execute(&mut *tx)
    .await?;
    back(tx, &id, "closed").await?;
    // Nobody decides an appeal on what they decided before.
    let decided = decided_by(tx, &id).await?;
    sqlx::query(
        "UPDATE reviews SET not_by = CASE WHEN status = 'open' AND $3 = 0 THEN $2 END WHERE upload = $1",
    )
    .bind(&id)
    .bind(decided)
    .bind(i64::from(publishes))
    .execute(&mut *tx)
    .await?;
    Ok(appeal)
}

/// All who ever had their say on it, with spaces between; also who was the first of two. What was taken back, or could not
/// be carried out, is no decision.
pub(super) async fn decided_by(tx: &mut Connection, id: &str) -> Result<Option<String>> {
    let people: Vec<String> = sqlx::query_scalar(
        "SELECT person FROM rulings WHERE upload = $1 AND kind IN ('approve', 'quarantine') \
         AND standing IN ('done', 'second') GROUP BY person ORDER BY min(number)",
    )
    .bind(id)
    .fetch_all(tx)
    .await?;
    Ok((!people.is_empty()).then(|| people.join(" ")))
}

/// An item that waited is open again where users wait for an answer, else `otherwise`.
pub(super) async fn back(tx: &mut Connection, id: &str, otherwise: &str) -> Result<()> {
    sqlx::query(
        "UPDATE reviews SET version = version + 1, holder = NULL, held_until = NULL, status = CASE \
         WHEN EXISTS (SELECT 1 FROM reports p WHERE p.upload = $1 AND p.outcome IS NULL) \
         OR EXISTS (SELECT 1 FROM appeals a WHERE a.upload = $1 AND a.outcome IS NULL) THEN 'open' ELSE $2 END \
         WHERE upload = $1 AND status = 'waiting'",
    )
    .bind(id)
    .bind(otherwise)
    .execute(tx)
    .await?;
    Ok(())
}
